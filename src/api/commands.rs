//! Commands by their names, as clients give them: in a request, or in a frame on `command_all`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::access::devices::Devices;
use super::answer::{self, Rejection};
use super::bus::Bus;
use super::charge::axis_lock::AxisLock;
use super::charge::client::Client;
use super::charge::fence::{Fence, Fenced, Stops};
use super::charge::lease::{Lease, NotInCharge};
use super::commissioning::CommissioningService;
use super::port::{MachineLocation, MachinePort};
use super::problem::ProblemCode;
use super::settings_service::SettingsService;
use crate::machine::{Accepted, Command, CommandKind, CommandRefusal, FeedItem, FeedMessage, FeedNumber};

/// The name of the command that stops.
pub const STOP: &str = "stop";
/// The name under which a wave is announced.
pub const LOOP_WAVE: &str = "loop_wave";
/// The name of the command that finds both ends of the rail.
const CALIBRATE: &str = "calibrate";
/// The commands that make an axis move that rests, here or at a yep-machine.
const STARTS: [&str; 2] = [CALIBRATE, LOOP_WAVE];
/// The name of the command that unlocks the axis behind a fault.
const ARM: &str = "arm";
/// The commands that change what the axis may do next, and move nothing.
const NEED_CHARGE: [&str; 2] = ["acknowledge", ARM];
/// How often, and how many times, what finds the ring of the machine full is sent again.
const SENT_AGAIN: Duration = Duration::from_millis(1);
const SENT_TRIES: u32 = 50;
/// Why nothing moves while an update is taken.
pub const UPDATING: &str = "an update is being taken, and the axis stays locked until it ends";
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
    /// The first run has not proven the wiring yet.
    NotCommissioned,
    /// An update is being taken.
    Updating,
    /// Another client is in charge.
    NotInCharge(NotInCharge),
    /// The device of the client was taken off the list since the gate let it in, or has another role.
    Revoked,
}

impl From<NotInCharge> for CommandError {
    fn from(other: NotInCharge) -> CommandError {
        CommandError::NotInCharge(other)
    }
}

impl From<CommandError> for Rejection {
    fn from(error: CommandError) -> Rejection {
        match error {
            CommandError::Refused(refusal) => answer::refused(&refusal),
            CommandError::NeedsWave => {
                answer::refuse(ProblemCode::NeedsWave, "loop_wave says no wave here: use /api/wave/run")
            }
            CommandError::Fenced(fenced) => answer::refuse(ProblemCode::Stopped, fenced.to_string()),
            CommandError::NotCommissioned => answer::refuse(
                ProblemCode::NotCommissioned,
                "the first run has not proven yet how this machine is wired: only calibration and the nudge move it",
            ),
            CommandError::Updating => answer::refuse(ProblemCode::Updating, UPDATING),
            CommandError::Revoked => answer::refuse(
                ProblemCode::BadToken,
                "this device was taken off the list, or has another role",
            ),
            CommandError::NotInCharge(NotInCharge { holder }) => {
                answer::refuse(ProblemCode::NotInCharge, format!("{holder} is in charge of the machine"))
            }
        }
    }
}

/// Gives commands to the machine and announces them on the bus. Each passes the [`Lease`] and the [`Fence`] first.
pub struct CommandService {
    port: Arc<dyn MachinePort>,
    settings: Arc<SettingsService>,
    commissioning: Arc<CommissioningService>,
    bus: Arc<Bus>,
    lease: Arc<Lease>,
    devices: Arc<Devices>,
    fence: Fence,
    /// Held while an update is taken.
    axis_lock: AxisLock,
    /// How often END has ended the motion of a feed.
    feed_ends: AtomicU64,
    /// The number of the newest feed.
    last_feed: AtomicU32,
}

impl CommandService {
    /// For the machine behind `port`.
    #[must_use]
    pub fn new(
        port: Arc<dyn MachinePort>,
        (settings, commissioning): (Arc<SettingsService>, Arc<CommissioningService>),
        bus: Arc<Bus>,
        lease: Arc<Lease>,
        devices: Arc<Devices>,
    ) -> CommandService {
        CommandService {
            port,
            settings,
            commissioning,
            bus,
            lease,
            devices,
            fence: Fence::default(),
            axis_lock: AxisLock::default(),
            feed_ends: AtomicU64::new(0),
            last_feed: AtomicU32::new(0),
        }
    }

    /// Stops, then announces it. The stop line comes first, and waits for nothing.
    pub fn stop(&self) {
        self.stop_for(None);
    }

    /// The same for a client that is known.
    pub fn stop_for(&self, client: Option<&Client>) {
        self.raise_stop();
        self.fence.stopped_by(client.cloned());
        self.bus.announce(STOP, None);
    }

    /// The last STOP came from that client, which is known only now.
    pub fn stopped_by(&self, client: Option<Client>) {
        self.fence.stopped_by(client);
    }

