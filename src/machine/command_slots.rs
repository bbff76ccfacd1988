//! What was accepted and waits for the axis to rest: one slot for each kind of command that can wait; a higher one
//! empties the lower ones. Whatever leaves its slot undone is told, as it had been promised to somebody.

use heapless::Vec;

use super::command::{CommandKind, CommandRefusal};
use super::config::Config;
use super::report::Event;
use crate::wave::Wave;

/// What was dropped, for whoever listens.
pub type Dropped = Vec<Event, 2>;

/// The slots.
#[derive(Debug, Clone, Default)]
pub struct CommandSlots {
    settings: Option<Config>,
    calibrate: bool,
    run: Option<Wave>,
}

impl CommandSlots {
    /// Settings wait; they come before all that moves, and replace settings that wait already: they were made from them.
    pub fn put_settings(&mut self, config: Config) -> Dropped {
        self.settings = Some(config);
        self.drop_motion(CommandRefusal::Replaced(CommandKind::UpdateSettings))
    }

    /// Calibration waits; it comes before waves.
    pub fn put_calibrate(&mut self) -> Dropped {
        self.calibrate = true;
        self.drop_run(CommandRefusal::Replaced(CommandKind::Calibrate))
    }

    /// A wave waits, in place of another.
    pub fn put_run(&mut self, wave: Wave) -> Dropped {
        let dropped = self.drop_run(CommandRefusal::Replaced(CommandKind::Run));
        self.run = Some(wave);
        dropped
    }

    /// The settings that waited.
    pub fn take_settings(&mut self) -> Option<Config> {
        self.settings.take()
    }

    /// Whether calibration waited; it does no longer.
    pub fn take_calibrate(&mut self) -> bool {
        core::mem::take(&mut self.calibrate)
    }

    /// The wave that waited.
    pub fn take_run(&mut self) -> Option<Wave> {
        self.run.take()
    }

    /// Nothing that moves waits any longer, for that reason. Settings are kept: they were promised, and move nothing.
    pub fn drop_motion(&mut self, why: CommandRefusal) -> Dropped {
        let mut dropped = Dropped::new();
        if core::mem::take(&mut self.calibrate) {
            dropped.extend([Event::Dropped { kind: CommandKind::Calibrate, why }]);
        }
        dropped.extend(self.drop_run(why));
        dropped
    }

    fn drop_run(&mut self, why: CommandRefusal) -> Dropped {
        self.run.take().map(|_| Event::Dropped { kind: CommandKind::Run, why }).into_iter().collect()
    }
}
