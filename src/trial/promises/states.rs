//! What follows what: faults, commands, settings.

use std::collections::VecDeque;

use super::{Promise, PromiseResult};
use crate::machine::{Accepted, CommandKind, Config, Event, State, Why};
use crate::trial::client::ClientAnswer;
use crate::trial::facts::{Facts, StepMade};
use crate::trial::tap::{Ask, PortCall};
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// S7: a fault latches with its first cause; acknowledging, arming and starting are three acts.
#[derive(Debug, Default)]
pub struct FaultLatches {
    latched: Option<&'static str>,
}

impl Promise for FaultLatches {
    fn name(&self) -> &'static str {
        "s07_a_fault_latches"
    }

    fn event(&mut self, _facts: &Facts, event: &Event) -> PromiseResult {
        let Event::Entered { from, to, why, .. } = event else { return Ok(()) };
        let allowed = match (from, to) {
            (State::Faulted, State::NotHomed | State::Disarmed) => *why == Why::Acknowledged,
            (State::Faulted | State::Disarmed, State::Homing) => *why == Why::CalibrateAsked,
            (State::Faulted, _) => false,
            (State::Disarmed, State::Ready) => *why == Why::Armed,
            (State::Disarmed, State::NotHomed) => matches!(why, Why::GeometryChanged | Why::Released),
            (State::Disarmed, State::Faulted) => matches!(why, Why::Fault(_)),
            (State::Disarmed, _) => false,
            _ => true,
        };
        self.latched = match why {
            Why::Fault(fault) if *to == State::Faulted => Some(fault.code()),
            _ => None,
        };
        if allowed { Ok(()) } else { Err(format!("{} -> {}: {why}", from.name(), to.name())) }
    }

    fn answered(&mut self, facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        let (Some(latched), "/api/status") = (self.latched, answer.call.path.as_str()) else { return Ok(()) };
        let shown =
            answer.body.get("fault").and_then(|fault| fault.get("code")).and_then(|code| code.as_str());
        let both = facts.before.zip(facts.seen).is_some_and(|(before, seen)| before.state == seen.state);
        match shown {
            Some(shown) if both && shown != latched => Err(format!("{latched} came first, {shown} is shown")),
            _ => Ok(()),
        }
    }
}

/// S8: what moves was asked for after the last fault and the last STOP, and is done once; what waited and is dropped is
/// told.
#[derive(Debug, Default)]
pub struct NothingOldIsExecuted {
    /// In the order in which the machine will decide; whether a fault or STOP has come since.
    undecided: VecDeque<(CommandKind, bool)>,
    queued: Vec<CommandKind>,
    /// Waited when a fault or STOP came, and nobody has told yet that it is dropped.
    untold: Vec<CommandKind>,
}

impl NothingOldIsExecuted {
    fn forget(&mut self) {
        for (_, old) in &mut self.undecided {
            *old = true;
        }
        self.untold.append(&mut self.queued);
    }

    fn asked_for(&self, kind: CommandKind) -> bool {
        self.queued.contains(&kind) || self.undecided.front() == Some(&(kind, false))
    }
}

impl Promise for NothingOldIsExecuted {
    fn name(&self) -> &'static str {
        "s08_nothing_old_is_executed"
    }

    fn asked(&mut self, _facts: &Facts, asked: &PortCall) -> PromiseResult {
        match asked.what {
            Ask::Stop => self.forget(),
            Ask::Command(kind) => self.undecided.push_back((kind, false)),
        }
        Ok(())
    }

    fn event(&mut self, _facts: &Facts, event: &Event) -> PromiseResult {
        match event {
            Event::Replied { reply, .. } => {
                if let Some((kind, _)) = self.undecided.pop_front()
                    && matches!(kind, CommandKind::Calibrate | CommandKind::Run)
                    && *reply == Ok(Accepted::Queued)
                {
                    self.queued.push(kind);
                }
                Ok(())
            }
            Event::Dropped { kind, .. } => {
                self.queued.retain(|queued| queued != kind);
                self.untold.retain(|untold| untold != kind);
                Ok(())
            }
            Event::Entered { to, why, .. } => {
                if *to == State::Faulted {
                    self.forget();
                }
                // Acknowledging and arming are not undone by STOP, but they wait for nothing either.
                let (kind, known) = match why {
                    Why::RunAsked => (CommandKind::Run, self.asked_for(CommandKind::Run)),
                    Why::CalibrateAsked => (CommandKind::Calibrate, self.asked_for(CommandKind::Calibrate)),
                    Why::Acknowledged | Why::Armed => {
                        let kind =
                            if *why == Why::Armed { CommandKind::Arm } else { CommandKind::Acknowledge };
                        (kind, self.undecided.front().is_some_and(|(asked, _)| *asked == kind))
                    }
                    _ => return Ok(()),
                };
                self.queued.retain(|queued| *queued != kind);
                if known { Ok(()) } else { Err(format!("{}: nobody asked for it now", kind.name())) }
            }
            _ => Ok(()),
        }
    }

    fn cycle(&mut self, _facts: &Facts) -> PromiseResult {
        match self.untold.first() {
            Some(kind) => Err(format!("{} waited, was dropped, and nobody said so", kind.name())),
            None => Ok(()),
        }
    }
}

