//! The motion that a pattern or a script moves the axis with: one feed of the machine's own, for the client in charge.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::api::charge::client::Client;
use crate::api::charge::lease::Presence;
use crate::api::commands::{CommandError, CommandService};
use crate::api::port::MachinePort;
use crate::api::wave_service::WaveService;
use crate::machine::{Command, FeedItem, FeedNumber, FeedReport, FeedSource, FeedStart, Snapshot, State};
use crate::motion::FeedWindow;
use crate::units::Nanos;

/// The newest snapshot may be older than what the machine has just accepted, by this.
const SNAPSHOT_LAGS: Duration = Duration::from_millis(200);

/// What a start says besides what is to be played.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlaybackStart {
    /// How the client shows that it is there.
    pub presence: Option<Presence>,
    /// The number of the newest STOP that the client has seen.
    pub after_stop: Option<u32>,
}

/// What the machine plays itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaybackKind {
    /// A pattern.
    Pattern,
    /// A script.
    Script,
}

/// What one motion was begun with.
#[derive(Debug, Clone, Copy)]
struct BegunMotion {
    number: FeedNumber,
    kind: PlaybackKind,
    at: Instant,
}

/// Begins such motions, and knows whether the newest one goes on.
pub struct PlaybackMotion {
    port: Arc<dyn MachinePort>,
    commands: Arc<CommandService>,
    waves: Arc<WaveService>,
    newest: Mutex<Option<BegunMotion>>,
    /// What was asked for last, accepted or not: the machine follows it before its answer is here.
    asked: Mutex<Option<(FeedNumber, PlaybackKind)>>,
}

impl PlaybackMotion {
    /// Nothing was begun yet.
    #[must_use]
    pub fn new(
        port: Arc<dyn MachinePort>,
        commands: Arc<CommandService>,
        waves: Arc<WaveService>,
    ) -> PlaybackMotion {
        PlaybackMotion { port, commands, waves, newest: Mutex::default(), asked: Mutex::default() }
    }

    /// Begins a motion in that window, of which nothing is sent yet. What the client moves already comes to rest first.
    ///
    /// # Errors
    /// [`CommandError`]; then nothing moves.
    pub async fn begin(
        &self,
        client: &Client,
        kind: PlaybackKind,
        window: FeedWindow,
        start: PlaybackStart,
    ) -> Result<FeedNumber, CommandError> {
        let number = self.commands.next_feed();
        *lock(&self.asked) = Some((number, kind));
        let PlaybackStart { presence, after_stop } = start;
        let feed = FeedStart { number, window, source: FeedSource::Playback };
        self.waves.follow(client, presence, after_stop, feed).await?;
        let at = Instant::now();
        *lock(&self.newest) = Some(BegunMotion { number, kind, at });
        Ok(number)
    }

    /// Lets the client go over to something else in the motion that goes on, as if it began one.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn carry_on(&self, client: &Client, start: PlaybackStart) -> Result<(), CommandError> {
        self.waves.carry_on(client, start.presence, start.after_stop).await
    }

    /// Lets the client change the motion that goes on.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn may_change(&self, client: &Client, after_stop: Option<u32>) -> Result<(), CommandError> {
        self.commands.may_start(client, after_stop).map(drop)
    }

    /// True while the motion with that number goes on, at rest or not.
    #[must_use]
    pub fn goes_on(&self, number: FeedNumber) -> bool {
        let newest = *lock(&self.newest);
        let Some(begun) = newest.filter(|begun| begun.number == number) else { return false };
        self.report(number).is_some() || begun.at.elapsed() < SNAPSHOT_LAGS
    }

    /// What the machine reports of the motion with that number, while it goes on.
    #[must_use]
    pub fn report(&self, number: FeedNumber) -> Option<FeedReport> {
        let now = self.now();
        now.feed.filter(|feed| feed.number == number && now.state == State::Following)
    }

    /// What the machine plays by that snapshot; none while it plays nothing.
    #[must_use]
    pub fn plays(&self, now: &Snapshot) -> Option<PlaybackKind> {
        let feed = now.feed.filter(|_| now.state == State::Following)?;
        let newest = lock(&self.newest).map(|begun| (begun.number, begun.kind));
        let known = [newest, *lock(&self.asked)];
        known.into_iter().flatten().find(|(number, _)| *number == feed.number).map(|(_, kind)| kind)
    }

    /// Comes gently to rest, if the motion with that number goes on. It latches nothing.
    pub async fn rest(&self, number: FeedNumber) {
        if self.goes_on(number) {
            // It may have ended meanwhile, and then rests.
            let _ = self.port.command(Command::Rest).await;
        }
    }

    /// Time on the machine's clock.
    #[must_use]
    pub fn clock_ns(&self) -> Nanos {
        self.port.clock_ns()
    }

    /// Sends an item to the motion with that number.
    pub async fn send(&self, number: FeedNumber, item: FeedItem) {
        self.commands.send_to_feed(number, item).await;
    }

    /// Length of the stroke now, in mm; 0 before homing.
    #[must_use]
    pub fn stroke_mm(&self) -> f64 {
        let now = self.now();
        now.range_mm.map_or(0.0, |range_mm| range_mm.min(now.in_force.stroke_mm))
    }

    /// The machine now.
    #[must_use]
    pub fn now(&self) -> Snapshot {
        *self.port.snapshots().borrow()
    }
}

/// Locks what requests share; a panic of another one leaves nothing half done.
pub(super) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
