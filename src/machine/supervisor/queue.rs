//! Commands that wait for the end of what runs.

use super::super::actions::Actions;
use super::super::command::{Accepted, Command, CommandKind, CommandRefusal};
use super::super::command_slots::Dropped;
use super::super::report::Event;
use super::super::state::{State, Why};
use super::interlocks::homing_hindrance;
use super::{Observation, Supervisor};
use crate::units::Nanos;

impl Supervisor {
    /// Begins the waiting command of highest priority, at rest; settings come before all others.
    pub(super) fn begin_queued(&mut self, seen: &Observation, actions: &mut Actions) {
        self.apply_queued_settings(seen.now, actions);
        if self.waiting.take_calibrate() {
            match homing_hindrance(seen) {
                None => self.begin_homing(seen.now, actions),
                Some(fault) => {
                    actions.push_event(Event::Dropped {
                        kind: CommandKind::Calibrate,
                        why: CommandRefusal::Prevented(fault),
                    });
                }
            }
        } else if self.state == State::Ready {
            if let Some(wave) = self.waiting.take_run() {
                self.begin_wave(wave, seen.now, actions);
            }
        } else {
            // The settings that were applied first changed the rail, so the calibration is no longer valid.
            actions.push_events(self.waiting.drop_motion(CommandRefusal::NotHomed(self.state)));
        }
    }

    /// Ends the wave, since another command waits for its end.
    fn end_wave_for_queued(&mut self, now: Nanos, actions: &mut Actions) {
        if matches!(self.state, State::Running | State::Following) {
            self.finish_wave(Why::Superseded, now, actions);
        }
    }

    pub(super) fn queue_command(
        &mut self,
        command: Command,
        seen: &Observation,
        actions: &mut Actions,
    ) -> Accepted {
        let dropped = match command {
            Command::UpdateSettings(config) => self.waiting.put_settings(config),
            Command::Calibrate => self.waiting.put_calibrate(),
            Command::Run(wave) => self.waiting.put_run(wave),
            // The table queues none of these.
            Command::Nudge(..)
            | Command::Follow(_)
            | Command::Rest
            | Command::End
            | Command::Acknowledge
            | Command::Arm
            | Command::ReplaceSettings(_)
            | Command::ClientGone => Dropped::new(),
        };
        actions.push_events(dropped);
        self.end_wave_for_queued(seen.now, actions);
        Accepted::Queued
    }
}
