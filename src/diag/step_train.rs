//! Checks of the step train of one motion: speed, acceleration, jerk, missing steps and braking distance. Pure.
//!
//! All bounds are sound: a plan inside its limits, whose steps come where it crosses their boundaries, is never
//! reported. Their sharpness is discussed in [`super::derivative`].
//!
//! - *Speed, acceleration, jerk*: over neighbouring steps, and over steps so far apart that the uncertainty of an
//!   instant counts little.
//! - *Onset.* From rest, `x` steps on, no plan is faster than `√(2Ax)`, nor than `J/2 (6x/J)^⅔`; one holds for constant
//!   acceleration, the other for constant jerk.
//! - *Missing.* Between two steps the plan crosses no boundary. An axis that is faster than `√(2A)` steps/s cannot come
//!   to rest within one step, so the next step must come while the hardest braking would still reach it. This finds a
//!   train that ends or pauses in mid-motion.
//! - *Braking.* The stopping distance from the least speed and the strongest deceleration that the last steps allow
//!   must end inside the range.

use super::active_limits::ActiveLimits;
use super::derivative::{Estimate, History, PlanSample, derivative, spacing_s};
use super::violation::{Rule, RuleViolation};
use crate::motion::ProfileLimits;
use crate::motion::step_times::HYSTERESIS;
use crate::motion::{RampLimits, stop};
use crate::units::{MICROSECOND_NS, Nanos, SECOND_NS, seconds};

/// Tolerance on every limit; the planner's own tolerances are smaller.
const TOLERANCE: f64 = 0.01;
/// Uncertainty of spaced samples, as a share of the limit.
const UNCERTAINTY_SHARE: f64 = 0.02;
/// Tolerance of the planner's root finding (steps).
const ROOT_TOLERANCE: f64 = 1e-5;
/// Longest lag of a late step behind the plan: an interval, which is a step, or more in a start (steps).
const MAX_LAG: f64 = 1.25;
/// After a late step the next one comes no sooner than this share of the interval (S20).
const MIN_INTERVAL_SHARE: f64 = 15.0 / 16.0;
/// Number of steps during which the onset is checked.
const ONSET_STEPS: u64 = 16;
/// Time of debouncing: an input that reads active is sampled four times, 15 us apart, and no step is made until then
/// (S20).
const INPUT_SAMPLING_NS: Nanos = 60 * MICROSECOND_NS;
/// A step is due when the plan is at most this far past its boundary (steps).
const BOUNDARY_TOLERANCE: f64 = 0.1;

/// Precision of the edges' timing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Precision {
    /// Largest error of an edge's instant.
    pub edge_ns: Nanos,
    /// True if a step may also be late by up to an interval, and then catch up (S20).
    pub slews: bool,
}

/// Range that the axis must stay inside of (steps of the step counter).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PositionRange {
    /// The back end.
    pub low: f64,
    /// The front end.
    pub high: f64,
}

/// Steps of one motion.
#[derive(Debug, Clone)]
pub struct StepTrain {
    precision: Precision,
    /// Longest wait of the first step after a reversal for the direction line.
    direction_setup_ns: Nanos,
    history: History,
    /// Count and direction at the start from rest, during the first [`ONSET_STEPS`] steps.
    onset: Option<(i64, bool)>,
    at_rest: bool,
    /// Deadline of the next step.
    due_by_ns: Option<Nanos>,
}

impl StepTrain {
    /// The state at rest.
    pub fn new(precision: Precision, direction_setup_ns: Nanos) -> StepTrain {
        StepTrain {
            precision,
            direction_setup_ns,
            history: History::default(),
            onset: None,
            at_rest: true,
            due_by_ns: None,
        }
    }

    /// True if no motion runs.
    pub fn is_at_rest(&self) -> bool {
        self.at_rest
    }

    /// Ends the motion.
    pub fn end_motion(&mut self) {
        self.discard_history();
        self.at_rest = true;
    }

    /// Discards the samples, after the time base moved: they no longer fit the steps that follow.
    pub fn discard_history(&mut self) {
        self.history.clear();
        (self.onset, self.due_by_ns) = (None, None);
        self.at_rest = false;
    }

    /// Reports a step that should have come by `now`. If the motion is not `over`, a step loop that may stall or that
    /// may be sampling an input gets more time: a late step is judged when it comes.
    pub fn check_missing(&self, now: Nanos, over: bool) -> Option<RuleViolation> {
        let due =
            self.due_by_ns.filter(|due| over || now > *due + INPUT_SAMPLING_NS && !self.precision.slews)?;
        Some(RuleViolation { rule: Rule::Missing, at_ns: now, found: now as f64, allowed: due as f64 })
    }

