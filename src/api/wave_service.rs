//! Waves on behalf of clients: starts a wave, watches the [`Lease`] of its client, and ends the wave of a client that is gone.
//! The lease changes hands here too, as the axis comes to rest first.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::bus::{Bus, STATUS};
use super::charge::client::{Client, Sign};
use super::charge::fence::Stops;
use super::charge::lease::{Asked, Lease, LeaseNumber, LeaseState, LeaseView, Presence};
use super::commands::{CommandError, CommandService};
use super::documents::wave::WaveInForce;
use super::port::{MachineLocation, MachinePort};
use super::problem::ProblemCode;
use crate::machine::{Accepted, Command, CommandKind, FeedStart, Snapshot, State};
use crate::wave::Wave;

/// So long an axis may take to come to rest before STOP ends what it does.
const REST_TIME: Duration = Duration::from_secs(5);

/// Starts waves, and watches the lease on the one that runs.
pub struct WaveService {
    port: Arc<dyn MachinePort>,
    bus: Arc<Bus>,
    commands: Arc<CommandService>,
    lease: Arc<Lease>,
    /// The presence of the client of a wave that asks for none.
    presence: Presence,
    /// True while the clients are warned that the one of the wave is gone.
    warned: AtomicBool,
    /// The wave that the machine accepted last.
    accepted: Mutex<Option<WaveInForce>>,
}

/// A wave that a client asks for.
pub struct AskedWave {
    /// The wave; none for a yep-machine elsewhere, which moves by what is announced.
    pub wave: Option<Wave>,
    /// The presence that the client asked for; without one that of the configuration holds.
    pub presence: Option<Presence>,
    /// The number of the newest STOP that the client has seen, if it says so.
    pub after_stop: Option<u32>,
    /// What it asked for.
    pub description: WaveInForce,
    /// True for the slow wave of the first run, which moves a machine that is not proven yet.
    pub is_proof: bool,
}

impl WaveService {
    /// A service without a wave.
    #[must_use]
    pub fn new(
        port: Arc<dyn MachinePort>,
        bus: Arc<Bus>,
        commands: Arc<CommandService>,
        lease: Arc<Lease>,
        presence: Presence,
    ) -> WaveService {
        WaveService {
            port,
            bus,
            commands,
            lease,
            presence,
            warned: AtomicBool::new(false),
            accepted: Mutex::default(),
        }
    }

    /// Something that was heard of that client.
    pub fn hear(&self, client: &Client, sign: Sign) {
        self.lease.renew(client, sign);
    }

    /// The lease.
    #[must_use]
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// The lease as that client sees it.
    #[must_use]
    pub fn view(&self, client: &Client) -> LeaseView {
        self.lease.view(client, self.commands.rests())
    }