    /// Stops without an announcement. From then on the fence holds every start.
    pub fn raise_stop(&self) {
        // First, so that a start that the machine takes behind this STOP is seen to have crossed it.
        self.fence.stopped();
        self.port.stop();
        self.lease.stopped();
        // Whoever gave the one before is not who gave this one.
        self.fence.stopped_by(None);
    }

    /// Gives the command of that name, and announces it when it is accepted.
    ///
    /// # Errors
    /// [`CommandError`]; then nothing is announced.
    pub async fn give(&self, client: &Client, name: &str) -> Result<Accepted, CommandError> {
        if name == STOP {
            self.stop_for(Some(client));
            return Ok(Accepted::Now);
        }
        self.give_behind(client, name, None).await
    }

    /// The same for a command that is no STOP, of a client that has seen the STOP with this number.
    ///
    /// # Errors
    /// [`CommandError`]; then nothing is announced.
    pub async fn give_behind(
        &self,
        client: &Client,
        name: &str,
        after_stop: Option<u32>,
    ) -> Result<Accepted, CommandError> {
        let stops = self.may_give(client, name, after_stop)?;
        let accepted = self.execute(client, stops, name).await?;
        self.bus.announce(name, None);
        Ok(accepted)
    }

    /// The number of STOPs behind which this client gives the command of that name, if it may give it now.
    ///
    /// # Errors
    /// [`CommandError::NotInCharge`], [`CommandError::Fenced`], [`CommandRefusal::Stopped`].
    pub fn may_give(
        &self,
        client: &Client,
        name: &str,
        after_stop: Option<u32>,
    ) -> Result<Stops, CommandError> {
        if STARTS.contains(&name) {
            return self.may_start(client, after_stop);
        }
        if NEED_CHARGE.contains(&name) {
            // An act that is refused takes no lease.
            if name == ARM {
                self.check_unlocked()?;
            }
            self.lease.act(client, self.rests())?;
        }
        Ok(self.fence.stops())
    }

    /// The number of STOPs behind which this client starts a motion, if it may start one now. `after_stop` is the number of the
    /// newest STOP that it has seen, if it says so.
    ///
    /// # Errors
    /// [`CommandError::NotInCharge`], [`CommandError::Fenced`], [`CommandRefusal::Stopped`].
    pub fn may_start(&self, client: &Client, after_stop: Option<u32>) -> Result<Stops, CommandError> {
        // The body of a request may come long after the gate, and a start may wait for another one.
        if !self.devices.knows(client) {
            return Err(CommandError::Revoked);
        }
        self.check_unlocked()?;
        let rests = self.rests();
        // A start that the fence holds is no act: who only goes on sending does not stay in charge by it.
        if let Err(other) = self.lease.check(client, rests) {
            if after_stop.is_none() {
                self.fence.tried(client);
            }
            return Err(other.into());
        }
        let stops = match after_stop {
            None => self.fence.pass(client).map_err(CommandError::Fenced)?,
            Some(seen) => self.stops_behind(seen)?,
        };
        self.lease.act(client, rests)?;
        Ok(stops)
    }

    /// The number of STOPs until now, for somebody who has seen the STOP with that number and no other one since.
    ///
    /// # Errors
    /// [`CommandError::Fenced`], [`CommandRefusal::Stopped`].
    pub fn stops_behind(&self, seen: u32) -> Result<Stops, CommandError> {
        if seen != self.port.snapshots().borrow().stops {
            return Err(CommandError::Refused(CommandRefusal::Stopped));
        }
        // The newest snapshot may be older than the newest STOP.
        self.fence.pass_seen().map_err(CommandError::Fenced)
    }

