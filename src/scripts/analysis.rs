//! What a script asks of the axis, before it is played.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MAX_POS, Script};
use crate::layout;
use crate::motion::ProfileLimits;
use crate::motion::feed::within_reach;

/// The narrowest window that is proposed, in mm, and the steps in which it is said.
const NARROWEST_MM: f64 = 1.0;
const FITS_STEP_MM: f64 = 0.1;

/// What a script asks of the axis in a window, at a rate of the video.
///
/// Speeds are means between two actions; on its way the axis is up to half faster than that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Analysis {
    /// Time until the last action, in s.
    pub duration_s: f64,
    /// Number of actions.
    pub actions: usize,
    /// Motions from one turn to the next.
    pub strokes: usize,
    /// Highest speed, in mm/s.
    pub peak_mm_s: f64,
    /// Half of the time between the first and the last action is no faster than this, in mm/s.
    pub p50_mm_s: f64,
    /// The same for 90 % of the time.
    pub p90_mm_s: f64,
    /// The same for 99 % of the time.
    pub p99_mm_s: f64,
    /// Actions whose place is not reached in their time: the strokes there are shorter, and not later.
    pub shortened: usize,
    /// The same as a share of all actions, 0 to 1.
    pub shortened_share: f64,
    /// The longest window in which nothing is shortened, in mm; null if there is none of 1 mm or more.
    pub fits_mm: Option<f64>,
}

/// Analyses a script in a window of `window_mm`, inside `limits`, with the video at `rate` times its speed. The three are
/// positive and finite.
#[must_use]
pub fn analyse(script: &Script, window_mm: f64, limits: ProfileLimits, rate: f64) -> Analysis {
    let mut speeds = segments(script, window_mm, rate);
    let strokes = strokes(script);
    speeds.sort_unstable_by(|(one, _), (other, _)| one.total_cmp(other));
    let within = |share| speed_within(&speeds, share);
    let shortened = shortened(script, window_mm, limits, rate);
    let actions = script.actions.len();
    Analysis {
        duration_s: f64::from(script.duration_ms()) * 1e-3 / rate,
        actions,
        strokes,
        peak_mm_s: speeds.last().map_or(0.0, |(speed, _)| *speed),
        p50_mm_s: within(0.5),
        p90_mm_s: within(0.9),
        p99_mm_s: within(0.99),
        shortened,
        shortened_share: shortened as f64 / actions.max(1) as f64,
        fits_mm: fits_mm(script, limits, rate),
    }
}

/// Mean speed in mm/s, and time in s, between each two actions.
fn segments(script: &Script, window_mm: f64, rate: f64) -> Vec<(f64, f64)> {
    let segment = |pair: &[super::Action]| {
        let time_s = f64::from(pair[1].at_ms - pair[0].at_ms) * 1e-3 / rate;
        let way_mm = f64::from((pair[1].pos - pair[0].pos).abs()) * window_mm / f64::from(MAX_POS);
        (way_mm / time_s, time_s)
    };
    script.actions.windows(2).map(segment).collect()
}

/// The lowest of the sorted speeds that is not exceeded in this share of the time.
fn speed_within(speeds: &[(f64, f64)], share: f64) -> f64 {
    let all_s: f64 = speeds.iter().map(|(_, time_s)| time_s).sum();
    let mut so_far_s = 0.0;
    let found = speeds.iter().find(|(_, time_s)| {
        so_far_s += time_s;
        // Sums in another order differ by some rounding.
        so_far_s >= share * all_s * (1.0 - 1e-9)
    });
    found.or(speeds.last()).map_or(0.0, |(speed, _)| *speed)
}

/// Number of motions from one turn to the next; a pause does not turn.
fn strokes(script: &Script) -> usize {
    let mut direction = 0.0;
    let mut strokes = 0;
    for pair in script.actions.windows(2) {
        let way = pair[1].pos - pair[0].pos;
        if way != 0.0 && way.signum() != direction {
            direction = way.signum();
            strokes += 1;
        }
    }
    strokes
}

/// Number of actions whose place is not reached.
fn shortened(script: &Script, window_mm: f64, limits: ProfileLimits, rate: f64) -> usize {
    let point = |action: &super::Action| {
        let due_s = f64::from(action.at_ms) * 1e-3 / rate;
        (due_s, f64::from(action.pos) * window_mm / f64::from(MAX_POS))
    };
    let points: Vec<(f64, f64)> = script.actions.iter().map(point).collect();
    let reached = within_reach(&points, limits);
    points.iter().zip(reached).filter(|((_, wanted), reached)| wanted != reached).count()
}

