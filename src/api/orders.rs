//! Commands by their names, as the clients give them: in a request, or in a frame on `command_all`.

use super::answer::{self, Rejection};
use super::context::Context;
use super::fence::{Fenced, Stops};
use super::lease::Client;
use super::port::MachineLocation;
use crate::machine::{Command, CommandRefusal};

/// The name of the command that stops.
pub const STOP: &str = "stop";
/// The name under which a wave is announced.
pub const LOOP_WAVE: &str = "loop_wave";
/// The name of the command that finds both ends of the rail.
const CALIBRATE: &str = "calibrate";
/// The commands that make an axis move that rests, here or at a yep-machine.
const STARTS: [&str; 2] = [CALIBRATE, LOOP_WAVE];
/// The name under which new settings are announced.
pub const UPDATE_SETTINGS: &str = "update_settings";

/// A command was not accepted.
#[derive(Debug, PartialEq)]
pub enum No {
    /// The machine does not do it.
    Refused(CommandRefusal),
    /// A wave was asked for without saying which.
    NeedsWave,
    /// STOP came, and its sender has not paused since.
    Fenced(Fenced),
}

impl From<No> for Rejection {
    fn from(no: No) -> Rejection {
        match no {
            No::Refused(refusal) => answer::refused(&refusal),
            No::NeedsWave => answer::conflict("loop_wave says no wave here: use /api/wave/run", "needs_wave"),
            No::Fenced(fenced) => answer::conflict(&fenced.to_string(), CommandRefusal::Stopped.code()),
        }
    }
}

impl Context {
    /// Stops, then says so. The stop line comes first, and does not wait for anything.
    pub fn stop(&self) {
        self.raise_stop();
        self.bus.announce(STOP, None);
    }

    /// Stops without a word: who goes on sending starts nothing from now on.
    pub fn raise_stop(&self) {
        // First, so that a start that the machine takes behind this STOP is seen to have crossed it.
        self.fence.stopped();
        self.port.stop();
    }

    /// Gives the command of that name, and announces it when it is accepted.
    ///
    /// # Errors
    /// [`No`]; then nothing is announced.
    pub async fn order(&self, client: &Client, name: &str) -> Result<(), No> {
        if name == STOP {
            self.stop();
            return Ok(());
        }
        let stops = self.may_give(client, name)?;
        self.obey(stops, name).await?;
        self.bus.announce(name, None);
        Ok(())
    }

    /// Whether this client may give the command of that name now; the STOPs behind which it is given.
    ///
    /// # Errors
    /// [`No::Fenced`].
    pub fn may_give(&self, client: &Client, name: &str) -> Result<Stops, No> {
        if STARTS.contains(&name) { self.may_start(client) } else { Ok(self.fence.stops()) }
    }

    /// Whether this client may start something now; the STOPs behind which it is started.
    ///
    /// # Errors
    /// [`No::Fenced`].
    pub fn may_start(&self, client: &Client) -> Result<Stops, No> {
        self.fence.pass(client).map_err(No::Fenced)
    }

    /// Gives the machine a command that starts something, asked for behind so many STOPs.
    ///
    /// # Errors
    /// [`No::Refused`]; then nothing moves.
    pub async fn start(&self, stops: Stops, command: Command) -> Result<(), No> {
        if self.fence.stops() == stops {
            self.port.command(command).await.map_err(No::Refused)?;
            if self.fence.stops() == stops {
                return Ok(());
            }
            // STOP came while the machine decided. Whichever of the two it took first, it was asked for first.
            self.port.stop();
        }
        Err(No::Refused(CommandRefusal::Stopped))
    }

    /// Gives the command of that name to the machine, if it is one that this process moves; asked for behind so many STOPs.
    /// Names that mean nothing here may mean something to another listener of the stream.
    ///
    /// # Errors
    /// [`No`].
    pub async fn obey(&self, stops: Stops, name: &str) -> Result<(), No> {
        let command = match (self.port.location(), name) {
            (_, STOP) => {
                self.raise_stop();
                return Ok(());
            }
            (MachineLocation::Remote, _) => return Ok(()),
            (MachineLocation::Local, CALIBRATE) => return self.start(stops, Command::Calibrate).await,
            (MachineLocation::Local, "end") => Command::End,
            (MachineLocation::Local, "acknowledge") => Command::Acknowledge,
            (MachineLocation::Local, "arm") => Command::Arm,
            (MachineLocation::Local, UPDATE_SETTINGS) => {
                return self.desk.apply_again().await.map_err(No::Refused);
            }
            (MachineLocation::Local, LOOP_WAVE) => return Err(No::NeedsWave),
            (MachineLocation::Local, _) => return Ok(()),
        };
        match self.port.command(command).await {
            // The app sends it whenever its button is pressed; that it is at rest is what was wanted.
            Ok(_) | Err(CommandRefusal::NothingRuns(_)) => Ok(()),
            Err(refusal) => Err(No::Refused(refusal)),
        }
    }
}
