//! Commands by their names, as the clients give them: in a request, or in a frame on `command_all`.

use super::answer::{self, Rejection};
use super::context::Context;
use super::port::Mover;
use crate::machine::{Command, Refusal};

/// The name of the command that stops.
pub const STOP: &str = "stop";
/// The name under which a wave is announced.
pub const LOOP_WAVE: &str = "loop_wave";
/// The name under which new settings are announced.
pub const UPDATE_SETTINGS: &str = "update_settings";

/// A command was not accepted.
#[derive(Debug, PartialEq)]
pub enum No {
    /// The machine does not do it.
    Refused(Refusal),
    /// A wave was asked for without saying which.
    NeedsWave,
}

impl From<No> for Rejection {
    fn from(no: No) -> Rejection {
        match no {
            No::Refused(refusal) => answer::refused(&refusal),
            No::NeedsWave => answer::conflict("loop_wave says no wave here: use /api/wave/run", "needs_wave"),
        }
    }
}

impl Context {
    /// Stops, then says so. The stop line comes first, and does not wait for anything.
    pub fn stop(&self) {
        self.port.stop();
        self.bus.announce(STOP, None);
    }

    /// Gives the command of that name, and announces it when it is accepted.
    ///
    /// # Errors
    /// [`No`]; then nothing is announced.
    pub async fn order(&self, name: &str) -> Result<(), No> {
        if name == STOP {
            self.stop();
            return Ok(());
        }
        self.obey(name).await?;
        self.bus.announce(name, None);
        Ok(())
    }

    /// Gives the command of that name to the machine, if it is one that this process moves. Names that mean
    /// nothing here may mean something to another listener of the stream.
    ///
    /// # Errors
    /// [`No`].
    pub async fn obey(&self, name: &str) -> Result<(), No> {
        let command = match (self.port.mover(), name) {
            (_, STOP) => {
                self.port.stop();
                return Ok(());
            }
            (Mover::Remote, _) => return Ok(()),
            (Mover::Local, "calibrate") => Command::Calibrate,
            (Mover::Local, "end") => Command::End,
            (Mover::Local, "acknowledge") => Command::Acknowledge,
            (Mover::Local, "arm") => Command::Arm,
            (Mover::Local, UPDATE_SETTINGS) => return self.desk.apply_again().await.map_err(No::Refused),
            (Mover::Local, LOOP_WAVE) => return Err(No::NeedsWave),
            (Mover::Local, _) => return Ok(()),
        };
        match self.port.command(command).await {
            // The app sends it whenever its button is pressed; that it is at rest is what was wanted.
            Ok(_) | Err(Refusal::NothingRuns(_)) => Ok(()),
            Err(refusal) => Err(No::Refused(refusal)),
        }
    }
}
