//! Root finder for step times: the instants of the steps of a planned motion, solved one by one.
//!
//! The step loop uses it for stop tails, and for the rare cycle that needs too many runs of steps; `motion::runs` uses
//! it where a cubic is not exact enough.
//!
//! The axis stands on whole steps. A step forward is due when the plan crosses the boundary half-way to the next step,
//! a step back at the boundary on the other side. The boundaries overlap ([`HYSTERESIS`]), so that a plan that comes to
//! rest beside one, and goes back by a thousandth of a millimetre, does not make the motor tremble.

use super::kinematics::{Kinematics, Piece};

/// Distance past the half-way point at which a step is due, in steps: so a plan turns by half a step before it makes one back. That is
/// more than 0.001 mm, by which an axis may come to rest beyond its place, up to 500 steps/mm.
pub const HYSTERESIS: f64 = 0.25;

/// Rounds of the safeguarded Newton iteration; quadratic convergence needs four or five, bisection the rest.
const ROUNDS: u32 = 60;
/// Largest correction at which the instant counts as exact: a tenth of a nanosecond.
const EXACT_S: f64 = 1e-10;

/// A step that is due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Time since the beginning of the piece, in seconds.
    pub at_s: f64,
    /// True for a step toward the front.
    pub forward: bool,
}

/// Next step of `piece`, entered in the state `start` (in steps), for a step counter at `count`.
///
/// The search begins at `from_s`: the time of the previous step, or zero.
pub fn next_step(start: &Kinematics, piece: Piece, count: i64, from_s: f64) -> Option<Step> {
    let forward = count as f64 + 0.5 + HYSTERESIS;
    let backward = count as f64 - 0.5 - HYSTERESIS;
    let mut begin_s = from_s;
    // Between two turning points the plan is monotone, so it crosses at most one of the boundaries first.
    for end_s in start.turning_times(piece).into_iter().flatten().chain([piece.duration_s]) {
        if end_s <= begin_s {
            continue;
        }
        let end = start.after(piece.jerk, end_s).p;
        if end >= forward {
            return Some(Step { at_s: crossing(start, piece, forward, begin_s, end_s), forward: true });
        }
        if end <= backward {
            return Some(Step { at_s: crossing(start, piece, backward, begin_s, end_s), forward: false });
        }
        begin_s = end_s;
    }
    None
}

/// Time at which the plan crosses `boundary`. It must be monotone between `low_s` and `high_s` and beyond the boundary
/// at the end.
pub(super) fn crossing(start: &Kinematics, piece: Piece, boundary: f64, low_s: f64, high_s: f64) -> f64 {
    let (mut low_s, mut high_s) = (low_s, high_s);
    let at_low = start.after(piece.jerk, low_s).p;
    let at_high = start.after(piece.jerk, high_s).p;
    // Decided by the two ends, not by the boundary: a plan that descends to end exactly on it would count as rising.
    let rising = at_high >= at_low;
    if (rising && at_low >= boundary) || (!rising && at_low <= boundary) {
        // Already beyond it: the step is due now.
        return low_s;
    }
    // First guess by the chord: pieces are short, so most of them are nearly straight.
    let mut t_s = low_s + (high_s - low_s) * ((boundary - at_low) / (at_high - at_low)).min(1.0);
    for _ in 0..ROUNDS {
        let at = start.after(piece.jerk, t_s);
        if (at.p >= boundary) == rising {
            high_s = t_s;
        } else {
            low_s = t_s;
        }
        let newton_s = t_s - (at.p - boundary) / at.v;
        // Checked before the bracket: rounding may put the last correction a little outside it.
        if (newton_s - t_s).abs() < EXACT_S {
            return t_s;
        }
        let inside = newton_s > low_s && newton_s < high_s;
        let next_s = if inside { newton_s } else { f64::midpoint(low_s, high_s) };
        if high_s - low_s < EXACT_S {
            return next_s;
        }
        t_s = next_s;
    }
    t_s
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all_steps(start: Kinematics, piece: Piece, count: &mut i64) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut from_s = 0.0;
        while let Some(step) = next_step(&start, piece, *count, from_s) {
            *count += if step.forward { 1 } else { -1 };
            from_s = step.at_s;
            steps.push(step);
        }
        steps
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn every_step_is_on_its_boundary_and_none_is_missing(
            v in -3_000.0..3_000.0f64, a in -5e4..5e4f64, jerk in -2e6..2e6f64, duration_s in 0.001..0.2f64
        ) {
            let start = Kinematics { p: 0.0, v, a };
            let piece = Piece { jerk, duration_s };
            let mut count = 0;
            let steps = all_steps(start, piece, &mut count);
            let mut at = 0i64;
            let mut last_s = 0.0;
            for step in &steps {
                prop_assert!(step.at_s >= last_s && step.at_s <= duration_s);
                let boundary = at as f64 + if step.forward { 0.75 } else { -0.75 };
                let error = start.after(jerk, step.at_s).p - boundary;
                prop_assert!(error.abs() < 1e-5, "{error} steps beside the boundary");
                at += if step.forward { 1 } else { -1 };
                last_s = step.at_s;
            }
            let rest = start.after_piece(piece).p - count as f64;
            prop_assert!(rest.abs() <= 0.75 + 1e-6, "{rest} steps are missing");
        }
    }

    /// Seed 6102 of the simulation: an axis that came to its place 0.001 mm too far, and went back by that, made a step back against a
    /// full force.
    #[test]
    fn a_plan_that_goes_back_by_less_than_half_a_step_makes_no_step_back() {
        for rest in (0..100u8).map(|hundredth| 3.0 + f64::from(hundredth) / 100.0) {
            let mut count = 0;
            // To `rest` and 0.45 of a step beyond, and back from there.
            let there = Piece { jerk: 0.0, duration_s: rest + 0.45 };
            all_steps(Kinematics { p: 0.0, v: 1.0, a: 0.0 }, there, &mut count);
            let back = Piece { jerk: 0.0, duration_s: 0.45 };
            let from = Kinematics { p: rest + 0.45, v: -1.0, a: 0.0 };
            assert_eq!(all_steps(from, back, &mut count), [], "{rest}");
        }
    }

    #[test]
    fn a_plan_that_rests_on_a_boundary_makes_no_steps() {
        for p in [0.5, 0.52, -0.5, 0.549, 0.749, -0.749] {
            let still = Piece { jerk: 0.0, duration_s: 10.0 };
            assert_eq!(next_step(&Kinematics::at_rest(p), still, 0, 0.0), None, "{p}");
        }
    }

    #[test]
    fn a_turn_inside_the_piece_gives_steps_both_ways() {
        let start = Kinematics { p: 0.0, v: 100.0, a: -1_000.0 };
        let mut count = 0;
        let steps = all_steps(start, Piece { jerk: 0.0, duration_s: 0.2 }, &mut count);
        assert_eq!(steps.iter().filter(|step| step.forward).count(), 5);
        assert_eq!(steps.iter().filter(|step| !step.forward).count(), 5);
        assert_eq!(count, 0);
    }
}
