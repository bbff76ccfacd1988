//! Force: what is not measured, and what is.

use super::{Promise, PromiseResult};
use crate::machine::State;
use crate::trial::facts::{Facts, StepMade};
use crate::trial::link::LINE_NS;
use crate::units::{MICROSECOND_NS, MILLISECOND_NS, Nanos, SECOND_NS, seconds};

/// S12: how old a sample may be.
const VALID_NS: Nanos = 100 * MILLISECOND_NS;
/// Between two samples of the simulated load cell.
const SAMPLE_NS: Nanos = 12_500 * MICROSECOND_NS;
/// A cycle to see it, one to decide, and one of the witness.
const CYCLES_NS: Nanos = 3 * MILLISECOND_NS;
/// What is queued, and the onset and release of a ramp.
const QUEUED_NS: Nanos = 12 * MILLISECOND_NS;
const ONSET_NS: Nanos = 20 * MILLISECOND_NS;

fn follows(state: State) -> bool {
    matches!(state, State::Running | State::Ending)
}

fn moves(state: State) -> bool {
    follows(state) || state == State::Homing
}

/// Since when there has been no valid sample, or when the last one was measured that came through whole.
fn lost_since(facts: &Facts) -> Option<Nanos> {
    facts.told.samples_lost_since.or(facts.line.last_intact())
}

/// S12: without valid samples a wave ends, by a ramp, and that is a fault.
#[derive(Debug, Default)]
pub struct SamplesAreMissed {
    follows_since: Option<Nanos>,
}

impl Promise for SamplesAreMissed {
    fn name(&self) -> &'static str {
        "s12_samples_are_missed"
    }

    fn cycle(&mut self, facts: &Facts) -> PromiseResult {
        let Some(seen) = &facts.seen else { return Ok(()) };
        self.follows_since =
            if moves(seen.state) { Some(self.follows_since.unwrap_or(seen.at_ns)) } else { None };
        let (Some(lost), Some(since)) = (lost_since(facts), self.follows_since) else {
            return Ok(());
        };
        let latest = (lost + VALID_NS + SAMPLE_NS + LINE_NS).max(since) + CYCLES_NS;
        if seen.at_ns > latest && seen.at_ns >= facts.told.late_until {
            return Err(format!(
                "{} {} ms after the last valid sample",
                seen.state.name(),
                (seen.at_ns - lost) / MILLISECOND_NS
            ));
        }
        Ok(())
    }

    fn step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        let Some(lost) = lost_since(facts) else { return Ok(()) };
        let missed_ns = VALID_NS + SAMPLE_NS + LINE_NS + CYCLES_NS;
        let latest = lost + missed_ns + QUEUED_NS + ONSET_NS + facts.longest_ramp_ns();
        if made.at > latest && made.at >= facts.told.late_until {
            return Err(format!(
                "a step {} ms after the last valid sample",
                (made.at - lost) / MILLISECOND_NS
            ));
        }
        Ok(())
    }
}

/// S13: what the machine takes for the force is one that there was a moment ago.
#[derive(Debug, Default)]
pub struct LostIsNotZero;

/// Cycles in which a sample may have been taken that is still valid, or whose force the board's filter still shows: it lets
/// go of a force with a time constant of 20 ms, so of the strongest one here a gram is left after ten of them.
const SAMPLED_CYCLES: usize = 120 + 9 + 200;

impl Promise for LostIsNotZero {
    fn name(&self) -> &'static str {
        "s13_a_lost_sample_is_not_zero"
    }

    fn cycle(&mut self, facts: &Facts) -> PromiseResult {
        let Some(seen) = &facts.seen else { return Ok(()) };
        let Some(taken_g) = seen.force_g else { return Ok(()) };
        let (least_g, most_g) = facts.forces_g(SAMPLED_CYCLES);
        // Between two cycles the carriage moves on along the spring.
        let moved_g = facts.rail.stiffness_g_per_mm * seen.config.limits.max_speed.get() * 0.002;
        let slack_g = facts.told.noise_g + moved_g + 1.0;
        let possible = taken_g >= least_g - slack_g && taken_g <= most_g + slack_g;
        if !possible && seen.at_ns >= facts.told.late_until {
            return Err(format!(
                "{taken_g} g were taken for the force, which was {least_g:.0} to {most_g:.0} g"
            ));
        }
        Ok(())
    }
}

/// S14: against a full force nothing moves.
#[derive(Debug, Default)]
pub struct FullForceMovesNothing {
    /// Since when a motion forward, and one backward, has had a full force against it; and how fast it was then.
    forward: Option<(Nanos, f64)>,
    backward: Option<(Nanos, f64)>,
}

