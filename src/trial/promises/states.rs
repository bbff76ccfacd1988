//! Checks about the order of events: faults (S7), commands (S8), settings (S21) and restored backups (S26).

use std::collections::VecDeque;

use super::{Promise, PromiseResult};
use crate::machine::{Accepted, CommandKind, Config, Event, State, Why};
use crate::trial::client::ClientAnswer;
use crate::trial::facts::{Facts, StepMade};
use crate::trial::tap::{PortCall, PortRequest};
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// S7: a fault latches with its first cause; to acknowledge, to arm and to start are three separate commands.
#[derive(Debug, Default)]
pub struct FaultLatches {
    latched: Option<&'static str>,
}

impl Promise for FaultLatches {
    fn name(&self) -> &'static str {
        "s07_a_fault_latches"
    }

    fn check_event(&mut self, _facts: &Facts, event: &Event) -> PromiseResult {
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

    fn check_answer(&mut self, facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        let (Some(latched), "/api/v1/machine") = (self.latched, answer.call.path.as_str()) else {
            return Ok(());
        };
        let shown =
            answer.body.get("fault").and_then(|fault| fault.get("code")).and_then(|code| code.as_str());
        let both =
            facts.previous_trace.zip(facts.trace).is_some_and(|(before, trace)| before.state == trace.state);
        match shown {
            Some(shown) if both && shown != latched => Err(format!("{latched} came first, {shown} is shown")),
            _ => Ok(()),
        }
    }
}

/// S8: each motion was requested after the last fault and the last STOP, and is executed once; the drop of a waiting
/// command is reported.
#[derive(Debug, Default)]
pub struct NothingOldIsExecuted {
    /// Commands without a reply, in the order in which the machine decides; true if a fault or STOP has come since.
    undecided: VecDeque<(CommandKind, bool)>,
    queued: Vec<CommandKind>,
    /// Commands that waited when a fault or STOP came, and whose drop is not reported yet.
    unreported: Vec<CommandKind>,
}

impl NothingOldIsExecuted {
    fn mark_stale(&mut self) {
        for (_, old) in &mut self.undecided {
            *old = true;
        }
        self.unreported.append(&mut self.queued);
    }

    fn was_requested(&self, kind: CommandKind) -> bool {
        self.queued.contains(&kind) || self.undecided.front() == Some(&(kind, false))
    }
}