    /// Checks a step from `count`. `range` is `None` where the range is not known or not enforced.
    pub fn check_step(
        &mut self,
        at: Nanos,
        count: i64,
        forward: bool,
        limits: &ActiveLimits,
        range: Option<PositionRange>,
    ) -> Option<RuleViolation> {
        let rates = limits.since(at);
        let uncertainty = self.uncertainty(rates.speed);
        let keep_s = 4.0 * spacing_s(3, uncertainty, UNCERTAINTY_SHARE * rates.jerk);
        self.history.push(PlanSample::of_step(at, count, forward), keep_s);
        if core::mem::take(&mut self.at_rest) {
            self.onset = Some((count, forward));
        }
        let missing = self.due_by_ns.take().filter(|due| at > *due).map(|due| RuleViolation {
            rule: Rule::Missing,
            at_ns: at,
            found: at as f64,
            allowed: due as f64,
        });
        let braking = range.and_then(|range| self.check_braking(at, limits, range));
        let found = missing
            .or_else(|| self.check_onset(at, count, forward, limits))
            .or_else(|| self.check_speed(at, limits))
            .or_else(|| {
                self.check_derivative::<3>(Rule::Acceleration, at, limits, |rates| rates.acceleration)
            })
            .or_else(|| self.check_derivative::<4>(Rule::Jerk, at, limits, |rates| rates.jerk))
            .or(braking);
        self.due_by_ns = self.next_due(at, limits);
        found
    }

    /// Uncertainty of the plan's position at an edge (steps).
    fn uncertainty(&self, speed: f64) -> f64 {
        self.uncertainty_on_time(speed) + if self.precision.slews { MAX_LAG } else { 0.0 }
    }

    fn uncertainty_on_time(&self, speed: f64) -> f64 {
        ROOT_TOLERANCE + speed * seconds(self.precision.edge_ns)
    }

    fn catch_up_factor(&self) -> f64 {
        if self.precision.slews { 1.0 / MIN_INTERVAL_SHARE } else { 1.0 }
    }

    /// Over two steps a late one may catch up; over many steps that counts little.
    fn check_speed(&self, at: Nanos, limits: &ActiveLimits) -> Option<RuleViolation> {
        let samples = self.history.newest::<2>()?;
        let limit = limits.since(samples[1].at).speed;
        let mean = derivative(&samples, self.uncertainty_on_time(limit));
        check_limit(Rule::Speed, at, mean, limit * self.catch_up_factor())
            .or_else(|| self.check_spaced::<2>(Rule::Speed, at, limits, |rates| rates.speed))
    }

    fn check_derivative<const N: usize>(
        &self,
        rule: Rule,
        at: Nanos,
        limits: &ActiveLimits,
        limit: fn(&ProfileLimits) -> f64,
    ) -> Option<RuleViolation> {
        let samples = self.history.newest::<N>()?;
        self.check_samples(rule, at, limits, limit, &samples)
            .or_else(|| self.check_spaced::<N>(rule, at, limits, limit))
    }

    fn check_spaced<const N: usize>(
        &self,
        rule: Rule,
        at: Nanos,
        limits: &ActiveLimits,
        limit: fn(&ProfileLimits) -> f64,
    ) -> Option<RuleViolation> {
        let rates = limits.since(at);
        let apart_s =
            spacing_s(N as u32 - 1, self.uncertainty(rates.speed), UNCERTAINTY_SHARE * limit(&rates));
        let samples = self.history.spaced::<N>(apart_s)?;
        self.check_samples(rule, at, limits, limit, &samples)
    }

    fn check_samples<const N: usize>(
        &self,
        rule: Rule,
        at: Nanos,
        limits: &ActiveLimits,
        limit: fn(&ProfileLimits) -> f64,
        samples: &[PlanSample; N],
    ) -> Option<RuleViolation> {
        let rates = limits.since(samples[N - 1].at);
        let uncertainty = self.uncertainty(rates.speed) + self.turn_uncertainty(samples);
        check_limit(rule, at, derivative(samples, uncertainty), limit(&rates))
    }

    /// At a reversal the step waits for the direction line, so its position is less certain.
    fn turn_uncertainty(&self, samples: &[PlanSample]) -> f64 {
        let ways = || samples.windows(2).map(|pair| (pair[0].place - pair[1].place, pair[0].at - pair[1].at));
        // Steps in the same direction are one whole step apart.
        if ways().all(|(way, _)| way.abs() > 0.5) {
            return 0.0;
        }
        let fastest = ways().map(|(way, ns)| way.abs() / seconds(ns.max(1))).fold(0.0, f64::max);
        fastest * seconds(self.direction_setup_ns)
    }

    fn check_onset(
        &mut self,
        at: Nanos,
        count: i64,
        forward: bool,
        limits: &ActiveLimits,
    ) -> Option<RuleViolation> {
        let (rested_on, began_forward) = self.onset?;
        let steps = count.abs_diff(rested_on);
        if forward != began_forward || steps > ONSET_STEPS {
            self.onset = None;
            return None;
        }
        let samples = self.history.newest::<2>()?;
        let rates = limits.since(samples[1].at);
        // At rest the plan was at most half a step and the hysteresis on the other side of the count.
        let way = steps as f64 + 2.0 * (0.5 + HYSTERESIS);
        let by_acceleration = libm::sqrt(2.0 * rates.acceleration * way);
        let by_jerk = rates.jerk / 2.0 * libm::pow(6.0 * way / rates.jerk, 2.0 / 3.0);
        let mean = derivative(&samples, self.uncertainty_on_time(rates.speed));
        check_limit(Rule::Onset, at, mean, by_acceleration.min(by_jerk) * self.catch_up_factor())
    }