/// The longest window in which nothing is shortened, by bisection: in a shorter one each way is shorter.
fn fits_mm(script: &Script, limits: ProfileLimits, rate: f64) -> Option<f64> {
    let fits = |steps: u32| shortened(script, f64::from(steps) * FITS_STEP_MM, limits, rate) == 0;
    let mut fitting = (NARROWEST_MM / FITS_STEP_MM).round() as u32;
    let mut beyond = (layout::MAX_STROKE_MM / FITS_STEP_MM).round() as u32 + 1;
    if !fits(fitting) {
        return None;
    }
    while beyond - fitting > 1 {
        let middle = fitting.midpoint(beyond);
        if fits(middle) { fitting = middle } else { beyond = middle }
    }
    Some(f64::from(fitting) / (1.0 / FITS_STEP_MM).round())
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    const LIMITS: ProfileLimits = ProfileLimits { speed: 500.0, acceleration: 5_000.0, jerk: 200_000.0 };

    fn analysed(csv: &str, window_mm: f64, rate: f64) -> Analysis {
        analyse(&read(csv.as_bytes()).unwrap(), window_mm, LIMITS, rate)
    }

    #[test]
    fn speeds_are_means_between_actions_and_percentiles_count_time() {
        // In 100 mm: 100 mm/s for 0.6 s, 200 mm/s for 0.3 s, 300 mm/s for 0.1 s, and the first action late.
        let csv = "1000,0\n1600,60\n1900,0\n2000,30";
        let made = analysed(csv, 100.0, 1.0);
        for (found, wanted) in [
            (made.p50_mm_s, 100.0),
            (made.p90_mm_s, 200.0),
            (made.p99_mm_s, 300.0),
            (made.peak_mm_s, 300.0),
            (made.duration_s, 2.0),
        ] {
            assert!((found - wanted).abs() < 1e-9, "{made:?}");
        }
        assert_eq!((made.actions, made.strokes), (4, 3));
        let faster = analysed(csv, 50.0, 2.0);
        assert!((faster.peak_mm_s - 300.0).abs() < 1e-9 && (faster.duration_s - 1.0).abs() < 1e-12);
        // Rests count as time; a stroke goes through points, and a pause in it does not end it.
        let rests = analysed("0,0\n100,10\n200,20\n1000,20\n1100,30\n1200,0\n1300,0", 100.0, 1.0);
        assert_eq!((rests.strokes, rests.p50_mm_s), (2, 0.0));
        let still = analysed("0,50", 100.0, 1.0);
        assert_eq!((still.strokes, still.peak_mm_s, still.shortened), (0, 0.0, 0));
        assert_eq!(still.fits_mm, Some(layout::MAX_STROKE_MM));
    }

    #[test]
    fn what_fits_is_the_longest_way_from_rest_to_rest_in_the_time() {
        // Strokes of the whole window in 0.3 s. At rest at both ends the acceleration rises and falls with the jerk, in
        // 25 ms each: half of the time changes the speed by 5 000 x (0.15 - 0.025) = 625 mm/s, more than the 500 of the
        // limits; so the way is 500 x (0.3 - (500/5 000 + 0.025)) = 87.5 mm, and with 0.96 of each limit 84.0 mm.
        let csv = "0,0\n300,100\n600,0\n900,100\n1200,0";
        assert_eq!(analysed(csv, 80.0, 1.0).fits_mm, Some(84.0));
        assert_eq!(analysed(csv, 84.0, 1.0).shortened, 0);
        let beyond = analysed(csv, 100.0, 1.0);
        // The first action is where the axis is met.
        assert_eq!((beyond.shortened, beyond.shortened_share, beyond.fits_mm), (4, 0.8, Some(84.0)));
        // At half the rate there is twice the time: 500 x (0.6 - 0.125) x 0.96 = 228.0 mm.
        assert_eq!(analysed(csv, 100.0, 0.5).fits_mm, Some(228.0));
        // Nothing of 1 mm goes in 10 ms.
        assert_eq!(analysed("0,0\n10,100\n20,0", 100.0, 1.0).fits_mm, None);
    }

    #[test]
    fn a_fast_passage_shortens_what_is_in_it_and_nothing_else() {
        let mut csv = String::from("0,0\n2000,100\n4000,0\n");
        for beat in 1..=20 {
            csv += &format!("{},{}\n", 4_000 + beat * 100, if beat % 2 == 1 { 100 } else { 0 });
        }
        csv += "8000,100\n10000,0\n";
        let made = analysed(&csv, 100.0, 1.0);
        // The fast passage has 21 ends, from that at 4 s to the last beat; 3 slow ones before and behind it stay.
        assert_eq!((made.actions, made.shortened), (25, 21));
    }
}