impl Promise for NothingOldIsExecuted {
    fn name(&self) -> &'static str {
        "s08_nothing_old_is_executed"
    }

    fn check_call(&mut self, _facts: &Facts, call: &PortCall) -> PromiseResult {
        match call.request {
            PortRequest::Stop => self.mark_stale(),
            PortRequest::Command(kind) => self.undecided.push_back((kind, false)),
        }
        Ok(())
    }

    fn check_event(&mut self, _facts: &Facts, event: &Event) -> PromiseResult {
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
                self.unreported.retain(|unreported| unreported != kind);
                Ok(())
            }
            Event::Entered { to, why, .. } => {
                if *to == State::Faulted {
                    self.mark_stale();
                }
                // STOP does not cancel acknowledge and arm, but they never wait either.
                let (kind, known) = match why {
                    Why::RunAsked => (CommandKind::Run, self.was_requested(CommandKind::Run)),
                    Why::FollowAsked | Why::PlayAsked => {
                        (CommandKind::Follow, self.was_requested(CommandKind::Follow))
                    }
                    Why::NudgeAsked => (CommandKind::Nudge, self.was_requested(CommandKind::Nudge)),
                    Why::CalibrateAsked => {
                        (CommandKind::Calibrate, self.was_requested(CommandKind::Calibrate))
                    }
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

    fn check_cycle(&mut self, _facts: &Facts) -> PromiseResult {
        match self.unreported.first() {
            Some(kind) => Err(format!("{} waited, was dropped, and nobody said so", kind.name())),
            None => Ok(()),
        }
    }
}

/// S21: settings widen limits only at rest, and at rest they are those that the API shows.
#[derive(Debug, Default)]
pub struct SettingsWaitForRest {
    /// Narrower settings may be pending until this instant: homing has limits of its own.
    waits_ns: Nanos,
}

/// Longest time until a narrower limit takes effect, whatever else waits.
const NARROWED_WITHIN_NS: Nanos = SECOND_NS;

impl Promise for SettingsWaitForRest {
    fn name(&self) -> &'static str {
        "s21_settings_widen_at_rest_only"
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let (Some(before), Some(trace)) = (&facts.previous_trace, &facts.trace) else { return Ok(()) };
        // A change takes effect a moment before its client has the answer.
        let new = trace.config != before.config;
        if new || trace.state.is_homing_move() || trace.at_ns < facts.ground_truth.late_until {
            self.waits_ns = trace.at_ns;
        }
        if let Some(shown) = facts.shown
            && trace.at_ns > shown.since_ns.max(self.waits_ns) + NARROWED_WITHIN_NS
            && (trace.config.limits.max_speed > shown.limits.max_speed
                || trace.config.stroke_limit.get() > shown.stroke_limit_mm)
        {
            let (state, limits) = (trace.state.name(), &trace.config.limits);
            return Err(format!(
                "{state}: {} mm/s and {} mm are shown, {} mm/s and {} mm are in force",
                shown.limits.max_speed.get(),
                shown.stroke_limit_mm,
                limits.max_speed.get(),
                trace.config.stroke_limit.get()
            ));
        }
        let moving = before.state.is_moving() && trace.state.is_moving() && !before.resting && !trace.resting;
        if moving && trace.config != before.config && trace.config.needs_rest_after(&before.config) {
            return Err(format!("{} with wider settings", trace.state.name()));
        }
        Ok(())
    }

    fn check_settled(&mut self, facts: &Facts, shown: &Config) -> PromiseResult {
        match facts.config() {
            Some(config) if config != shown => {
                Err("at rest the machine has other settings than the API shows".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// S26: a backup is restored only at rest.
#[derive(Debug, Default)]
pub struct RestoredAtRest {
    /// End of the last pause between two steps.
    paused_ns: Nanos,
}

/// The axis may be at rest after this time without a step.
const MAY_REST_NS: Nanos = 4 * MILLISECOND_NS;

impl Promise for RestoredAtRest {
    fn name(&self) -> &'static str {
        "s26_restored_at_rest_only"
    }

    fn check_step(&mut self, _facts: &Facts, made: &StepMade) -> PromiseResult {
        if made.interval_ns > MAY_REST_NS {
            self.paused_ns = made.at;
        }
        Ok(())
    }

    fn check_answer(&mut self, facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        let (Some(trace), Some(last)) = (&facts.trace, facts.last_step) else { return Ok(()) };
        let ClientAnswer { call, status, asked_ns, .. } = answer;
        let restored = call.method == "POST" && call.path == "/api/v1/backup" && *status == Some(200);
        let moves = trace.at_ns < last.at + MAY_REST_NS && self.paused_ns < *asked_ns;
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
    use crate::machine::{CommandRefusal, Fault, SwitchDistance};

    #[test]
    fn what_a_fault_takes_from_its_slot_must_be_told() {
        let facts = Facts::new(RailOptions::default(), SimulatedOperator::default());
        let fault = Fault::ForceSampleLost;
        let faulted =
            Event::Entered { at_ns: 0, from: State::Homing, to: State::Faulted, why: Why::Fault(fault) };
        let queued = Event::Replied { id: 1, reply: Ok(Accepted::Queued) };
        let dropped = Event::Dropped {
            kind: CommandKind::Run,
            why: CommandRefusal::Faulted(fault, SwitchDistance::Unknown),
        };
        let judge = |events: &[Event]| {
            let mut promise = NothingOldIsExecuted::default();
            promise
                .check_call(&facts, &PortCall { at_ns: 0, request: PortRequest::Command(CommandKind::Run) })
                .unwrap();
            events.iter().for_each(|event| promise.check_event(&facts, event).unwrap());
            promise.check_cycle(&facts)
        };
        assert_eq!(judge(&[queued]), Ok(()));
        assert_eq!(judge(&[queued, faulted, dropped]), Ok(()));
        assert!(judge(&[queued, faulted]).unwrap_err().starts_with("run waited"));
    }
}