impl Promise for FullForceMovesNothing {
    fn name(&self) -> &'static str {
        "s14_full_force_moves_nothing_against_it"
    }

    fn cycle(&mut self, facts: &Facts) -> PromiseResult {
        let Some(seen) = &facts.seen else { return Ok(()) };
        let force_g = facts.force_g();
        let sensed = facts.told.samples_lost_since.is_none() && moves(seen.state);
        let full = |against_g: f64| {
            sensed && seen.config.allowance.speed_mm_s(against_g - facts.told.noise_g) == 0.0
        };
        let speed = facts.speed_mm_s(seen.at_ns);
        let keep =
            |since: Option<(Nanos, f64)>, full: bool| full.then(|| since.unwrap_or((seen.at_ns, speed)));
        self.forward = keep(self.forward, full(-force_g));
        self.backward = keep(self.backward, full(force_g));
        Ok(())
    }

    fn step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        let since = if made.forward { self.forward } else { self.backward };
        let (Some((since, speed)), Some(config)) = (since, facts.config()) else { return Ok(()) };
        let limits = &config.limits;
        let seen_ns = SAMPLE_NS + LINE_NS + CYCLES_NS + QUEUED_NS;
        let gained = limits.max_acceleration.get() * seen_ns as f64 / SECOND_NS as f64;
        let speed = (speed + gained).min(limits.max_speed.get());
        // The sample before may be the last one that came through: then S12 ends the motion.
        let spoilt = made.at < facts.told.spoilt_until;
        let unknown_ns = if spoilt { VALID_NS } else { 0 };
        let latest = since + unknown_ns + seen_ns + facts.ramp_ns(speed) + ONSET_NS;
        if made.at > latest && made.at >= facts.told.late_until {
            return Err(format!(
                "a step {} ms after {:.0} g stood against it",
                (made.at - since) / MILLISECOND_NS,
                facts.force_g().abs()
            ));
        }
        Ok(())
    }
}

/// S15: no wave is faster than the force of the last moment allows, or than it is while it brakes as firmly as a stop.
#[derive(Debug, Default)]
pub struct ForceOnlyReduces {
    /// The highest speed that there may be, forward and backward, in mm/s.
    forward_mm_s: f64,
    backward_mm_s: f64,
    /// Until when nothing is known about it.
    unknown_until: Nanos,
}

/// Cycles until a force has become braking: a sample, its line, three cycles, what is queued, the onset of a ramp, and what is
/// coarse about intervals.
const HEEDED_CYCLES: usize = 60;
const HEEDED_NS: Nanos = HEEDED_CYCLES as Nanos * MILLISECOND_NS;
/// Where bytes are spoilt the sample before may be that much older.
const VALID_CYCLES: usize = 100;
/// Single intervals say little about a speed that is this low.
const SLOW_MM_S: f64 = 5.0;

impl Promise for ForceOnlyReduces {
    fn name(&self) -> &'static str {
        "s15_force_only_reduces"
    }

    fn cycle(&mut self, facts: &Facts) -> PromiseResult {
        let (Some(before), Some(seen)) = (&facts.before, &facts.seen) else { return Ok(()) };
        let changed = before.config != seen.config;
        if changed || facts.told.samples_lost_since.is_some() || seen.at_ns < facts.told.late_until {
            self.unknown_until = seen.at_ns + HEEDED_NS;
        }
        let spoilt = seen.at_ns < facts.told.spoilt_until;
        let (least_g, most_g) = facts.forces_g(HEEDED_CYCLES + if spoilt { VALID_CYCLES } else { 0 });
        let [old, new] = [before, seen].map(|seen| &seen.config.limits);
        let braked = new.stop_deceleration.get() * seconds(seen.at_ns - before.at_ns);
        let highest = old.max_speed.get().max(new.max_speed.get());
        let known = seen.at_ns >= self.unknown_until;
        // What is not known yet begins with the speed that there is: the ramp down from it may last longer.
        let begin = highest.max(facts.speed_mm_s(seen.at_ns));
        let bound = |speed: f64, against_g: f64| {
            let allowed = seen.config.allowance.speed_mm_s(against_g - facts.told.noise_g);
            if known { allowed.min(highest).max(speed - braked) } else { begin }
        };
        self.forward_mm_s = bound(self.forward_mm_s, -most_g);
        self.backward_mm_s = bound(self.backward_mm_s, least_g);
        Ok(())
    }

    fn step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        if !follows(facts.state()) || made.at < self.unknown_until {
            return Ok(());
        }
        let allowed = if made.forward { self.forward_mm_s } else { self.backward_mm_s };
        let speed = facts.speed_mm_s(made.at);
        if speed > allowed * 1.05 + SLOW_MM_S {
            let force_g = facts.force_g();
            return Err(format!("{speed:.1} mm/s at {force_g:.0} g, which allow {allowed:.1} mm/s by now"));
        }
        Ok(())
    }
}
