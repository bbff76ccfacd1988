//! Commands by their names, as clients give them: in a request, or in a frame on `command_all`.

use std::sync::Arc;

use super::answer::{self, Rejection};
use super::bus::Bus;
use super::client::Client;
use super::fence::{Fence, Fenced, Stops};
use super::port::{MachineLocation, MachinePort};
use super::problem::ProblemCode;
use super::settings_service::SettingsService;
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
pub enum CommandError {
    /// The machine refuses it.
    Refused(CommandRefusal),
    /// A wave was asked for without saying which.
    NeedsWave,
    /// STOP came, and its sender has not paused since.
    Fenced(Fenced),
}

impl From<CommandError> for Rejection {
    fn from(error: CommandError) -> Rejection {
        match error {
            CommandError::Refused(refusal) => answer::refused(&refusal),
            CommandError::NeedsWave => {
                answer::refuse(ProblemCode::NeedsWave, "loop_wave says no wave here: use /api/wave/run")
            }
            CommandError::Fenced(fenced) => answer::refuse(ProblemCode::Stopped, fenced.to_string()),
        }
    }
}

/// Gives commands to the machine and announces them on the bus. Each passes the [`Fence`] first.
pub struct CommandService {
    port: Arc<dyn MachinePort>,
    settings: Arc<SettingsService>,
    bus: Arc<Bus>,
    fence: Fence,
}

impl CommandService {
    /// For the machine behind `port`.
    #[must_use]
    pub fn new(port: Arc<dyn MachinePort>, settings: Arc<SettingsService>, bus: Arc<Bus>) -> CommandService {
        CommandService { port, settings, bus, fence: Fence::default() }
    }

    /// Stops, then announces it. The stop line comes first, and waits for nothing.
    pub fn stop(&self) {
        self.raise_stop();
        self.bus.announce(STOP, None);
    }

    /// Stops without an announcement. From then on the fence holds every start.
    pub fn raise_stop(&self) {
        // First, so that a start that the machine takes behind this STOP is seen to have crossed it.
        self.fence.stopped();
        self.port.stop();
    }

    /// Gives the command of that name, and announces it when it is accepted.
    ///
    /// # Errors
    /// [`CommandError`]; then nothing is announced.
    pub async fn give(&self, client: &Client, name: &str) -> Result<(), CommandError> {
        if name == STOP {
            self.stop();
            return Ok(());
        }
        let stops = self.may_give(client, name)?;
        self.execute(stops, name).await?;
        self.bus.announce(name, None);
        Ok(())
    }

    /// The number of STOPs behind which this client gives the command of that name, if it may give it now.
    ///
    /// # Errors
    /// [`CommandError::Fenced`].
    pub fn may_give(&self, client: &Client, name: &str) -> Result<Stops, CommandError> {
        if STARTS.contains(&name) { self.may_start(client) } else { Ok(self.fence.stops()) }
    }

    /// The number of STOPs behind which this client starts a motion, if it may start one now.
    ///
    /// # Errors
    /// [`CommandError::Fenced`].
    pub fn may_start(&self, client: &Client) -> Result<Stops, CommandError> {
        self.fence.pass(client).map_err(CommandError::Fenced)
    }

    /// Gives the machine a command that starts a motion and was asked for behind so many STOPs.
    ///
    /// # Errors
    /// [`CommandError::Refused`]; then nothing moves.
    pub async fn start(&self, stops: Stops, command: Command) -> Result<(), CommandError> {
        if self.fence.stops() == stops {
            self.port.command(command).await.map_err(CommandError::Refused)?;
            if self.fence.stops() == stops {
                return Ok(());
            }
            // STOP came while the machine decided. Whichever of the two it took first, this one was asked for first.
            self.port.stop();
        }
        Err(CommandError::Refused(CommandRefusal::Stopped))
    }

    /// Gives the command of that name to the machine, if this process moves it; asked for behind so many STOPs. A name that
    /// means nothing here may mean something to another listener of the stream.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn execute(&self, stops: Stops, name: &str) -> Result<(), CommandError> {
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
                return self.settings.apply_again().await.map_err(CommandError::Refused);
            }
            (MachineLocation::Local, LOOP_WAVE) => return Err(CommandError::NeedsWave),
            (MachineLocation::Local, _) => return Ok(()),
        };
        match self.port.command(command).await {
            // The app sends it whenever its button is pressed; an axis at rest is what was wanted.
            Ok(_) | Err(CommandRefusal::NothingRuns(_)) => Ok(()),
            Err(refusal) => Err(CommandError::Refused(refusal)),
        }
    }
}
