//! What of a script an axis reaches: a stroke that is too long for its time becomes shorter round its middle, and never later.
//!
//! A script is known ahead, so the shortening is spread over both ends of a stroke: of each turn it is asked between which bounds it
//! would have to lie for all turns ahead to be reached, and the middle between them is taken. The same arithmetic makes the path and
//! the analysis before play.
//!
//! With the longest ways `c` from rest to rest in the time of each stroke, turn `i` of the positions `p` is taken to
//!
//! ```text
//! (min p_j + (c_i+1 + ... + c_j)  +  max p_j - (c_i+1 + ... + c_j)) / 2,     j = i ... i + 11
//! ```
//!
//! and not farther from the turn before than `c_i`. For strokes between two places that are `s` apart with too little time this is
//! the stroke `c` round the middle of both.

use super::super::limits::ProfileLimits;

/// Turns that are looked at.
pub const TURNS_AHEAD: usize = 12;
/// Share of the limits that a script's path uses; the rest is for the tracker.
pub const SCRIPT_SHARE: f64 = 0.96;
/// Positions that are nearer to each other, in mm, are the same.
const EQUAL_MM: f64 = 1e-9;

/// The longest way from rest to rest in `time_s`, in mm.
///
/// In half of the time the axis gains the speed `V`, with a quarter of it to build the acceleration up: `V = j t²/4`, or
/// `V = a (t - a/j)` where the acceleration limit is reached. Speeding up and braking take the way `V t`; at the speed limit what is
/// left of the time is a cruise.
#[must_use]
pub fn way_within(time_s: f64, limits: ProfileLimits) -> f64 {
    let ProfileLimits { speed, acceleration, jerk } = limits;
    let half_s = time_s.max(0.0) / 2.0;
    let onset_s = acceleration / jerk;
    let gained = if half_s <= 2.0 * onset_s {
        jerk * half_s * half_s / 4.0
    } else {
        acceleration * (half_s - onset_s)
    };
    if gained <= speed {
        return gained * half_s;
    }
    let ramp_s = if speed <= acceleration * onset_s {
        2.0 * libm::sqrt(speed / jerk)
    } else {
        speed / acceleration + onset_s
    };
    speed * (2.0 * half_s - ramp_s)
}

/// Where the first one of `turns` is reached from rest at `from`: each with the time since the turn before, in s, and its place, in
/// mm.
pub fn reached_turn(from: f64, turns: impl Iterator<Item = (f64, f64)>, limits: ProfileLimits) -> f64 {
    let most = limits.scaled(SCRIPT_SHARE);
    let (mut least, mut highest) = (f64::INFINITY, f64::NEG_INFINITY);
    let (mut first_way, mut way) = (0.0, 0.0);
    for (index, (time_s, place)) in turns.take(TURNS_AHEAD).enumerate() {
        let cap = way_within(time_s, most);
        if index == 0 {
            first_way = cap
        } else {
            way += cap
        }
        (least, highest) = (least.min(place + way), highest.max(place - way));
    }
    if least > highest + EQUAL_MM || !least.is_finite() {
        // Only without any turn.
        return from;
    }
    f64::midpoint(least, highest).clamp(from - first_way, from + first_way)
}

/// True if the motion turns or rests at `here`.
pub fn is_turn(before: f64, here: f64, behind: f64) -> bool {
    let (came, goes) = (here - before, behind - here);
    came.abs() <= EQUAL_MM || goes.abs() <= EQUAL_MM || (came > 0.0) != (goes > 0.0)
}

