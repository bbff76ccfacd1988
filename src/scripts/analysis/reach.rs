//! Reach of the points of a script: those that come too soon are reached in part, and not later.
//!
//! Between two points the axis follows a monotone cubic where its limits allow that, and else goes from rest to rest. How far
//! it gets in that time bounds each way. Strokes that are too long are made shorter round their middle: a point lies in the
//! middle between the highest and the lowest path that keep the bounds and stay near the points ahead.

use crate::motion::ProfileLimits;

/// Points ahead that the axis knows.
const AHEAD: usize = 12;
/// Share of the way from rest to rest that is used; the rest is for catching up.
const WAY_SHARE: f64 = 0.96;

/// The places in mm that the axis reaches for points, each with its instant in s and its place in mm. The instants rise.
pub fn within_reach(points: &[(f64, f64)], limits: ProfileLimits) -> Vec<f64> {
    let longest: Vec<f64> = (1..points.len()).map(|end| longest_mm(points, end, limits)).collect();
    let mut reached: Vec<f64> = Vec::with_capacity(points.len());
    for (here, (_, wanted)) in points.iter().enumerate() {
        let (mut upper, mut lower, mut way_mm) = (*wanted, *wanted, 0.0);
        for ((_, ahead), longest) in points[here + 1..].iter().zip(&longest[here..]).take(AHEAD) {
            way_mm += longest;
            upper = upper.min(ahead + way_mm);
            lower = lower.max(ahead - way_mm);
        }
        let middle = f64::midpoint(upper, lower);
        // A path goes on from where it is.
        let before = reached.last().zip(here.checked_sub(1).map(|before| longest[before]));
        reached.push(before.map_or(middle, |(from, way_mm)| middle.clamp(from - way_mm, from + way_mm)));
    }
    reached
}

/// The longest way to the point `end` from the one before it, in mm.
fn longest_mm(points: &[(f64, f64)], end: usize, limits: ProfileLimits) -> f64 {
    let [(from_s, from_mm), (to_s, to_mm)] = [points[end - 1], points[end]];
    let (time_s, way_mm) = (to_s - from_s, (to_mm - from_mm).abs());
    let to_rest_mm = WAY_SHARE * limits.distance_within(time_s);
    if way_mm > to_rest_mm && fits_cubic(points, end, limits) { way_mm } else { to_rest_mm }
}

/// True if the cubic between the point `end` and the one before it keeps the limits of speed and acceleration. Its jerk is
/// rounded off where cubics meet, as the axis follows them.
///
/// With the slopes `m` and `n` at its ends and the mean slope `d`, its speed is highest at an end or at its vertex, and its
/// acceleration goes from `(6d - 4m - 2n)/T` to `(2m + 4n - 6d)/T` in the time `T`.
fn fits_cubic(points: &[(f64, f64)], end: usize, limits: ProfileLimits) -> bool {
    let time_s = points[end].0 - points[end - 1].0;
    let mean = (points[end].1 - points[end - 1].1) / time_s;
    let (m, n) = (slope(points, end - 1), slope(points, end));
    let begin_mm_s2 = (6.0 * mean - 4.0 * m - 2.0 * n) / time_s;
    let end_mm_s2 = (2.0 * m + 4.0 * n - 6.0 * mean) / time_s;
    let vertex_mm_s = if begin_mm_s2 * end_mm_s2 < 0.0 {
        m + begin_mm_s2 * begin_mm_s2 * time_s / (2.0 * (begin_mm_s2 - end_mm_s2))
    } else {
        0.0
    };
    let speed_mm_s = m.abs().max(n.abs()).max(vertex_mm_s.abs());
    speed_mm_s <= limits.speed && begin_mm_s2.abs().max(end_mm_s2.abs()) <= limits.acceleration
}

/// Slope at a point: the weighted harmonic mean of those on both sides, so that the cubics stay between the points (Fritsch
/// and Butland, 1984); 0 at a turn, and at both ends.
fn slope(points: &[(f64, f64)], at: usize) -> f64 {
    let (Some(before), Some(behind)) = (at.checked_sub(1).and_then(|i| points.get(i)), points.get(at + 1))
    else {
        return 0.0;
    };
    let (here_s, here) = points[at];
    let (before_s, behind_s) = (here_s - before.0, behind.0 - here_s);
    let (rise, next) = ((here - before.1) / before_s, (behind.1 - here) / behind_s);
    if rise * next <= 0.0 {
        return 0.0;
    }
    let (weight, next_weight) = (before_s + 2.0 * behind_s, 2.0 * before_s + behind_s);
    (weight + next_weight) / (weight / rise + next_weight / next)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::motion::{Kinematics, plan::MovePlan, plan::Target};

    const LIMITS: ProfileLimits = ProfileLimits { speed: 500.0, acceleration: 5_000.0, jerk: 200_000.0 };

    #[test]
    fn strokes_of_one_length_are_shortened_round_their_middle() {
        // In 100 ms the axis goes 5 000 x (0.05 - 0.025) x 0.05 = 6.25 mm, 6.0 with the reserve.
        let points: Vec<(f64, f64)> =
            (0..40).map(|i| (f64::from(i) * 0.1, if i % 2 == 0 { 20.0 } else { 80.0 })).collect();
        let reached = within_reach(&points, LIMITS);
        for (i, reached) in reached.iter().enumerate().take(28) {
            let wanted = if i % 2 == 0 { 47.0 } else { 53.0 };
            assert!((reached - wanted).abs() < 1e-9, "{i}: {reached}");
        }
    }

    #[test]
    fn dense_points_on_one_way_need_no_rest_between_them() {
        // A sine of 1 s and 100 mm, 50 points a second: 314 mm/s and 1 974 mm/s2.
        let sine =
            |i: i32| (f64::from(i) * 0.02, 50.0 - 50.0 * (f64::from(i) * 0.04 * std::f64::consts::PI).cos());
        let points: Vec<(f64, f64)> = (0..=100).map(sine).collect();
        let reached = within_reach(&points, LIMITS);
        for ((_, wanted), reached) in points.iter().zip(reached) {
            assert!((wanted - reached).abs() < 0.05, "{wanted} {reached}");
        }
    }

    proptest! {
        /// The planner is the oracle: each way that is not a cubic can be gone from rest to rest in its time.
        #[test]
        fn what_is_reached_can_be_reached(steps in prop::collection::vec((10u32..1_000, 0.0..150.0f64), 1..60)) {
            let mut due_s = 0.0;
            let points: Vec<(f64, f64)> = steps.into_iter().map(|(ms, mm)| { due_s += f64::from(ms) * 1e-3; (due_s, mm) }).collect();
            let reached = within_reach(&points, LIMITS);
            let (low, high) = points.iter().fold((f64::MAX, f64::MIN), |(l, h), (_, p)| (l.min(*p), h.max(*p)));
            for place in &reached {
                prop_assert!((low - 1e-9..=high + 1e-9).contains(place), "{} outside of {}..{}", place, low, high);
            }
            for end in 1..points.len() {
                let way_mm = (reached[end] - reached[end - 1]).abs();
                if fits_cubic(&points, end, LIMITS) {
                    continue;
                }
                let target = Target { p: way_mm, v: 0.0 };
                let plan = MovePlan::new(Kinematics::at_rest(0.0), target, LIMITS, (f64::MIN, f64::MAX)).unwrap();
                let time_s = points[end].0 - points[end - 1].0;
                prop_assert!(plan.duration_s() <= time_s + 1e-6, "{} mm in {} s", way_mm, time_s);
            }
        }
    }
}
