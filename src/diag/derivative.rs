//! Speed, acceleration and jerk from the instants of steps. Pure.
//!
//! A step is due when the plan crosses a known boundary (see [`crate::motion::step_times`]). So although the axis
//! stands on whole steps, each step tells *exactly* where the plan was at one instant: `count + 0.5 + hysteresis`
//! for a step forward from `count`, `count - 0.5 - hysteresis` for one back. A step train is a plan sampled at
//! irregular instants, not a plan rounded to a grid.
//!
//! # What samples prove
//!
//! Let `p[t₀ … tₙ]` be the divided difference of the plan at `n + 1` instants. By Peano's theorem
//!
//! ```text
//! n! p[t₀ … tₙ] = ∫ p⁽ⁿ⁾(t) B(t) dt,    B ≥ 0,  ∫ B dt = 1
//! ```
//!
//! (`B` is a B-spline over these instants): it is a weighted mean of the n-th derivative. If that never exceeds a
//! limit, neither does this number, whatever the spacing; the plan needs no more than piecewise constant jerk. So
//! the bound itself has no error. What has one is a sample: an edge comes some nanoseconds beside its instant.
//! With a place known to `d` steps, the number is known to
//!
//! ```text
//! n! d Σᵢ 1 / Πⱼ |tᵢ - tⱼ|        (equal spacing h: 2d/h, 4d/h², 8d/h³)
//! ```
//!
//! [`derivative`] gives both. Neighbouring steps tell most about what is short; for what is small, the samples are
//! chosen so far apart that their doubt is a few per cent of the limit ([`spacing_s`]).

use std::collections::VecDeque;

use crate::motion::step_times::HYSTERESIS;
use crate::units::{Nanos, SECOND_NS, seconds};

/// Where the plan was at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlanSample {
    /// When.
    pub at: Nanos,
    /// Where, in steps of the step counter.
    pub place: f64,
}

impl PlanSample {
    /// What a step from `count` tells.
    #[must_use]
    pub fn of_step(at: Nanos, count: i64, forward: bool) -> PlanSample {
        let beside = if forward { 0.5 + HYSTERESIS } else { -0.5 - HYSTERESIS };
        PlanSample { at, place: count as f64 + beside }
    }
}

/// A derivative as a weighted mean over its samples, and how much more or less it may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// How far the truth may be from it.
    pub doubt: f64,
}

/// The derivative of order `N - 1` from `N` samples at different instants, each exact to `doubt` steps.
#[must_use]
pub fn derivative<const N: usize>(samples: &[PlanSample; N], doubt: f64) -> Mean {
    let factorial: f64 = (1..N).map(|n| n as f64).product();
    let newest = samples[0];
    let ago_s = |sample: &PlanSample| {
        let sign = if sample.at > newest.at { -1.0 } else { 1.0 };
        sign * seconds(sample.at.abs_diff(newest.at))
    };
    let mut mean = Mean { value: 0.0, doubt: 0.0 };
    for (i, sample) in samples.iter().enumerate() {
        let others = samples.iter().enumerate().filter(|(j, _)| *j != i);
        let weight = others.map(|(_, other)| 1.0 / (ago_s(other) - ago_s(sample))).product::<f64>();
        // Counted from the newest place, so that a long rail costs no digits.
        mean.value += factorial * weight * (sample.place - newest.place);
        mean.doubt += factorial * weight.abs() * doubt;
    }
    mean
}

/// How far apart samples of a place exact to `doubt` steps must be for the derivative of that order to be exact to
/// `wanted`, in seconds.
#[must_use]
pub fn spacing_s(order: u32, doubt: f64, wanted: f64) -> f64 {
    libm::pow(f64::from(1 << order) * doubt / wanted, 1.0 / f64::from(order))
}

/// The samples of the motion that runs.
#[derive(Debug, Clone, Default)]
pub struct History(VecDeque<PlanSample>);

/// More samples than any window holds at the highest step rate.
const MOST: usize = 16_384;