/// Where the axis is at each point of a script, which has the instant at which it is due, in s, and its place, in mm. Points between
/// two turns keep their share of the way between them. What is equal to the place of its point is reached.
#[must_use]
pub fn within_reach(points: &[(f64, f64)], limits: ProfileLimits) -> Vec<f64> {
    let ends = points.len().saturating_sub(1);
    let turns: Vec<usize> = (0..points.len())
        .filter(|&i| i == 0 || i == ends || is_turn(points[i - 1].1, points[i].1, points[i + 1].1))
        .collect();
    let mut reached: Vec<f64> = points.iter().map(|point| point.1).collect();
    for (number, pair) in turns.windows(2).enumerate() {
        let (first, last) = (pair[0], pair[1]);
        let ahead = turns[number..].windows(2).map(|pair| {
            let ((from_s, _), (due_s, place)) = (points[pair[0]], points[pair[1]]);
            (due_s - from_s, place)
        });
        let (from, asked) = (points[first].1, points[last].1);
        let (start, end) = (reached[first], reached_turn(reached[first], ahead, limits));
        reached[last] = if (end - asked).abs() <= EQUAL_MM { asked } else { end };
        let is_whole = start == from && reached[last] == asked;
        for index in first + 1..last {
            if !is_whole {
                reached[index] = start + (points[index].1 - from) / (asked - from) * (end - start);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::kinematics::Kinematics;
    use super::super::super::plan::{MovePlan, Target};
    use super::*;

    const LIMITS: ProfileLimits = ProfileLimits { speed: 500.0, acceleration: 5_000.0, jerk: 200_000.0 };

    #[test]
    fn strokes_that_are_too_long_become_shorter_round_their_middle() {
        let points: Vec<(f64, f64)> =
            (0..40).map(|i| (f64::from(i) * 0.2, if i % 2 == 0 { 0.0 } else { 100.0 })).collect();
        let way = way_within(0.2, LIMITS.scaled(SCRIPT_SHARE));
        let reached = within_reach(&points, LIMITS);
        for (index, place) in reached.iter().enumerate().skip(4).take(20) {
            let side = if index % 2 == 0 { -1.0 } else { 1.0 };
            assert!((place - (50.0 + side * way / 2.0)).abs() < 1e-6, "{index}: {place}, {way}");
        }
    }

    #[test]
    fn what_fits_is_reached() {
        let points = [(0.0, 10.0), (0.5, 60.0), (0.7, 80.0), (1.2, 20.0), (3.0, 20.0), (4.0, 100.0)];
        let asked: Vec<f64> = points.iter().map(|point| point.1).collect();
        assert_eq!(within_reach(&points, LIMITS), asked);
        assert!(within_reach(&[], LIMITS).is_empty());
        assert_eq!(within_reach(&points[..1], LIMITS), [10.0]);
    }

    proptest! {
        #[test]
        fn the_longest_way_takes_its_time(time_s in 0.005..3.0f64) {
            let way = way_within(time_s, LIMITS);
            let range = (f64::NEG_INFINITY, f64::INFINITY);
            let plan = MovePlan::new(Kinematics::at_rest(0.0), Target { p: way, v: 0.0 }, LIMITS, range).unwrap();
            prop_assert!((plan.duration_s() - time_s).abs() < 1e-9, "{} s", plan.duration_s());
        }

        #[test]
        fn each_stroke_fits_and_none_leaves_the_hull(
            steps in prop::collection::vec((0.01..0.5f64, 0.0..120.0f64), 2..60)
        ) {
            let mut at_s = 0.0;
            let points: Vec<(f64, f64)> = steps.iter().map(|(time_s, place)| { at_s += time_s; (at_s, *place) }).collect();
            let reached = within_reach(&points, LIMITS);
            let low = points.iter().map(|point| point.1).fold(f64::INFINITY, f64::min);
            let high = points.iter().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
            let ends = points.len() - 1;
            let mut last = 0;
            for index in 1..=ends {
                prop_assert!((low - 1e-9..=high + 1e-9).contains(&reached[index]));
                if index == ends || is_turn(points[index - 1].1, points[index].1, points[index + 1].1) {
                    let way = way_within(points[index].0 - points[last].0, LIMITS.scaled(SCRIPT_SHARE));
                    prop_assert!((reached[index] - reached[last]).abs() <= way + 1e-9);
                    last = index;
                }
            }
        }
    }
}