    /// Direction, speed and samples of the last two steps, if both went the same way.
    fn last_speed(&self, limits: &ActiveLimits) -> Option<(f64, Estimate, [PlanSample; 2])> {
        let samples = self.history.newest::<2>()?;
        let way = samples[0].place - samples[1].place;
        let mean = derivative(&samples, self.uncertainty_on_time(limits.since(samples[1].at).speed));
        (way.abs() > 0.5).then_some((way.signum(), mean, samples))
    }

    /// Deadline of the next step, if the hardest braking does not end before it.
    fn next_due(&self, at: Nanos, limits: &ActiveLimits) -> Option<Nanos> {
        let (_, mean, samples) = self.last_speed(limits)?;
        let braking = limits.stop_limits().acceleration * (1.0 + TOLERANCE);
        let since_s = seconds(at - samples[1].at);
        let least = mean.value.abs() / self.catch_up_factor() - mean.uncertainty - braking * since_s;
        let way = 1.0 + BOUNDARY_TOLERANCE;
        let square = least * least - 2.0 * braking * way;
        if least <= 0.0 || square <= 0.0 {
            return None;
        }
        let within_s = 2.0 * way / (least + libm::sqrt(square));
        let late_s = if self.precision.slews { within_s } else { 0.0 };
        Some(at + self.precision.edge_ns + ((within_s + late_s) * SECOND_NS as f64) as Nanos)
    }

    /// Checks that the axis can still stop inside the range.
    fn check_braking(&self, at: Nanos, limits: &ActiveLimits, range: PositionRange) -> Option<RuleViolation> {
        let (side, mean, samples) = self.last_speed(limits)?;
        let stop = limits.stop_limits();
        let firm = RampLimits {
            acceleration: stop.acceleration * (1.0 + TOLERANCE),
            jerk: stop.jerk * (1.0 + TOLERANCE),
        };
        let place = samples[0].place;
        let left = if side > 0.0 { range.high - place } else { place - range.low };
        let state = self.estimate_state(side, mean, samples, limits, firm);
        let landing = |v: f64, a: f64| {
            if v > 0.0 {
                stop::displacement(v, a.clamp(-firm.acceleration, firm.acceleration), firm)
            } else {
                0.0
            }
        };
        let found = landing(state.v - state.v_uncertainty, state.a - state.a_uncertainty);
        let allowed = left + BOUNDARY_TOLERANCE;
        (found > allowed).then_some(RuleViolation { rule: Rule::Braking, at_ns: at, found, allowed })
    }

    /// Estimates speed and acceleration at the last step, in its direction.
    ///
    /// With a third step it uses the parabola through all three: its slope at the newest one differs from the truth by
    /// at most `J/6 (t₀-t₁)(t₀-t₂)`, its curvature by `J (t₀-t₂)`. Where steps may be late, it uses only the mean of
    /// the speed.
    fn estimate_state(
        &self,
        side: f64,
        mean: Estimate,
        samples: [PlanSample; 2],
        limits: &ActiveLimits,
        firm: RampLimits,
    ) -> KinematicState {
        let last_s = seconds(samples[0].at - samples[1].at);
        let three = self.history.newest::<3>().filter(|_| !self.precision.slews);
        let Some(three) = three else {
            let v = side * mean.value / self.catch_up_factor();
            let v_uncertainty = mean.uncertainty + firm.acceleration * last_s;
            return KinematicState { v, v_uncertainty, a: 0.0, a_uncertainty: firm.acceleration };
        };
        let span_s = seconds(three[0].at - three[2].at);
        let bend = derivative(&three, self.uncertainty_on_time(limits.since(three[2].at).speed));
        KinematicState {
            v: side * (mean.value + bend.value / 2.0 * last_s),
            v_uncertainty: mean.uncertainty
                + bend.uncertainty / 2.0 * last_s
                + firm.jerk / 6.0 * last_s * span_s,
            a: side * bend.value,
            a_uncertainty: bend.uncertainty + firm.jerk * span_s,
        }
    }
}

struct KinematicState {
    v: f64,
    v_uncertainty: f64,
    a: f64,
    a_uncertainty: f64,
}

fn check_limit(rule: Rule, at_ns: Nanos, mean: Estimate, limit: f64) -> Option<RuleViolation> {
    let (found, allowed) = (mean.value.abs(), limit * (1.0 + TOLERANCE) + mean.uncertainty);
    (found > allowed).then_some(RuleViolation { rule, at_ns, found, allowed })
}
