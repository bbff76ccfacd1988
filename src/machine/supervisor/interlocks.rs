//! Interlocks: conditions of the present cycle that forbid motion, and the fault that each of them is.

use super::super::command::CommandKind;
use super::super::fault::Fault;
use super::super::geometry::Calibration;
use super::super::report::FaultCause;
use super::super::state::State;
use super::{Observation, Supervisor};
use crate::motion::RailEnd;

impl Supervisor {
    /// Fault of an interlock that is active in this cycle.
    pub(super) fn interlock_fault(&self, seen: &Observation) -> Option<Fault> {
        if seen.inputs.e_stop {
            return Some(Fault::EStop);
        }
        if seen.inputs.driver_alarm {
            return Some(Fault::DriverAlarm);
        }
        if seen.inputs.front && seen.inputs.back {
            return Some(Fault::BothLimitsClosed);
        }
        if !seen.step_loop_alive {
            return Some(Fault::StepLoopSilent);
        }
        // Outside homing a closed limit switch means that the axis is not where the counter says. (While the position
        // is unknown there is nothing to lose, and a person may try the switches by hand.)
        let known = self.calibration.is_some() && self.homing.is_none();
        let mut closed = [RailEnd::Back, RailEnd::Front].into_iter().filter(|&end| seen.inputs.limit(end));
        if let (true, Some(end)) = (known, closed.next()) {
            return Some(Fault::LimitHit(end));
        }
        let moves = matches!(
            self.state,
            State::Homing | State::Nudging | State::Running | State::Following | State::Ending
        );
        // Low voltage or heat of the computer is no fault while the axis rests. It only holds back the acknowledgement
        // of a latched fault.
        if let (Some(fault), true) = (seen.host_fault, moves || self.state == State::Faulted) {
            return Some(fault);
        }
        // A wave slows down against a force, homing and the nudge do not. So a full force, against which nothing may
        // move, is a fault of theirs only.
        if seen.force_full && self.state.is_homing_move() {
            return Some(Fault::ForceWhileHoming);
        }
        (!seen.force_known && moves).then_some(Fault::ForceSampleLost)
    }

    /// Interlock that prevents acknowledging the fault, or calibrating after it (S7).
    pub(super) fn remaining_cause(&self, command: CommandKind, seen: &Observation) -> Option<Fault> {
        let forced = || if command == CommandKind::Calibrate { homing_hindrance(seen) } else { None };
        let unfelt = || (!seen.force_known).then_some(Fault::ForceSampleLost);
        self.interlock_fault(seen).or_else(unfelt).or_else(forced)
    }

    /// What is known of the cause of the latched fault, with fault and calibration as they were before this cycle: a limit
    /// switch that closes ends the calibration.
    pub(super) fn known_cause(
        &self,
        before: (Option<Fault>, Option<Calibration>),
        seen: &Observation,
    ) -> FaultCause {
        let Some(fault) = self.fault else { return FaultCause::NONE };
        let from_switch_mm = match (before, fault) {
            ((None, Some(calibration)), Fault::LimitHit(end)) => {
                Some(calibration.from_switch_mm(&self.config.geometry, end, seen.motion.count_steps))
            }
            ((None, None), _) => None,
            _ => self.cause.from_switch_mm,
        };
        FaultCause { remains: self.remaining_cause(CommandKind::Acknowledge, seen), from_switch_mm }
    }
}

/// Condition that would end homing in its first cycle: an unknown or full force, or a derated computer that stops
/// motion.
pub(super) fn homing_hindrance(seen: &Observation) -> Option<Fault> {
    let forced = seen.force_full.then_some(Fault::ForceWhileHoming);
    let unfelt = (!seen.force_known).then_some(Fault::ForceSampleLost);
    seen.host_fault.or(unfelt).or(forced)
}
