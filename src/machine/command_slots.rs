//! Command slots: accepted commands that wait for the axis to rest.
//!
//! There is one slot for each kind of command that can wait; filling one empties those of lower priority. Each dropped
//! command is reported by an event, since it had been accepted.

use heapless::Vec;

use super::command::{CommandKind, CommandRefusal};
use super::config::Config;
use super::report::Event;
use crate::wave::Wave;

/// Events of the dropped commands.
pub type Dropped = Vec<Event, 2>;

/// The waiting commands.
#[derive(Debug, Clone, Default)]
pub struct CommandSlots {
    settings: Option<Config>,
    calibrate: bool,
    run: Option<Wave>,
}

impl CommandSlots {
    /// Queues settings. They come before every motion, and replace settings that wait already, since they were derived
    /// from them.
    pub fn put_settings(&mut self, config: Config) -> Dropped {
        self.settings = Some(config);
        self.drop_motion(CommandRefusal::Replaced(CommandKind::UpdateSettings))
    }

    /// Queues a calibration, which comes before waves.
    pub fn put_calibrate(&mut self) -> Dropped {
        self.calibrate = true;
        self.drop_run(CommandRefusal::Replaced(CommandKind::Calibrate))
    }

    /// Queues a wave, in place of another.
    pub fn put_run(&mut self, wave: Wave) -> Dropped {
        let dropped = self.drop_run(CommandRefusal::Replaced(CommandKind::Run));
        self.run = Some(wave);
        dropped
    }

    /// Takes the waiting settings.
    pub fn take_settings(&mut self) -> Option<Config> {
        self.settings.take()
    }

    /// True while new settings wait.
    pub const fn has_settings(&self) -> bool {
        self.settings.is_some()
    }

    /// Takes the waiting calibration; true if there was one.
    pub fn take_calibrate(&mut self) -> bool {
        core::mem::take(&mut self.calibrate)
    }

    /// Takes the waiting wave.
    pub fn take_run(&mut self) -> Option<Wave> {
        self.run.take()
    }

    /// Drops every waiting motion, for the reason `why`. Settings are kept: they were accepted, and move nothing.
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
