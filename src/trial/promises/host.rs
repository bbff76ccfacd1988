//! The computer's power and heat.

use super::{Promise, PromiseResult};
use crate::machine::{Fault, State};
use crate::trial::facts::{Facts, StepMade};
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// The computer is looked at once a second, and the server has its turn every 10 ms.
const LOOKED_AT_NS: Nanos = 1_050 * MILLISECOND_NS;
/// One temperature alone may be wrong: another look has to agree.
const HEAT_AGREES_NS: Nanos = SECOND_NS;
/// An under-voltage that lasts so long ends motion.
const LASTS_NS: Nanos = 5 * SECOND_NS;
/// Here waves become slower, and here everything stops.
const HOT_C: f32 = 80.0;
const TOO_HOT_C: f32 = 85.0;
/// The share of the highest speed that is left to a wave.
const SHARE: f64 = 0.5;
/// What is queued, and the onset and release of a change of speed.
const QUEUED_NS: Nanos = 40 * MILLISECOND_NS;
/// Single intervals say little about a speed that is this low.
const SLOW_MM_S: f64 = 5.0;

/// S25: with a weak supply, or a hot computer, waves are slower; when it lasts, or gets worse, motion ends by its ramp,
/// which is a fault that keeps the position.
#[derive(Debug, Default)]
pub struct StrainSlowsThenStops {
    /// When this process began to look.
    began: Option<Nanos>,
    changed_ns: Nanos,
    /// The highest speed before the settings changed.
    former_mm_s: f64,
}

impl StrainSlowsThenStops {
    /// Since when waves have to be slower.
    fn strained_since(&self, facts: &Facts) -> Option<Nanos> {
        let hot = facts.told.hot_since.filter(|(_, c)| *c >= HOT_C).map(|(since, _)| since + HEAT_AGREES_NS);
        let since = hot.into_iter().chain(facts.told.under_voltage_since).min()?;
        Some(since.max(self.began?) + LOOKED_AT_NS)
    }

    /// Since when nothing may move.
    fn stopped_since(&self, facts: &Facts) -> Option<Nanos> {
        let hot =
            facts.told.hot_since.filter(|(_, c)| *c >= TOO_HOT_C).map(|(since, _)| since + HEAT_AGREES_NS);
        let low = facts.told.under_voltage_since.map(|since| since.max(self.began.unwrap_or(0)) + LASTS_NS);
        let since = hot.into_iter().chain(low).min()?;
        Some(since.max(self.began?) + LOOKED_AT_NS)
    }
}

impl Promise for StrainSlowsThenStops {
    fn name(&self) -> &'static str {
        "s25_power_and_heat_derate_then_stop"
    }

    fn cycle(&mut self, facts: &Facts) -> PromiseResult {
        let Some(seen) = &facts.seen else { return Ok(()) };
        self.began.get_or_insert(seen.at_ns);
        let Some(before) = &facts.before else { return Ok(()) };
        if before.config != seen.config {
            self.changed_ns = seen.at_ns;
            self.former_mm_s = before.config.limits.max_speed.get();
        }
        let strained = matches!(seen.fault, Some(Fault::UnderVoltage | Fault::Overheated));
        let followed = matches!(before.state, State::Running | State::Ending) && before.fault.is_none();
        if strained && followed && seen.calibration.is_none() && seen.outcome.also.is_none() {
            return Err("the position was lost with a stop for power or heat".to_owned());
        }
        let moves = matches!(seen.state, State::Homing | State::Running | State::Ending);
        // A motion that begins meanwhile is over in the next cycle.
        let began = before.state != seen.state;
        match self.stopped_since(facts) {
            Some(since) if moves && !began && seen.at_ns > since.max(facts.told.late_until) => {
                Err(format!("{} {} ms after that had to end", seen.state.name(), ms(seen.at_ns - since)))
            }
            _ => Ok(()),
        }
    }

    fn step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        let (Some(seen), Some(since)) = (&facts.seen, self.strained_since(facts)) else { return Ok(()) };
        let limits = &seen.config.limits;
        let (a, j) = (limits.max_acceleration.get(), limits.max_jerk.get());
        // From the highest speed, with the gentlest braking there is.
        let fastest_mm_s = limits.max_speed.get().max(self.former_mm_s);
        let braking_s = fastest_mm_s / a + 2.0 * a / j;
        let slowed_ns = QUEUED_NS + (braking_s * SECOND_NS as f64) as Nanos;
        if let Some(stopped) = self.stopped_since(facts)
            && made.at > stopped.max(facts.told.late_until) + slowed_ns
        {
            return Err(format!("a step {} ms after motion had to end", ms(made.at - stopped)));
        }
        let follows = matches!(seen.state, State::Running | State::Ending);
        let slowed = since.max(self.changed_ns).max(facts.told.late_until) + slowed_ns;
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
