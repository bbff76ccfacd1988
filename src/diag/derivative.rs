//! Numerical differentiation of a step train: speed, acceleration and jerk from the instants of steps, with error
//! bounds. Pure.
//!
//! A step is due when the plan crosses a known boundary (see [`crate::motion::step_times`]). So each step gives the
//! *exact* position of the plan at one instant, although the axis stands on whole steps: `count + 0.5 + hysteresis` for
//! a step forward from `count`, `count - 0.5 - hysteresis` for one back. A step train is a plan sampled at irregular
//! instants, not a plan rounded to a grid.
//!
//! # Bounds
//!
//! Let `p[t₀ … tₙ]` be the divided difference of the plan at `n + 1` instants. By Peano's theorem
//!
//! ```text
//! n! p[t₀ … tₙ] = ∫ p⁽ⁿ⁾(t) B(t) dt,    B ≥ 0,  ∫ B dt = 1
//! ```
//!
//! (`B` is a B-spline over these instants): it is a weighted mean of the n-th derivative. If the derivative never
//! exceeds a limit, neither does the mean, whatever the spacing; the plan needs no more than piecewise constant jerk.
//! So the bound itself has no error. The samples have one, since an edge comes some nanoseconds beside its instant.
//! With positions known to `d` steps, the mean is known to
//!
//! ```text
//! n! d Σᵢ 1 / Πⱼ |tᵢ - tⱼ|        (equal spacing h: 2d/h, 4d/h², 8d/h³)
//! ```
//!
//! [`derivative`] gives both. Neighbouring steps are best for short excesses; for small ones, the samples are chosen so
//! far apart that their uncertainty is a few per cent of the limit ([`spacing_s`]).

use std::collections::VecDeque;

use crate::motion::step_times::HYSTERESIS;
use crate::units::{Nanos, SECOND_NS, seconds};

/// Position of the plan at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlanSample {
    /// Instant.
    pub at: Nanos,
    /// Position (steps).
    pub place: f64,
}

impl PlanSample {
    /// The sample that a step from `count` gives.
    pub fn of_step(at: Nanos, count: i64, forward: bool) -> PlanSample {
        let beside = if forward { 0.5 + HYSTERESIS } else { -0.5 - HYSTERESIS };
        PlanSample { at, place: count as f64 + beside }
    }
}

/// Derivative as a weighted mean over its samples, with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Weighted mean of the derivative.
    pub value: f64,
    /// Largest distance of the true mean from the value.
    pub uncertainty: f64,
}

/// Derivative of order `N - 1` from `N` samples at different instants, each exact to `uncertainty` steps.
pub fn derivative<const N: usize>(samples: &[PlanSample; N], uncertainty: f64) -> Estimate {
    let factorial: f64 = (1..N).map(|n| n as f64).product();
    let newest = samples[0];
    let ago_s = |sample: &PlanSample| {
        let sign = if sample.at > newest.at { -1.0 } else { 1.0 };
        sign * seconds(sample.at.abs_diff(newest.at))
    };
    let mut mean = Estimate { value: 0.0, uncertainty: 0.0 };
    for (i, sample) in samples.iter().enumerate() {
        let others = samples.iter().enumerate().filter(|(j, _)| *j != i);
        let weight = others.map(|(_, other)| 1.0 / (ago_s(other) - ago_s(sample))).product::<f64>();
        // Relative to the newest place, to lose no digits on a long rail.
        mean.value += factorial * weight * (sample.place - newest.place);
        mean.uncertainty += factorial * weight.abs() * uncertainty;
    }
    mean
}

/// Spacing of samples, each exact to `uncertainty` steps, at which the derivative of that order is exact to `wanted`
/// (s).
pub fn spacing_s(order: u32, uncertainty: f64, wanted: f64) -> f64 {
    let power = f64::from(1 << order) * uncertainty / wanted;
    // The roots of the three orders that are asked for cost a third of a power.
    match order {
        1 => power,
        2 => libm::sqrt(power),
        3 => libm::cbrt(power),
        _ => libm::pow(power, 1.0 / f64::from(order)),
    }
}

/// Samples of the current motion.
#[derive(Debug, Clone, Default)]
pub struct History(VecDeque<PlanSample>);

/// Upper bound on the samples of a window at the highest step rate.
const MOST: usize = 16_384;

impl History {
    /// Adds a sample, and removes those that are more than `keep_s` older.
    pub fn push(&mut self, sample: PlanSample, keep_s: f64) {
        let keep_ns = (keep_s * SECOND_NS as f64) as Nanos;
        // One older sample is kept, as a window begins at the last sample that is old enough.
        while self.0.len() >= MOST || self.0.get(1).is_some_and(|second| second.at + keep_ns < sample.at) {
            self.0.pop_front();
        }
        self.0.push_back(sample);
    }

    /// Removes all samples.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The newest samples, newest first.
    pub fn newest<const N: usize>(&self) -> Option<[PlanSample; N]> {
        let first = self.0.len().checked_sub(1)?;
        (self.0.len() >= N).then(|| core::array::from_fn(|i| self.0[first - i]))
    }

    /// The newest sample and older ones, each at least `spacing_s` older than the one before, newest first.
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
            let uncertainty = 1e-4;
            let mut at = 5_000_000_000;
            let samples: [PlanSample; 4] = core::array::from_fn(|i| {
                let t = seconds(at - 5_000_000_000);
                let place = start + t * (v + t * (a / 2.0 + t * j / 6.0)) + uncertainty * errors[i];
                let sample = PlanSample { at, place };
                at += gaps[i];
                sample
            });
            let jerk = derivative(&samples, uncertainty);
            // Rounding errors of positions around 10⁴ steps are far below the uncertainty.
            prop_assert!((jerk.value - j).abs() <= jerk.uncertainty * 1.001, "{jerk:?} of {j}");
            let span_s = seconds(samples[3].at - samples[0].at);
            let speed = derivative(&[samples[3], samples[0]], uncertainty);
            let most = (v.abs() + span_s * (a.abs() + span_s * j.abs())) + speed.uncertainty;
            prop_assert!(speed.value.abs() <= most);
        }

        #[test]
        fn the_spacing_gives_what_was_wanted(order in 1u32..4, uncertainty in 1e-5..1.0f64, wanted in 1.0..1e5f64) {
            let spacing_ns = spacing_s(order, uncertainty, wanted) * 1e9;
            prop_assume!(spacing_ns > 1e4);
            let at = |i: u64| PlanSample { at: (i as f64 * spacing_ns) as u64, place: 0.0 };
            let uncertainty = match order {
                1 => derivative(&[at(1), at(0)], uncertainty).uncertainty,
                2 => derivative(&[at(2), at(1), at(0)], uncertainty).uncertainty,
                _ => derivative(&[at(3), at(2), at(1), at(0)], uncertainty).uncertainty,
            };
            prop_assert!((uncertainty / wanted - 1.0).abs() < 1e-2, "{uncertainty} instead of {wanted}");
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