    /// The number of the next feed: no two motions have the same one, so that what was sent to an earlier one is dropped.
    #[must_use]
    pub fn next_feed(&self) -> FeedNumber {
        self.last_feed.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// Sends an item to the feed with that number. Each cycle of the machine empties the ring; what waits for that is the newest of a
    /// flood, and counts.
    pub async fn send_to_feed(&self, number: FeedNumber, item: FeedItem) {
        for _ in 0..SENT_TRIES {
            if self.port.send_to_feed(FeedMessage { number, item }) {
                return;
            }
            tokio::time::sleep(SENT_AGAIN).await;
        }
    }

    /// How often END has ended the motion of a feed until now.
    #[must_use]
    pub fn feed_ends(&self) -> u64 {
        self.feed_ends.load(Ordering::SeqCst)
    }

    /// The number of STOPs until now.
    #[must_use]
    pub fn stops(&self) -> Stops {
        self.fence.stops()
    }

    /// Checks that nobody else is in charge of an axis that moves: for changes that act on it without moving it.
    ///
    /// # Errors
    /// [`CommandError::NotInCharge`].
    pub fn may_change(&self, client: &Client) -> Result<(), CommandError> {
        if self.rests() { Ok(()) } else { Ok(self.lease.check(client, false)?) }
    }

    /// Whether the axis rests. A machine elsewhere says nothing of it; its clients are taken at their word.
    #[must_use]
    pub fn rests(&self) -> bool {
        self.port.snapshots().borrow().is_at_rest()
    }

    /// True if nothing but homing and the nudge may move the machine, as its first run is not complete.
    #[must_use]
    pub fn bars_motion(&self) -> bool {
        self.commissioning.bars_motion()
    }

    /// The lock of the axis.
    #[must_use]
    pub fn axis_lock(&self) -> &AxisLock {
        &self.axis_lock
    }

    fn check_unlocked(&self) -> Result<(), CommandError> {
        if self.axis_lock.is_held() { Err(CommandError::Updating) } else { Ok(()) }
    }

    /// Why no command of that kind is taken from anybody now, whatever the machine would say of it.
    #[must_use]
    pub fn bar_on(&self, kind: CommandKind) -> Option<ProblemCode> {
        use CommandKind::{Arm, Calibrate, Follow, Nudge, Run};
        if self.axis_lock.is_held() && matches!(kind, Arm | Calibrate | Follow | Nudge | Run) {
            return Some(ProblemCode::Updating);
        }
        (kind == Run && self.bars_motion()).then_some(ProblemCode::NotCommissioned)
    }

    /// Gives the machine a command that starts a motion and was asked for behind so many STOPs.
    ///
    /// # Errors
    /// [`CommandError::Refused`], [`CommandError::NotCommissioned`]; then nothing moves.
    pub async fn start(&self, stops: Stops, command: Command) -> Result<Accepted, CommandError> {
        if matches!(command, Command::Run(_) | Command::Follow(_)) && self.bars_motion() {
            return Err(CommandError::NotCommissioned);
        }
        self.start_unproven(stops, command).await
    }

    /// The same for a motion that is itself part of the first run.
    ///
    /// # Errors
    /// [`CommandError::Refused`]; then nothing moves.
    pub async fn start_unproven(&self, stops: Stops, command: Command) -> Result<Accepted, CommandError> {
        self.check_unlocked()?;
        if self.fence.stops() == stops {
            let accepted = self.port.command(command).await.map_err(CommandError::Refused)?;
            let unlocked = self.check_unlocked();
            if self.fence.stops() == stops && unlocked.is_ok() {
                return Ok(accepted);
            }
            // STOP, or the lock of the axis, came while the machine decided. Whichever of the two it took first, this one was asked
            // for first.
            self.port.stop();
            unlocked?;
        }
        Err(CommandError::Refused(CommandRefusal::Stopped))
    }

    /// Calibrates for a client that was let through behind so many STOPs.
    async fn calibrate(&self, client: &Client, stops: Stops) -> Result<Accepted, CommandError> {
        let _turn = self.lease.turn().await;
        // Whoever had the turn before may have taken the lease from this client.
        if !self.devices.knows(client) {
            return Err(CommandError::Revoked);
        }
        self.lease.check(client, self.rests())?;
        self.start(stops, Command::Calibrate).await
    }

    /// Gives the command of that name to the machine, if this process moves it; asked for behind so many STOPs. A name that
    /// means nothing here may mean something to another listener of the stream.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn execute(&self, client: &Client, stops: Stops, name: &str) -> Result<Accepted, CommandError> {
        let command = match (self.port.location(), name) {
            (_, STOP) => {
                self.raise_stop();
                return Ok(Accepted::Now);
            }
            (MachineLocation::Remote, _) => return Ok(Accepted::Now),
            (MachineLocation::Local, CALIBRATE) => return self.calibrate(client, stops).await,
            (MachineLocation::Local, "end") => Command::End,
            (MachineLocation::Local, "acknowledge") => Command::Acknowledge,
            (MachineLocation::Local, ARM) => {
                self.check_unlocked()?;
                Command::Arm
            }
            (MachineLocation::Local, UPDATE_SETTINGS) => {
                let applied = self.settings.apply_again().await;
                return applied.map(|()| Accepted::Now).map_err(CommandError::Refused);
            }
            (MachineLocation::Local, LOOP_WAVE) => return Err(CommandError::NeedsWave),
            (MachineLocation::Local, _) => return Ok(Accepted::Now),
        };
        let ends_feed = command == Command::End && self.lease.is_held_by_feed();
        match self.port.command(command).await {
            Ok(Accepted::Now) if ends_feed => {
                self.feed_ends.fetch_add(1, Ordering::SeqCst);
                Ok(Accepted::Now)
            }
            // The app sends it whenever its button is pressed; an axis at rest is what was wanted.
            Ok(accepted) => Ok(accepted),
            Err(CommandRefusal::NothingRuns(_)) => Ok(Accepted::Already),
            Err(refusal) => Err(CommandError::Refused(refusal)),
        }
    }
}
