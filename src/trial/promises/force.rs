//! Checks about force: lost samples (S12, S13), and the reaction to a measured force (S14, S15).

use super::{Promise, PromiseResult};
use crate::machine::State;
use crate::trial::facts::{Facts, StepMade};
use crate::trial::link::LINK_LATENCY_NS;
use crate::units::{MICROSECOND_NS, MILLISECOND_NS, MmPerS2, Nanos, SECOND_NS, seconds};

/// S12: largest age of a valid sample.
const VALID_NS: Nanos = 100 * MILLISECOND_NS;
/// Interval between two samples of the simulated load cell.
const SAMPLE_NS: Nanos = 12_500 * MICROSECOND_NS;
/// One cycle to read a change, one to decide, and one until the witness sees it.
const CYCLES_NS: Nanos = 3 * MILLISECOND_NS;
/// Queued motion; and below, the onset and release of a ramp.
const QUEUED_NS: Nanos = 12 * MILLISECOND_NS;
const ONSET_NS: Nanos = 20 * MILLISECOND_NS;

fn follows_wave(state: State) -> bool {
    matches!(state, State::Running | State::Following | State::Ending)
}

fn is_moving(state: State) -> bool {
    follows_wave(state) || state.is_homing_move()
}

/// Instant since which there has been no valid sample, or of the last conversion whose frame arrived intact.
fn samples_lost_since(facts: &Facts) -> Option<Nanos> {
    facts.ground_truth.samples_lost_since.or(facts.line.last_intact_conversion())
}

/// S12: without valid samples a motion ends by a ramp, with a fault.
#[derive(Debug, Default)]
pub struct SamplesAreMissed {
    follows_since: Option<Nanos>,
}

impl Promise for SamplesAreMissed {
    fn name(&self) -> &'static str {
        "s12_samples_are_missed"
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let Some(trace) = &facts.trace else { return Ok(()) };
        self.follows_since =
            if is_moving(trace.state) { Some(self.follows_since.unwrap_or(trace.at_ns)) } else { None };
        let (Some(lost), Some(since)) = (samples_lost_since(facts), self.follows_since) else {
            return Ok(());
        };
        let latest = (lost + VALID_NS + SAMPLE_NS + LINK_LATENCY_NS).max(since) + CYCLES_NS;
        if trace.at_ns > latest && trace.at_ns >= facts.ground_truth.late_until {
            return Err(format!(
                "{} {} ms after the last valid sample",
                trace.state.name(),
                (trace.at_ns - lost) / MILLISECOND_NS
            ));
        }
        Ok(())
    }

    fn check_step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        let Some(lost) = samples_lost_since(facts) else { return Ok(()) };
        let missed_ns = VALID_NS + SAMPLE_NS + LINK_LATENCY_NS + CYCLES_NS;
        let latest = lost + missed_ns + QUEUED_NS + ONSET_NS + facts.longest_ramp_ns();
        if made.at > latest && made.at >= facts.ground_truth.late_until {
            return Err(format!(
                "a step {} ms after the last valid sample",
                (made.at - lost) / MILLISECOND_NS
            ));
        }
        Ok(())
    }
}

/// S13: the force that the machine assumes occurred a moment ago.
#[derive(Debug, Default)]
pub struct LostIsNotZero;

/// Cycles in which the sample may have been taken that is still valid, or whose force the board's filter still shows:
/// the filter releases a force with a time constant of 20 ms, so that a gram is left of the greatest one here after ten
/// of them.
const SAMPLED_CYCLES: usize = 120 + 9 + 200;
const LATEST_CYCLES: usize = 24;

impl Promise for LostIsNotZero {
    fn name(&self) -> &'static str {
        "s13_a_lost_sample_is_not_zero"
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let Some(trace) = &facts.trace else { return Ok(()) };
        let Some(taken_g) = trace.force_g else { return Ok(()) };
        // Between two cycles the carriage moves on along the spring.
        let moved_g = facts.rail.stiffness_g_per_mm * trace.config.limits.max_speed.get() * 0.002;
        let slack_g = facts.ground_truth.noise_g + moved_g + 1.0;
        let is_possible =
            |(least_g, most_g): (f64, f64)| taken_g >= least_g - slack_g && taken_g <= most_g + slack_g;
        // Most samples are of the last cycles: the rest is looked at for the others only.
        if is_possible(facts.forces_g(LATEST_CYCLES)) || trace.at_ns < facts.ground_truth.late_until {
            return Ok(());
        }
        let forces_g = facts.forces_g(SAMPLED_CYCLES);
        if is_possible(forces_g) {
            return Ok(());
        }
        Err(format!(
            "{taken_g} g were taken for the force, which was {:.0} to {:.0} g",
            forces_g.0, forces_g.1
        ))
    }
}

