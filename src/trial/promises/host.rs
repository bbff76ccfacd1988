//! Check about under-voltage and heat of the computer (S25).

use super::{Promise, PromiseResult};
use crate::machine::{Fault, State};
use crate::trial::facts::{Facts, StepMade};
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// Longest time until a reading: the vitals are read once a second, and the server runs every 10 ms.
const LOOKED_AT_NS: Nanos = 1_050 * MILLISECOND_NS;
/// Time until a second reading confirms a temperature.
const HEAT_AGREES_NS: Nanos = SECOND_NS;
/// Under-voltage of this duration ends motion.
const LASTS_NS: Nanos = 5 * SECOND_NS;
/// Temperature that slows waves; and below, the one that ends motion.
const HOT_C: f32 = 80.0;
const TOO_HOT_C: f32 = 85.0;
/// Share of the highest speed that a wave keeps.
const SHARE: f64 = 0.5;
/// Queued motion, and the onset and release of a change of speed.
const QUEUED_NS: Nanos = 40 * MILLISECOND_NS;
/// Single intervals are too coarse for a speed below this.
const SLOW_MM_S: f64 = 5.0;

/// S25, derating: under-voltage or heat slows waves; if it lasts or gets worse, motion ends by a ramp with a fault that
/// keeps the position.
#[derive(Debug, Default)]
pub struct StrainSlowsThenStops {
    /// First control cycle of this process.
    began: Option<Nanos>,
    changed_ns: Nanos,
    /// The highest speed before the settings changed.
    former_mm_s: f64,
}

impl StrainSlowsThenStops {
    /// Instant since which waves must be slower.
    fn strained_since(&self, facts: &Facts) -> Option<Nanos> {
        let hot = facts
            .ground_truth
            .hot_since
            .filter(|(_, c)| *c >= HOT_C)
            .map(|(since, _)| since + HEAT_AGREES_NS);
        let since = hot.into_iter().chain(facts.ground_truth.under_voltage_since).min()?;
        Some(since.max(self.began?) + LOOKED_AT_NS)
    }

    /// Instant since which nothing may move.
    fn stopped_since(&self, facts: &Facts) -> Option<Nanos> {
        let hot = facts
            .ground_truth
            .hot_since
            .filter(|(_, c)| *c >= TOO_HOT_C)
            .map(|(since, _)| since + HEAT_AGREES_NS);
        let low =
            facts.ground_truth.under_voltage_since.map(|since| since.max(self.began.unwrap_or(0)) + LASTS_NS);
        let since = hot.into_iter().chain(low).min()?;
        Some(since.max(self.began?) + LOOKED_AT_NS)
    }
}

impl Promise for StrainSlowsThenStops {
    fn name(&self) -> &'static str {
        "s25_power_and_heat_derate_then_stop"
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let Some(trace) = &facts.trace else { return Ok(()) };
        self.began.get_or_insert(trace.at_ns);
        let Some(before) = &facts.previous_trace else { return Ok(()) };
        if before.config != trace.config {
            self.changed_ns = trace.at_ns;
            self.former_mm_s = before.config.limits.max_speed.get();
        }
        let strained = matches!(trace.fault, Some(Fault::UnderVoltage | Fault::Overheated));
        let followed = matches!(before.state, State::Running | State::Following | State::Ending)
            && before.fault.is_none();
        if strained && followed && trace.calibration.is_none() && trace.outcome.also.is_none() {
            return Err("the position was lost with a stop for power or heat".to_owned());
        }
        let moves = trace.state.is_homing_move()
            || matches!(trace.state, State::Running | State::Following | State::Ending);
        // A motion that begins in this cycle ends in the next one.
        let began = before.state != trace.state;
        match self.stopped_since(facts) {
            Some(since) if moves && !began && trace.at_ns > since.max(facts.ground_truth.late_until) => {
                Err(format!("{} {} ms after that had to end", trace.state.name(), ms(trace.at_ns - since)))
            }
            _ => Ok(()),
        }
    }

    fn check_step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        let (Some(trace), Some(since)) = (&facts.trace, self.strained_since(facts)) else { return Ok(()) };
        let limits = &trace.config.limits;
        let (a, j) = (limits.max_acceleration.get(), limits.max_jerk.get());
        // Gentle braking from the highest speed.
        let fastest_mm_s = limits.max_speed.get().max(self.former_mm_s);
        let braking_s = fastest_mm_s / a + 2.0 * a / j;
        let slowed_ns = QUEUED_NS + (braking_s * SECOND_NS as f64) as Nanos;
        if let Some(stopped) = self.stopped_since(facts)
            && made.at > stopped.max(facts.ground_truth.late_until) + slowed_ns
        {
            return Err(format!("a step {} ms after motion had to end", ms(made.at - stopped)));
        }
        let follows = matches!(trace.state, State::Running | State::Following | State::Ending);
        let slowed = since.max(self.changed_ns).max(facts.ground_truth.late_until) + slowed_ns;
        let (speed, allowed) = (facts.speed_mm_s(made.at), limits.max_speed.get() * SHARE);
        if follows && made.at > slowed && speed > allowed * 1.05 + SLOW_MM_S {
            let after = ms(made.at - since);
            return Err(format!(
                "{speed:.1} mm/s {after} ms after no more than {allowed:.1} mm/s was allowed"
            ));
        }
        Ok(())
    }
}

const fn ms(ns: Nanos) -> u64 {
    ns / MILLISECOND_NS
}