    /// Runs the wave for this client, which holds the lease from then on. Without a wave the client only takes the lease.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn run(self: &Arc<Self>, client: &Client, asked: AskedWave) -> Result<Accepted, CommandError> {
        let _turn = self.lease.turn().await;
        // A start that nobody may make takes no lease.
        if asked.wave.is_some() && !asked.is_proof && self.bars_motion() {
            return Err(CommandError::NotCommissioned);
        }
        let stops = self.commands.may_start(client, asked.after_stop)?;
        if asked.wave.is_some() {
            self.rest_from(&[State::Following]).await;
        }
        let accepted = match asked.wave {
            Some(wave) if asked.is_proof => self.commands.start_unproven(stops, Command::Run(wave)).await?,
            Some(wave) => self.commands.start(stops, Command::Run(wave)).await?,
            None => Accepted::Now,
        };
        *self.accepted.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked.description);
        let number = self.lease.begin(client, asked.presence.unwrap_or(self.presence));
        // A client is there again.
        self.end_client_warning();
        // The state of a machine elsewhere is not known, so it cannot be held.
        if self.port.location() == MachineLocation::Local {
            tokio::spawn(Arc::clone(self).watch(number));
        }
        Ok(accepted)
    }

    /// Begins a motion that follows targets which are made here, of a pattern or a script. What this client moves already comes to
    /// rest first.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn follow(
        self: &Arc<Self>,
        client: &Client,
        presence: Option<Presence>,
        after_stop: Option<u32>,
        start: FeedStart,
    ) -> Result<Accepted, CommandError> {
        let _turn = self.lease.turn().await;
        if self.bars_motion() {
            return Err(CommandError::NotCommissioned);
        }
        let stops = self.commands.may_start(client, after_stop)?;
        self.rest_from(&[State::Running, State::Following, State::Ending]).await;
        let accepted = self.commands.start(stops, Command::Follow(start)).await?;
        let number = self.lease.begin(client, presence.unwrap_or(self.presence));
        self.end_client_warning();
        tokio::spawn(Arc::clone(self).watch(number));
        Ok(accepted)
    }

    /// The client goes on with another pattern or script in the motion that it has begun, and shows from now on in that way that it is
    /// there.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn carry_on(
        self: &Arc<Self>,
        client: &Client,
        presence: Option<Presence>,
        after_stop: Option<u32>,
    ) -> Result<(), CommandError> {
        let _turn = self.lease.turn().await;
        self.commands.may_start(client, after_stop)?;
        let number = self.lease.begin(client, presence.unwrap_or(self.presence));
        self.end_client_warning();
        tokio::spawn(Arc::clone(self).watch(number));
        Ok(())
    }

    /// Brings a motion in one of these states to rest, for the next one of the same client, and waits for that. A motion that does not
    /// come to rest refuses the next one itself.
    async fn rest_from(&self, states: &[State]) {
        let state = self.port.snapshots().borrow().state;
        if self.port.location() == MachineLocation::Local && states.contains(&state) {
            // It may have ended meanwhile, and then rests.
            let _ = self.port.command(Command::Rest).await;
            self.rests_in_time().await;
        }
    }

    /// Starts a motion that goes on only while this client says each 100 ms that a finger is held down
    /// ([`Presence::Hold`]).
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn run_held(
        self: &Arc<Self>,
        client: &Client,
        after_stop: Option<u32>,
        command: Command,
    ) -> Result<Accepted, CommandError> {
        let _turn = self.lease.turn().await;
        let stops = self.commands.may_start(client, after_stop)?;
        let accepted = self.commands.start(stops, command).await?;
        let number = self.lease.begin(client, Presence::Hold);
        tokio::spawn(Arc::clone(self).watch(number));
        Ok(accepted)
    }

    /// Starts a motion for the client of a feed, whose connection is its sign of life. Feeds have a latch of their own in place of
    /// the fence: `stops` is the number of STOPs behind which they may move the axis.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn run_for(
        self: &Arc<Self>,
        client: &Client,
        stops: Stops,
        command: Command,
    ) -> Result<Accepted, CommandError> {
        let _turn = self.lease.turn().await;
        self.lease.check(client, self.commands.rests())?;
        let accepted = self.commands.start(stops, command).await?;
        let number = self.lease.begin(client, Presence::Watch);
        self.end_client_warning();
        tokio::spawn(Arc::clone(self).watch(number));
        Ok(accepted)
    }

    /// True if nothing but homing and the nudge may move the machine, as its first run is not complete.
    #[must_use]
    pub fn bars_motion(&self) -> bool {
        self.commands.bars_motion()
    }

    /// Why no command of that kind is taken from anybody now.
    #[must_use]
    pub fn bar_on(&self, kind: CommandKind) -> Option<ProblemCode> {
        self.commands.bar_on(kind)
    }

    /// The wave that the machine accepted last.
    #[must_use]
    pub fn running(&self) -> Option<WaveInForce> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the warning about a client that is gone back, if there was one: its wave has ended, or belongs to another client.
    pub fn end_client_warning(&self) {
        if self.warned.swap(false, Ordering::SeqCst) {
            self.bus.publish(STATUS, &[("device", "client"), ("type", "waiting")]);
        }
    }

    /// Warns of a client that is gone, until its wave is over.
    fn warn_of_client(&self, why: &str) {
        tracing::warn!("{why}");
        self.warned.store(true, Ordering::SeqCst);
        self.bus.publish(STATUS, &[("device", "client"), ("type", "warning"), ("why", why)]);
        // The axis may have come to rest meanwhile, and then nothing else takes the warning back.
        if !self.moves() {
            self.end_client_warning();
        }
    }

    fn moves(&self) -> bool {
        !self.commands.rests()
    }

    /// Asks for the lease on behalf of a client, and waits for what becomes of it: true if the client has it.
    pub async fn ask(self: &Arc<Self>, client: &Client) -> bool {
        let asked = {
            // Behind whoever brings the axis to rest: a lease that is free by then is taken with no motion. From a holder who is gone
            // it is taken in the same turn, as the next who asks asks the new holder, who is there.
            let turn = self.lease.turn().await;
            let asked = self.lease.ask(client, self.commands.rests());
            if asked == Asked::AfterRest {
                self.take(client, &turn).await;
            }
            asked
        };
        let until = match asked {
            Asked::Granted | Asked::AfterRest => return true,
            Asked::Waits(until) => until,
        };
        let mut changes = self.lease.changes();
        loop {
            let view = self.view(client);
            if view.is_own {
                // By an act, perhaps, which takes it for the motion only; but it was asked for in so many words.
                return self.lease.ask(client, self.commands.rests()) == Asked::Granted;
            }
            if view.asker.is_none() {
                return false;
            }
            // A holder that goes is not waited for until the end.
            let gone = self.lease.holder_until().unwrap_or(until);
            if Instant::now() >= gone {
                break;
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep_until(gone.min(until)) => {}
            }
            if Instant::now() >= until {
                break;
            }
        }
        let turn = self.lease.turn().await;
        if self.lease.time_is_up(client) {
            self.take(client, &turn).await;
        }
        drop(turn);
        self.view(client).is_own
    }

    /// The holder hands the lease over to the client that asks for it. The axis may go on: it was asked for; but what a finger holds
    /// comes to rest first, as the finger is not handed over. False if nobody asks.
    pub async fn hand_over(self: &Arc<Self>, holder: &Client) -> bool {
        let _turn = self.lease.turn().await;
        match self.lease.asked_for(holder) {
            None => return false,
            Some(Presence::Hold) => self.bring_to_rest("a finger cannot be handed over").await,
            Some(Presence::Watch | Presence::GoOn) => {}
        }
        let Some(number) = self.lease.hand_over(holder) else { return false };
        if self.port.location() == MachineLocation::Local {
            tokio::spawn(Arc::clone(self).watch(number));
        }
        true
    }

    /// Gives the lease to that client, whoever holds it. What moves comes to rest first: nobody inherits a motion.
    pub async fn take_over(&self, client: &Client) {
        let turn = self.lease.turn().await;
        self.take(client, &turn).await;
    }

    async fn take(&self, client: &Client, _turn: &tokio::sync::MutexGuard<'_, ()>) {
        self.bring_to_rest("the lease changes hands: the axis comes to rest first").await;
        self.lease.replace(client);
    }

    /// Takes the lease from the clients of which `is_gone` is true. If one of them held it, what moves comes to rest.
    pub async fn release(&self, is_gone: impl Fn(&Client) -> bool + Send, why: &str) {
        let _turn = self.lease.turn().await;
        if self.lease.release(is_gone) {
            self.bring_to_rest(why).await;
        }
    }

    /// Ends what moves by its ramp, and waits until it rests; then STOP, if it does not.
    async fn bring_to_rest(&self, why: &str) {
        if !self.moves() {
            return;
        }
        tracing::info!("{why}");
        let state = self.port.snapshots().borrow().state;
        match state {
            // It brakes already.
            State::Faulted => {}
            // It would go on to the ends of the rail.
            State::Homing => self.commands.stop(),
            _ => {
                if let Err(refusal) = self.port.command(Command::ClientGone).await {
                    tracing::warn!(%refusal, "the machine does not end what moves: STOP");
                    self.commands.stop();
                }
            }
        }
        if !self.rests_in_time().await {
            self.commands.stop();
            self.rests_in_time().await;
        }
    }

    /// Waits until the axis rests, for so long; whether it does.
    async fn rests_in_time(&self) -> bool {
        let mut snapshots = self.port.snapshots();
        let rests = snapshots.wait_for(Snapshot::is_at_rest);
        tokio::time::timeout(REST_TIME, rests).await.is_ok()
    }

    /// Waits until the lease with that number has expired or is over.
    async fn watch(self: Arc<Self>, number: LeaseNumber) {
        let (_turn, presence) = loop {
            match self.lease.state(number) {
                LeaseState::Replaced => return,
                LeaseState::Until(instant) => tokio::time::sleep_until(instant).await,
                LeaseState::Expired(_) => {
                    let turn = self.lease.turn().await;
                    // Another client may have had the turn meanwhile.
                    if let LeaseState::Expired(presence) = self.lease.state(number) {
                        break (turn, presence);
                    }
                }
            }
            if !self.moves() {
                return;
            }
        };
        if !self.moves() {
            return;
        }
        match presence {
            Presence::Hold | Presence::Watch => {
                // To let go is how a nudge ends.
                if self.port.snapshots().borrow().state != State::Nudging {
                    self.warn_of_client("the client that started the wave is gone: the axis comes to rest");
                }
                if let Err(refusal) = self.port.command(Command::ClientGone).await {
                    // For whatever reason it refuses, it must not go on.
                    tracing::warn!(%refusal, "the wave's client is gone, and the machine does not take it: STOP");
                    self.commands.stop();
                }
            }
            Presence::GoOn => self.warn_of_client(
                "the client that started the wave is gone: it goes on until END or STOP, as was asked for",
            ),
        }
    }
}