/// S14: the axis does not move against a full force.
#[derive(Debug, Default)]
pub struct FullForceMovesNothing {
    /// Instant since which a full force has opposed forward and backward motion, and the speed then.
    forward: Option<(Nanos, f64)>,
    backward: Option<(Nanos, f64)>,
}

impl Promise for FullForceMovesNothing {
    fn name(&self) -> &'static str {
        "s14_full_force_moves_nothing_against_it"
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let Some(trace) = &facts.trace else { return Ok(()) };
        let force_g = facts.force_g();
        let sensed = facts.ground_truth.samples_lost_since.is_none() && is_moving(trace.state);
        let full = |against_g: f64| {
            sensed && trace.config.allowance.speed_mm_s(against_g - facts.ground_truth.noise_g) == 0.0
        };
        let speed = facts.speed_mm_s(trace.at_ns);
        let keep =
            |since: Option<(Nanos, f64)>, full: bool| full.then(|| since.unwrap_or((trace.at_ns, speed)));
        self.forward = keep(self.forward, full(-force_g));
        self.backward = keep(self.backward, full(force_g));
        Ok(())
    }

    fn check_step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        let since = if made.forward { self.forward } else { self.backward };
        let (Some((since, speed)), Some(config)) = (since, facts.config()) else { return Ok(()) };
        let limits = &config.limits;
        let seen_ns = SAMPLE_NS + LINK_LATENCY_NS + CYCLES_NS + QUEUED_NS;
        let gained = limits.max_acceleration.get() * seen_ns as f64 / SECOND_NS as f64;
        let speed = (speed + gained).min(limits.max_speed.get());
        // The sample before may be the last intact one; then S12 ends the motion.
        let spoilt = made.at < facts.ground_truth.corrupted_until;
        let unknown_ns = if spoilt { VALID_NS } else { 0 };
        let latest = since + unknown_ns + seen_ns + facts.ramp_ns(speed) + ONSET_NS;
        if made.at > latest && made.at >= facts.ground_truth.late_until {
            return Err(format!(
                "a step {} ms after {:.0} g stood against it",
                (made.at - since) / MILLISECOND_NS,
                facts.force_g().abs()
            ));
        }
        Ok(())
    }
}

/// S15: no wave is faster than the force of the last moment allows, apart from an axis that brakes with the stop
/// deceleration.
#[derive(Debug, Default)]
pub struct ForceOnlyReduces {
    forward: SpeedBound,
    backward: SpeedBound,
    /// No bound is known before this instant.
    unknown_until: Nanos,
}

/// Upper bound on the speed in one direction: the axis brakes to what its force allows.
#[derive(Debug, Clone, Copy, Default)]
struct SpeedBound {
    mm_s: f64,
}

impl SpeedBound {
    /// No bound is known: the axis is as fast as that at most.
    fn begin(&mut self, fastest_mm_s: f64) {
        self.mm_s = fastest_mm_s;
    }

    /// So much is allowed now, and the axis has braked by so much since the last call.
    fn allow(&mut self, allowed_mm_s: f64, braked_mm_s: f64) {
        self.mm_s = allowed_mm_s.max(self.mm_s - braked_mm_s);
    }

    /// Whether a step is faster than intervals between steps can be wrong.
    fn is_exceeded_by(&self, speed_mm_s: f64) -> bool {
        speed_mm_s > self.mm_s * 1.05 + SLOW_MM_S
    }
}

/// Speed in mm/s that an axis loses in a cycle of `cycle_ns` at a bound that has been known since `known_ns`.
///
/// A ramp that is under way when the bound becomes known is slower to release its deceleration than to brake.
fn braked_mm_s(known_ns: Nanos, cycle_ns: Nanos, stop_deceleration: MmPerS2) -> f64 {
    if known_ns < ONSET_NS { 0.0 } else { stop_deceleration.get() * seconds(cycle_ns) }
}