/// S21: settings do not widen limits while the axis moves; at rest they are what the API shows.
#[derive(Debug, Default)]
pub struct SettingsWaitForRest {
    /// Until when nothing said that narrower settings would be in force at once: homing has limits of its own.
    waits_ns: Nanos,
}

/// What narrows applies at once, whatever else waits.
const NARROWED_WITHIN_NS: Nanos = SECOND_NS;

impl Promise for SettingsWaitForRest {
    fn name(&self) -> &'static str {
        "s21_settings_widen_at_rest_only"
    }

    fn cycle(&mut self, facts: &Facts) -> PromiseResult {
        let (Some(before), Some(seen)) = (&facts.before, &facts.seen) else { return Ok(()) };
        // A change is in force a moment before whoever asked for it hears that it is.
        let new = seen.config != before.config;
        if new || seen.state == State::Homing || seen.at_ns < facts.told.late_until {
            self.waits_ns = seen.at_ns;
        }
        if let Some(shown) = facts.shown
            && seen.at_ns > shown.since_ns.max(self.waits_ns) + NARROWED_WITHIN_NS
            && (seen.config.limits.max_speed > shown.limits.max_speed
                || seen.config.stroke_limit.get() > shown.stroke_limit_mm)
        {
            let (state, limits) = (seen.state.name(), &seen.config.limits);
            return Err(format!(
                "{state}: {} mm/s and {} mm are shown, {} mm/s and {} mm are in force",
                shown.limits.max_speed.get(),
                shown.stroke_limit_mm,
                limits.max_speed.get(),
                seen.config.stroke_limit.get()
            ));
        }
        let moves =
            |state: State| matches!(state, State::Homing | State::Running | State::Ending | State::Stopping);
        let moving = moves(before.state) && moves(seen.state) && !before.resting && !seen.resting;
        if moving && seen.config != before.config && seen.config.needs_rest_after(&before.config) {
            return Err(format!("{} with wider settings", seen.state.name()));
        }
        Ok(())
    }

    fn settled(&mut self, facts: &Facts, shown: &Config) -> PromiseResult {
        match facts.config() {
            Some(config) if config != shown => {
                Err("at rest the machine has other settings than the API shows".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// S26: everything is replaced at rest only.
#[derive(Debug, Default)]
pub struct RestoredAtRest {
    /// When the last pause between two steps was over.
    paused_ns: Nanos,
}

/// After this long without a step the axis may rest.
const MAY_REST_NS: Nanos = 4 * MILLISECOND_NS;

impl Promise for RestoredAtRest {
    fn name(&self) -> &'static str {
        "s26_restored_at_rest_only"
    }

    fn step(&mut self, _facts: &Facts, made: &StepMade) -> PromiseResult {
        if made.interval_ns > MAY_REST_NS {
            self.paused_ns = made.at;
        }
        Ok(())
    }

    fn answered(&mut self, facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        let (Some(seen), Some(last)) = (&facts.seen, facts.last) else { return Ok(()) };
        let ClientAnswer { call, status, asked_ns, .. } = answer;
        let restored = call.method == "POST" && call.path == "/api/backup" && *status == Some(200);
        let moves = seen.at_ns < last.at + MAY_REST_NS && self.paused_ns < *asked_ns;
        if restored && moves {
            return Err("a backup was restored, and there was never a pause between the steps".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hal::sim::{RailOptions, SimulatedOperator};
    use crate::machine::{CommandRefusal, Fault};

    #[test]
    fn what_a_fault_takes_from_its_slot_must_be_told() {
        let facts = Facts::new(RailOptions::default(), SimulatedOperator::default());
        let fault = Fault::ForceSampleLost;
        let faulted =
            Event::Entered { at_ns: 0, from: State::Homing, to: State::Faulted, why: Why::Fault(fault) };
        let queued = Event::Replied { id: 1, reply: Ok(Accepted::Queued) };
        let dropped = Event::Dropped { kind: CommandKind::Run, why: CommandRefusal::Faulted(fault) };
        let judge = |events: &[Event]| {
            let mut promise = NothingOldIsExecuted::default();
            promise.asked(&facts, &PortCall { at_ns: 0, what: Ask::Command(CommandKind::Run) }).unwrap();
            events.iter().for_each(|event| promise.event(&facts, event).unwrap());
            promise.cycle(&facts)
        };
        assert_eq!(judge(&[queued]), Ok(()));
        assert_eq!(judge(&[queued, faulted, dropped]), Ok(()));
        assert!(judge(&[queued, faulted]).unwrap_err().starts_with("run waited"));
    }
}