impl History {
    /// Takes the next sample, and forgets those that are more than `keep_s` older.
    pub fn push(&mut self, sample: PlanSample, keep_s: f64) {
        let keep_ns = (keep_s * SECOND_NS as f64) as Nanos;
        // One sample beyond the span is kept: a window begins at the last sample that is old enough.
        while self.0.len() >= MOST || self.0.get(1).is_some_and(|second| second.at + keep_ns < sample.at) {
            self.0.pop_front();
        }
        self.0.push_back(sample);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The newest samples, newest first.
    #[must_use]
    pub fn newest<const N: usize>(&self) -> Option<[PlanSample; N]> {
        let first = self.0.len().checked_sub(1)?;
        (self.0.len() >= N).then(|| core::array::from_fn(|i| self.0[first - i]))
    }

    /// The newest sample and older ones, each at least `spacing_s` older than the one before, newest first.
    #[must_use]
    pub fn spaced<const N: usize>(&self, spacing_s: f64) -> Option<[PlanSample; N]> {
        let spacing_ns = ((spacing_s * SECOND_NS as f64) as Nanos).max(1);
        let mut samples = [*self.0.back()?; N];
        for i in 1..N {
            let latest = samples[i - 1].at.checked_sub(spacing_ns)?;
            let after = self.0.partition_point(|sample| sample.at <= latest);
            samples[i] = self.0[after.checked_sub(1)?];
        }
        Some(samples)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn of_a_cubic_every_derivative_is_exact_but_for_the_doubt(
            start in -1e4..1e4f64, v in -4e3..4e3f64, a in -8e4..8e4f64, j in -2e6..2e6f64,
            gaps in prop::array::uniform4(10_000u64..20_000_000), errors in prop::array::uniform4(-1.0..1.0f64)
        ) {
            let doubt = 1e-4;
            let mut at = 5_000_000_000;
            let samples: [PlanSample; 4] = core::array::from_fn(|i| {
                let t = seconds(at - 5_000_000_000);
                let place = start + t * (v + t * (a / 2.0 + t * j / 6.0)) + doubt * errors[i];
                let sample = PlanSample { at, place };
                at += gaps[i];
                sample
            });
            let jerk = derivative(&samples, doubt);
            // What rounding takes from places of 10⁴ steps is far below the doubt.
            prop_assert!((jerk.value - j).abs() <= jerk.doubt * 1.001, "{jerk:?} of {j}");
            let span_s = seconds(samples[3].at - samples[0].at);
            let speed = derivative(&[samples[3], samples[0]], doubt);
            let most = (v.abs() + span_s * (a.abs() + span_s * j.abs())) + speed.doubt;
            prop_assert!(speed.value.abs() <= most);
        }

        #[test]
        fn the_spacing_gives_what_was_wanted(order in 1u32..4, doubt in 1e-5..1.0f64, wanted in 1.0..1e5f64) {
            let spacing_ns = spacing_s(order, doubt, wanted) * 1e9;
            prop_assume!(spacing_ns > 1e4);
            let at = |i: u64| PlanSample { at: (i as f64 * spacing_ns) as u64, place: 0.0 };
            let doubt = match order {
                1 => derivative(&[at(1), at(0)], doubt).doubt,
                2 => derivative(&[at(2), at(1), at(0)], doubt).doubt,
                _ => derivative(&[at(3), at(2), at(1), at(0)], doubt).doubt,
            };
            prop_assert!((doubt / wanted - 1.0).abs() < 1e-2, "{doubt} instead of {wanted}");
        }
    }

    #[test]
    fn spaced_samples_are_the_latest_that_are_old_enough() {
        let mut history = History::default();
        for at in [0, 10, 20, 25, 30, 41, 50] {
            history.push(PlanSample { at, place: at as f64 }, 1.0);
        }
        let at = history.spaced::<3>(15e-9).map(|samples| samples.map(|sample| sample.at));
        assert_eq!(at, Some([50, 30, 10]));
        assert_eq!(history.spaced::<4>(20e-9), None);
        assert_eq!(history.newest::<2>().map(|samples| samples[1].at), Some(41));
    }

    #[test]
    fn what_is_too_old_is_forgotten() {
        let mut history = History::default();
        for at in (0..100).map(|i| i * 10) {
            history.push(PlanSample { at, place: 0.0 }, 100e-9);
        }
        assert!(history.0.len() <= 12 && history.0[0].at <= 890, "{:?}", history.0);
    }
}