/// Cycles from a force to braking: a sample, its line, three cycles, queued motion, the onset of a ramp, and the
/// resolution of intervals.
const HEEDED_CYCLES: usize = 60;
const HEEDED_NS: Nanos = HEEDED_CYCLES as Nanos * MILLISECOND_NS;
/// Additional age of the last intact sample while bytes are corrupted, in cycles.
const VALID_CYCLES: usize = 100;
/// Single intervals are too coarse for a speed below this.
const SLOW_MM_S: f64 = 5.0;

impl Promise for ForceOnlyReduces {
    fn name(&self) -> &'static str {
        "s15_force_only_reduces"
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let (Some(before), Some(trace)) = (&facts.previous_trace, &facts.trace) else { return Ok(()) };
        let changed = before.config != trace.config;
        if changed
            || facts.ground_truth.samples_lost_since.is_some()
            || trace.at_ns < facts.ground_truth.late_until
        {
            self.unknown_until = trace.at_ns + HEEDED_NS;
        }
        let spoilt = trace.at_ns < facts.ground_truth.corrupted_until;
        let (least_g, most_g) = facts.forces_g(HEEDED_CYCLES + if spoilt { VALID_CYCLES } else { 0 });
        let [old, new] = [before, trace].map(|trace| &trace.config.limits);
        let highest = old.max_speed.get().max(new.max_speed.get());
        let Some(known_ns) = trace.at_ns.checked_sub(self.unknown_until) else {
            // The ramp down from the present speed may last longer than until a bound is known.
            let fastest = highest.max(facts.speed_mm_s(trace.at_ns));
            self.forward.begin(fastest);
            self.backward.begin(fastest);
            return Ok(());
        };
        let braked = braked_mm_s(known_ns, trace.at_ns - before.at_ns, new.stop_deceleration);
        let noise_g = facts.ground_truth.noise_g;
        let allowed = |against_g: f64| trace.config.allowance.speed_mm_s(against_g - noise_g).min(highest);
        self.forward.allow(allowed(-most_g), braked);
        self.backward.allow(allowed(least_g), braked);
        Ok(())
    }

    fn check_step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        if !follows_wave(facts.state()) || made.at < self.unknown_until {
            return Ok(());
        }
        let bound = if made.forward { self.forward } else { self.backward };
        let speed = facts.speed_mm_s(made.at);
        if bound.is_exceeded_by(speed) {
            let (force_g, allowed) = (facts.force_g(), bound.mm_s);
            return Err(format!("{speed:.1} mm/s at {force_g:.0} g, which allow {allowed:.1} mm/s by now"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOP_DECELERATION: MmPerS2 = MmPerS2::constant(8_000.0);
    const CYCLE_NS: Nanos = MILLISECOND_NS;

    /// Judges an axis that makes this speed in each cycle since the bound is known; the first cycle in which it is too fast.
    fn too_fast_in(
        speeds_mm_s: impl Iterator<Item = f64>,
        fastest_mm_s: f64,
        allowed_mm_s: f64,
    ) -> Option<Nanos> {
        let mut bound = SpeedBound::default();
        bound.begin(fastest_mm_s);
        for (cycle, speed_mm_s) in (0..).zip(speeds_mm_s) {
            bound.allow(allowed_mm_s, braked_mm_s(cycle * CYCLE_NS, CYCLE_NS, STOP_DECELERATION));
            if bound.is_exceeded_by(speed_mm_s) {
                return Some(cycle);
            }
        }
        None
    }

    /// Regression: the axis was braking when the bound became known, and released that deceleration within its jerk.
    #[test]
    fn an_axis_that_releases_its_braking_is_not_too_fast() {
        let releasing = (0..60).map(|cycle| (100.0 - 5.0 * f64::from(cycle.min(19))).max(10.0));
        assert_eq!(too_fast_in(releasing, 100.0, 10.0), None);
    }

    #[test]
    fn an_axis_that_does_not_brake_is_too_fast() {
        assert_eq!(too_fast_in((0..60).map(|_| 100.0), 100.0, 10.0), Some(20 + 1));
        assert!(too_fast_in((0..60).map(|_| 20.0), 100.0, 10.0).is_some());
    }
}
