//! Motions of an axis whose position is unknown: homing, and the nudge.

use super::super::actions::Actions;
use super::super::command::{Command, CommandRefusal};
use super::super::config::Config;
use super::super::fault::Fault;
use super::super::geometry::Calibration;
use super::super::homing::{Homing, HomingProgress};
use super::super::motion_port::{AxisFrame, MotionOrder};
use super::super::nudge::{Nudge, NudgeEnd, NudgeLength, NudgeProgress};
use super::super::report::Event;
use super::super::state::{State, Why};
use super::interlocks::homing_hindrance;
use super::{Observation, Supervisor};
use crate::motion::RailEnd;
use crate::units::Nanos;

impl Supervisor {
    pub(super) fn begin_homing(&mut self, now: Nanos, actions: &mut Actions) {
        self.calibration = None;
        self.fault = None;
        self.later_fault = None;
        self.last_nudge = None;
        let options = self.homing_options.within(self.config.limits.max_speed);
        self.homing = Some(Homing::new(options, self.config.geometry));
        self.enter_state(State::Homing, Why::CalibrateAsked, now, actions);
    }

    pub(super) fn advance_homing(&mut self, seen: &Observation, actions: &mut Actions) {
        let Some(homing) = &mut self.homing else { return };
        match homing.step(seen.now, seen.inputs, &seen.motion) {
            HomingProgress::Wait => {}
            HomingProgress::Go(travel) => actions.push_order(MotionOrder::Travel(travel)),
            HomingProgress::Failed(fault) => self.latch_fault(fault, seen.now, actions),
            HomingProgress::Done(found) if self.exceeds_step_rate(&found) => {
                self.latch_fault(Fault::StepRateTooHigh, seen.now, actions);
            }
            HomingProgress::Done(calibration) => {
                self.homing = None;
                self.calibration = Some(calibration);
                let geometry = &self.config.geometry;
                actions.push_order(MotionOrder::SetFrame(AxisFrame {
                    origin_steps: calibration.origin_steps,
                    steps_per_mm: calibration.steps_per_mm(geometry),
                    range_mm: calibration.range_mm(geometry),
                }));
                actions.push_event(Event::Calibrated(calibration));
                self.enter_state(State::Ready, Why::Calibrated, seen.now, actions);
                self.begin_queued(seen, actions);
            }
        }
    }

    /// True if, with that calibration, the pulses cannot be as fast as the highest speed demands.
    fn exceeds_step_rate(&self, found: &Calibration) -> bool {
        let Config { geometry, limits, .. } = &self.config;
        found.steps_per_mm(geometry) * limits.max_speed.get() > geometry.max_steps_per_s
    }

    pub(super) fn begin_nudge(
        &mut self,
        toward: RailEnd,
        length: NudgeLength,
        now: Nanos,
        actions: &mut Actions,
    ) {
        self.nudge = Some(Nudge::new(toward, length));
        self.nudges = self.nudges.wrapping_add(1);
        self.last_nudge = None;
        self.enter_state(State::Nudging, Why::NudgeAsked, now, actions);
    }

    pub(super) fn advance_nudge(&mut self, seen: &Observation, actions: &mut Actions) {
        let options = self.homing_options.within(self.config.limits.max_speed);
        let nominal = self.config.geometry.nominal;
        let Some(nudge) = &mut self.nudge else { return };
        match nudge.step(seen.now, &seen.motion, options, nominal) {
            NudgeProgress::Wait => {}
            NudgeProgress::Go(travel) => actions.push_order(MotionOrder::Travel(travel)),
            NudgeProgress::Failed(fault) => self.latch_fault(fault, seen.now, actions),
            NudgeProgress::Over(end) => {
                self.end_nudge(end, seen.motion.count_steps);
                self.enter_state(State::NotHomed, Why::NudgeOver, seen.now, actions);
                self.begin_queued(seen, actions);
            }
        }
    }

    /// Ends the nudge, if there is one, with the step counter at rest; true if there was one.
    pub(super) fn end_nudge(&mut self, end: NudgeEnd, count_steps: i64) -> bool {
        let Some(nudge) = self.nudge.take() else { return false };
        self.last_nudge = Some(nudge.over(end, count_steps, self.nudges, self.config.geometry.nominal));
        true
    }

    /// The reason why homing or a nudge would end as soon as it begins: homing would lose the position for nothing, and
    /// a nudge cannot leave a switch, as both switches end it.
    pub(super) fn hindrance(&self, command: &Command, seen: &Observation) -> Option<CommandRefusal> {
        let pressed = match command {
            Command::Calibrate => None,
            Command::Nudge(..) => {
                [RailEnd::Back, RailEnd::Front].into_iter().find(|&end| seen.inputs.limit(end))
            }
            _ => return None,
        };
        let prevented = homing_hindrance(seen).map(CommandRefusal::Prevented);
        prevented.or(pressed.map(CommandRefusal::SwitchPressed))
    }
}
