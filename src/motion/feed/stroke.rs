//! Stroke to one target, with rest at its end: on time where the limits allow it, else shorter, and not later.

use super::super::kinematics::Kinematics;
use super::super::limits::ProfileLimits;
use super::super::plan::{MovePlan, Target};
use super::super::stop;

/// Bisections for a speed or a length.
const BISECTIONS: u32 = 16;
/// Longer than its time by less counts as on time, in s.
const ON_TIME_S: f64 = 1e-4;

/// A stroke, and whether it was made shorter.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedStroke {
    /// The move.
    pub plan: MovePlan,
    /// Where it ends.
    pub end: f64,
    /// True if it does not reach its target.
    pub is_shortened: bool,
}

/// Plans a stroke from `start` to rest at `target` in `time_s`, inside `limits`. None for values that are not finite.
///
/// From rest it takes a third of the time each for speeding up and for braking where the limits allow that, which is the
/// gentlest trapezoid; with less time, or from a motion, it speeds up as fast as it may and goes as slowly as the time
/// allows.
pub fn stroke(start: Kinematics, target: f64, time_s: f64, limits: ProfileLimits) -> Option<TimedStroke> {
    let plan_to = |end: f64, limits: ProfileLimits| {
        MovePlan::new(start, Target { p: end, v: 0.0 }, limits, (f64::NEG_INFINITY, f64::INFINITY)).ok()
    };
    let whole = |plan| Some(TimedStroke { plan, end: target, is_shortened: false });
    if let Some(gentle) = thirds(start, target, time_s, limits) {
        return whole(plan_to(target, gentle)?);
    }
    let quickest = plan_to(target, limits)?;
    if quickest.duration_s() <= time_s + ON_TIME_S {
        return whole(slowest(&plan_to, target, time_s, limits).unwrap_or(quickest));
    }
    // Between where the axis can just stop and the target lies what can be reached in this time.
    let rest = start.p + stop::displacement(start.v, start.a, limits.ramp());
    let (mut near, mut far) = (rest, target);
    for _ in 0..BISECTIONS {
        let middle = f64::midpoint(near, far);
        let in_time = plan_to(middle, limits).is_some_and(|plan| plan.duration_s() <= time_s);
        if in_time { near = middle } else { far = middle }
    }
    Some(TimedStroke { plan: plan_to(near, limits)?, end: near, is_shortened: true })
}

/// The limits with which a stroke from rest takes just its time, in three equal parts; none if it needs more than `most`.
fn thirds(start: Kinematics, target: f64, time_s: f64, most: ProfileLimits) -> Option<ProfileLimits> {
    let way = (target - start.p).abs();
    if start.v != 0.0 || start.a != 0.0 || way == 0.0 {
        return None;
    }
    // A third of the time is the ramp: a quarter of it to build its acceleration up, and as much to release it.
    let speed = 1.5 * way / time_s;
    let acceleration = 4.0 * speed / time_s;
    let jerk = 12.0 * acceleration / time_s;
    let fits = speed <= most.speed && acceleration <= most.acceleration && jerk <= most.jerk;
    fits.then_some(ProfileLimits { speed, acceleration, jerk })
}

/// The move with the lowest highest speed that is on time.
fn slowest(
    plan_to: &impl Fn(f64, ProfileLimits) -> Option<MovePlan>,
    target: f64,
    time_s: f64,
    limits: ProfileLimits,
) -> Option<MovePlan> {
    let (mut late, mut on_time) = (0.0, limits.speed);
    let mut found = None;
    for _ in 0..BISECTIONS {
        let speed = f64::midpoint(late, on_time);
        match plan_to(target, ProfileLimits { speed, ..limits }) {
            Some(plan) if plan.duration_s() <= time_s => (on_time, found) = (speed, Some(plan)),
            _ => late = speed,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: ProfileLimits = ProfileLimits { speed: 500.0, acceleration: 5_000.0, jerk: 200_000.0 };

    #[test]
    fn a_stroke_from_rest_is_on_time_and_as_gentle_as_that_allows() {
        let made = stroke(Kinematics::at_rest(10.0), 60.0, 0.5, LIMITS).unwrap();
        assert!((made.plan.duration_s() - 0.5).abs() < 1e-6, "{}", made.plan.duration_s());
        assert!((made.plan.at(0.25).v - 150.0).abs() < 1e-6);
        assert!((made.plan.at(0.5).p - 60.0).abs() < 1e-9 && !made.is_shortened);
    }

    #[test]
    fn too_little_time_makes_it_shorter_and_not_later() {
        let made = stroke(Kinematics::at_rest(0.0), 100.0, 0.1, LIMITS).unwrap();
        assert!(made.is_shortened && made.plan.duration_s() <= 0.1);
        assert!((6.0..6.3).contains(&made.end), "{}", made.end);
    }

    proptest! {
        #[test]
        fn from_any_motion_it_ends_at_rest_in_time_or_as_soon_as_it_can(
            v in -500.0..500.0f64, a in -4_000.0..4_000.0f64, target in -100.0..100.0f64, time_s in 0.003..2.0f64,
        ) {
            let start = Kinematics { p: 0.0, v, a };
            let made = stroke(start, target, time_s, LIMITS).unwrap();
            let end = made.plan.at(made.plan.duration_s());
            prop_assert!((end.p - made.end).abs() < 1e-6 && end.v.abs() < 1e-6);
            let to_rest_s: f64 = stop::tail(v, a, LIMITS.ramp()).iter().map(|piece| piece.duration_s).sum();
            prop_assert!(made.plan.duration_s() <= time_s.max(to_rest_s + 0.05) + 0.001, "{} s", made.plan.duration_s());
            prop_assert_eq!(made.is_shortened, (made.end - target).abs() > 1e-9);
        }
    }
}
