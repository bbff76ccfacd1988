//! Changes of the settings: narrower values take effect at once, wider ones at rest (S21).

use super::super::actions::Actions;
use super::super::config::Config;
use super::super::report::Event;
use super::super::state::{State, Why};
use super::Supervisor;
use crate::units::Nanos;

impl Supervisor {
    pub(super) fn apply_queued_settings(&mut self, now: Nanos, actions: &mut Actions) {
        if let Some(config) = self.waiting.take_settings() {
            self.apply_settings(config, now, actions);
            actions.push_event(Event::SettingsApplied);
        }
    }

    /// True if any part of `config` has to wait. Homing and the nudge plan each move with the limits at its start, so
    /// they stay until it is over.
    pub(super) fn waits_for_rest(&self, config: &Config) -> bool {
        let other_limits = self.state.is_homing_move() && config.limits != self.config.limits;
        other_limits || config.needs_rest_after(&self.config)
    }

    /// Settings in force with every narrower value of `config`.
    pub(super) fn narrowed(&self, config: &Config) -> Config {
        let narrowed = self.config.narrowed_by(config);
        match self.state {
            State::Homing | State::Nudging => Config { limits: self.config.limits, ..narrowed },
            _ => narrowed,
        }
    }

    pub(super) fn apply_settings(&mut self, config: Config, now: Nanos, actions: &mut Actions) {
        let other_rail = config.geometry != self.config.geometry;
        self.config = config;
        if other_rail && self.calibration.take().is_some() && self.state != State::Faulted {
            self.enter_state(State::NotHomed, Why::GeometryChanged, now, actions);
        }
    }
}
