//! The feed core: one owner under the lease, the window of the user, and the latch behind a STOP.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::admission::{self, FeedProtocol};
use super::link::{FeedLink, LinkFigures, LinkNumber, LinkOrigin};
use super::owner::{FeedLatch, FeedOwner, OwnMotion};
use super::refusal::FeedRefusal;
use super::stroke;
use crate::api::charge::client::{Client, Sign};
use crate::api::commands::CommandService;
use crate::api::port::{MachineLocation, MachinePort};
use crate::api::settings_service::{SettingsService, SettingsStore};
use crate::api::wave_service::WaveService;
use crate::auth::{Caller, Role};
use crate::machine::table::verdict;
use crate::machine::{
    Command, CommandKind, FeedItem, FeedNumber, FeedSource, FeedStart, Snapshot, State, Why,
};
use crate::motion::{FeedTarget, FeedWindow, Pace};
use crate::store::{FeedSettings, StateChange, StoreError};

/// A refusal holds for so long, so that a flood of commands asks the machine only now and then.
const REFUSED_FOR: Duration = Duration::from_millis(50);
/// The newest snapshot may be older than what the machine has just accepted, by this.
const SNAPSHOT_LAGS: Duration = Duration::from_millis(200);
/// So long the axis may take to come to rest between a stroke and a target.
const REST_TIME: Duration = Duration::from_secs(2);
/// A vibration grows from nothing to its full strength in this time; it falls at once.
const VIBRATION_GROWS_S: f64 = 2.0;
/// A stroke whose speed changes by less, as a share of the highest, stays as it is.
const EQUAL_SHARE: f64 = 0.02;

struct FeedTable {
    links: BTreeMap<LinkNumber, LinkFigures>,
    last_link: LinkNumber,
    owner: Option<FeedOwner>,
    /// The STOPs and ENDs behind which feeds may move the axis; none behind the end of a motion that a person gave.
    allowed_behind: Option<FeedLatch>,
    /// Strength of the vibration, and when it was set.
    vibration: (f64, Instant),
    /// Share of the highest speed of the stroke that runs.
    stroke: f64,
    /// The newest refusal of a begin, and until when it holds.
    refused: Option<(LinkNumber, FeedRefusal, Instant)>,
}

/// The feeds.
pub struct FeedService {
    port: Arc<dyn MachinePort>,
    commands: Arc<CommandService>,
    waves: Arc<WaveService>,
    settings: Arc<SettingsService>,
    store: Arc<dyn SettingsStore>,
    /// Whether programs on this computer need no switch.
    trusts_local: bool,
    table: Mutex<FeedTable>,
    /// Only one link begins at a time.
    begins: tokio::sync::Mutex<()>,
}

impl FeedService {
    /// No feed yet.
    #[must_use]
    pub fn new(
        port: Arc<dyn MachinePort>,
        (commands, waves): (Arc<CommandService>, Arc<WaveService>),
        settings: Arc<SettingsService>,
        store: Arc<dyn SettingsStore>,
        trusts_local: bool,
    ) -> FeedService {
        let table = FeedTable {
            links: BTreeMap::new(),
            last_link: 0,
            owner: None,
            allowed_behind: Some(FeedLatch { stops: commands.stops(), ends: commands.feed_ends() }),
            vibration: (0.0, Instant::now()),
            stroke: 0.0,
            refused: None,
        };
        let (table, begins) = (Mutex::new(table), tokio::sync::Mutex::default());
        FeedService { port, commands, waves, settings, store, trusts_local, table, begins }
    }

    /// A new link. None if no feed may come from there.
    #[must_use]
    pub fn open(self: &Arc<Self>, origin: LinkOrigin) -> Option<FeedLink> {
        let comes_in = origin.peer.is_none_or(|peer| self.admits(origin.protocol, peer.ip()));
        comes_in.then(|| self.open_for(origin))
    }

    /// A new link of somebody who was let in.
    #[must_use]
    pub fn open_for(self: &Arc<Self>, origin: LinkOrigin) -> FeedLink {
        let peer = origin.peer.map(|peer| peer.ip());
        let role = if peer.is_none_or(|peer| peer.to_canonical().is_loopback()) {
            Role::Local
        } else {
            Role::Operator
        };
        let mut table = self.lock();
        table.last_link += 1;
        let number = table.last_link;
        let place = origin.peer.map_or(String::new(), |peer| format!(" from {}", peer.ip().to_canonical()));
        let name = format!("{} over {}{place}", origin.protocol.title(), origin.transport);
        let client = Client::of_feed(number, Caller::of(role), &name);
        table.links.insert(number, LinkFigures::new(origin, client));
        drop(table);
        FeedLink::new(Arc::clone(self), number)
    }

    /// True if a feed of that computer may move the axis.
    #[must_use]
    pub fn admits(&self, protocol: FeedProtocol, peer: IpAddr) -> bool {
        admission::admits(&self.stored(), protocol, peer, self.trusts_local)
    }

    /// The same for the request of a WebSocket to which the gate gave no role: a loopback address counts for nothing then, as a proxy
    /// may stand behind it.
    #[must_use]
    pub fn admits_guest(&self, protocol: FeedProtocol, peer: IpAddr) -> bool {
        !peer.to_canonical().is_loopback() && self.admits(protocol, peer)
    }

    /// The stored settings.
    #[must_use]
    pub fn stored(&self) -> FeedSettings {
        self.store.kept().0.feeds.clone()
    }

    /// Stores other settings. A window that moves takes the axis along.
    ///
    /// # Errors
    /// They could not be written down; then nothing changes.
    pub async fn change(&self, settings: FeedSettings) -> Result<(), StoreError> {
        self.store.keep(StateChange::Feeds(settings)).await?;
        let owner = self.lock().owner;
        if let Some(FeedOwner { motion: OwnMotion::Follows(number), .. }) = owner {
            self.commands.send_to_feed(number, FeedItem::Window(self.window())).await;
        }
        Ok(())
    }

    /// The window that is asked for: that of the user, or the whole stroke.
    #[must_use]
    pub fn window(&self) -> FeedWindow {
        let stroke_mm = self.settings.current().document.max_stroke as f64;
        self.stored().window.map_or(FeedWindow { back_mm: 0.0, front_mm: stroke_mm }, |window| FeedWindow {
            back_mm: window.back_mm,
            front_mm: window.front_mm,
        })
    }

    /// The machine now.
    #[must_use]
    pub fn now(&self) -> Snapshot {
        *self.port.snapshots().borrow()
    }

    /// The links, and which of them moves the axis.
    #[must_use]
    pub fn links(&self) -> (Vec<(LinkNumber, LinkFigures)>, Option<LinkNumber>) {
        let table = self.lock();
        let links = table.links.iter().map(|(number, figures)| (*number, figures.clone())).collect();
        (links, table.owner.map(|owner| owner.link))
    }

    fn latch(&self) -> FeedLatch {
        FeedLatch { stops: self.commands.stops(), ends: self.commands.feed_ends() }
    }

    /// True behind a STOP or an END, until [`FeedService::resume`].
    #[must_use]
    pub fn is_latched(&self) -> bool {
        self.lock().allowed_behind != Some(self.latch())
    }

    /// A person who has seen the STOP with this number lets feeds move the axis again. False if another STOP came since.
    #[must_use]
    pub fn resume(&self, after_stop: u32) -> bool {
        // A motion that somebody has ended counts as ended now, and not at its client's next command.
        let owner = self.lock().owner.map(|owner| owner.link);
        if let Some(owner) = owner {
            self.look_at_motion(owner);
        }
        let ends = self.commands.feed_ends();
        let Ok(stops) = self.commands.stops_behind(after_stop) else { return false };
        let mut table = self.lock();
        table.allowed_behind = Some(FeedLatch { stops, ends });
        table.refused = None;
        for figures in table.links.values_mut() {
            figures.is_barred = false;
        }
        true
    }

    pub(super) fn hear(&self, link: LinkNumber) {
        let client = self.lock().links.get(&link).map(|figures| figures.client.clone());
        if let Some(client) = client {
            self.waves.hear(&client, Sign::Said);
        }
    }

    pub(super) fn rename(&self, link: LinkNumber, name: &str) {
        if let Some(figures) = self.lock().links.get_mut(&link) {
            figures.client.name = name.into();
        }
    }

    /// When the announced moves of that link are over, if it moves the axis.
    pub(super) fn moves_until(&self, link: LinkNumber) -> Option<Instant> {
        self.lock().owner.filter(|owner| owner.link == link).map(|owner| owner.ends)
    }

    pub(super) async fn toward(
        self: &Arc<Self>,
        link: LinkNumber,
        target: FeedTarget,
    ) -> Result<(), FeedRefusal> {
        let took = self.try_toward(link, target).await;
        self.note(link, took)
    }

    async fn try_toward(self: &Arc<Self>, link: LinkNumber, target: FeedTarget) -> Result<(), FeedRefusal> {
        let client = self.may_move(link)?;
        let number = match self.following(link) {
            Some(number) => number,
            None => self.begin(link, &client).await?,
        };
        let ends = match target.pace {
            Pace::Within { time_s } => Instant::now() + Duration::from_secs_f64(time_s.clamp(0.0, 60.0)),
            Pace::AtSpeed { .. } | Pace::Live => Instant::now(),
        };
        if let Some(owner) = self.lock().owner.as_mut().filter(|owner| owner.link == link) {
            owner.ends = owner.ends.max(ends);
        }
        self.commands.send_to_feed(number, FeedItem::Target(target)).await;
        self.waves.hear(&client, Sign::Said);
        Ok(())
    }

    pub(super) async fn vibrate(self: &Arc<Self>, link: LinkNumber, share: f64) -> Result<(), FeedRefusal> {
        let FeedSettings { vibration, vibration_speed_share, .. } = self.stored();
        if !vibration {
            return self.note(link, Err(FeedRefusal::NoVibration));
        }
        let share = self.slewed(share.clamp(0.0, 1.0));
        self.stroke(link, share * vibration_speed_share).await
    }

    /// The strength of a vibration, which apps switch on and off at the rate of a screen.
    fn slewed(&self, share: f64) -> f64 {
        let mut table = self.lock();
        let (before, since) = table.vibration;
        let share = share.min(before + since.elapsed().as_secs_f64().min(0.5) / VIBRATION_GROWS_S);
        table.vibration = (share, Instant::now());
        share
    }

    pub(super) async fn stroke(self: &Arc<Self>, link: LinkNumber, share: f64) -> Result<(), FeedRefusal> {
        let took = self.try_stroke(link, share).await;
        self.note(link, took)
    }

    async fn try_stroke(self: &Arc<Self>, link: LinkNumber, share: f64) -> Result<(), FeedRefusal> {
        let client = self.may_move(link)?;
        if share <= 0.0 {
            self.rest(link).await;
            return Ok(());
        }
        let _begins = self.begins.lock().await;
        let stops = {
            let table = self.lock();
            let strokes =
                table.owner.is_some_and(|owner| owner.link == link && owner.motion == OwnMotion::Strokes);
            if strokes && (table.stroke - share).abs() < EQUAL_SHARE {
                return Ok(());
            }
            table.allowed_behind.ok_or(FeedRefusal::Latched)?.stops
        };
        self.check_new_act(link, &client)?;
        // Its period is inside the bounds of every wave.
        let Ok(wave) = stroke::wave(self.window(), &self.now(), share) else { return Ok(()) };
        self.waves.run_for(&client, stops, Command::Run(wave)).await?;
        self.own(link, OwnMotion::Strokes);
        self.lock().stroke = share;
        Ok(())
    }

    /// Comes to rest for that link, if it moves the axis; which latches nothing.
    pub(super) async fn rest(&self, link: LinkNumber) {
        let owner = self.lock().owner.filter(|owner| owner.link == link && owner.motion != OwnMotion::Rests);
        if owner.is_none() {
            return;
        }
        self.own(link, OwnMotion::Rests);
        let client = self.lock().links.get(&link).map(|figures| figures.client.clone());
        if client.is_some_and(|client| self.is_of_another(&client)) {
            return;
        }
        // It may have ended meanwhile, and then rests.
        let _ = self.port.command(Command::Rest).await;
    }

    /// The link has ended.
    pub(super) async fn leave(&self, link: LinkNumber) {
        self.rest(link).await;
        let client = self.forget(link);
        if let Some(client) = client {
            self.waves.release(|held| *held == client, "the program that moved the axis has left").await;
        }
    }

    /// Forgets a link; its client.
    pub(super) fn forget(&self, link: LinkNumber) -> Option<Client> {
        let mut table = self.lock();
        table.owner.take_if(|owner| owner.link == link);
        table.links.remove(&link).map(|figures| figures.client)
    }

    /// Counts a command of a link, and says whether it may move the axis; its client.
    fn may_move(&self, link: LinkNumber) -> Result<Client, FeedRefusal> {
        self.look_at_motion(link);
        let latch = self.latch();
        let mut table = self.lock();
        let Some(figures) = table.links.get_mut(&link) else { return Err(FeedRefusal::Latched) };
        figures.count();
        let client = figures.client.clone();
        if table.allowed_behind != Some(latch) {
            return Err(FeedRefusal::Latched);
        }
        match &table.refused {
            Some((refused, why, until)) if *refused == link && *until > Instant::now() => Err(why.clone()),
            _ => Ok(client),
        }
    }

    /// The feed of that link, if it moves the axis now.
    fn following(&self, link: LinkNumber) -> Option<FeedNumber> {
        let owner = self.lock().owner.filter(|owner| owner.link == link)?;
        match owner.motion {
            OwnMotion::Follows(number) => Some(number),
            OwnMotion::Rests | OwnMotion::Strokes => None,
        }
    }

    /// Finds out whether the motion of that link has ended. Behind an END, which a person gave, and when another client took the
    /// lease, nothing goes on by itself.
    fn look_at_motion(&self, link: LinkNumber) {
        let now = self.now();
        let mut table = self.lock();
        let owner =
            table.owner.as_mut().filter(|owner| owner.link == link && owner.begun.elapsed() >= SNAPSHOT_LAGS);
        let Some(owner) = owner else { return };
        let goes_on = match owner.motion {
            OwnMotion::Rests => true,
            OwnMotion::Follows(number) => {
                now.state == State::Following && now.feed.is_some_and(|feed| feed.number == number)
            }
            OwnMotion::Strokes => now.state == State::Running,
        };
        if goes_on {
            return;
        }
        owner.motion = OwnMotion::Rests;
        let was_ended = matches!(now.why, Why::EndAsked | Why::PeriodComplete);
        let client = table.links.get(&link).map(|figures| figures.client.clone());
        let was_taken = client.is_some_and(|client| self.is_of_another(&client));
        if was_ended || was_taken {
            table.allowed_behind = None;
        }
    }

    /// True if what moves now, if anything does, is the motion of another client.
    fn is_of_another(&self, client: &Client) -> bool {
        let view = self.waves.view(client);
        view.holder.is_some() && !view.is_own
    }

    /// Refuses a motion of a link that was refused before and has gone on sending since, if nothing else refuses it now.
    fn check_new_act(&self, link: LinkNumber, client: &Client) -> Result<(), FeedRefusal> {
        let is_barred = self.lock().links.get(&link).is_some_and(|figures| figures.is_barred);
        let may_begin = verdict(self.now().state, CommandKind::Follow).is_offer()
            && self.waves.bar_on(CommandKind::Follow).is_none()
            && !self.waves.bars_motion()
            && self.waves.lease().check(client, self.commands.rests()).is_ok();
        if is_barred && may_begin { Err(FeedRefusal::GoesOnSending) } else { Ok(()) }
    }

    /// Begins a feed for that link.
    async fn begin(self: &Arc<Self>, link: LinkNumber, client: &Client) -> Result<FeedNumber, FeedRefusal> {
        let _begins = self.begins.lock().await;
        if let Some(number) = self.following(link) {
            return Ok(number);
        }
        if self.port.location() == MachineLocation::Remote {
            return Err(FeedRefusal::Elsewhere);
        }
        let strokes =
            self.lock().owner.is_some_and(|owner| owner.link == link && owner.motion == OwnMotion::Strokes);
        if strokes {
            self.rest(link).await;
        }
        if self.lock().owner.is_some_and(|owner| owner.link == link) {
            // Its own stop may still brake.
            let mut snapshots = self.port.snapshots();
            let rests = snapshots.wait_for(|now| now.state != State::Stopping);
            let _ = tokio::time::timeout(REST_TIME, rests).await;
        }
        self.check_new_act(link, client)?;
        let stops = self.lock().allowed_behind.ok_or(FeedRefusal::Latched)?.stops;
        let number = self.commands.next_feed();
        let start = FeedStart { number, window: self.window(), source: FeedSource::Program };
        self.waves.run_for(client, stops, Command::Follow(start)).await?;
        self.own(link, OwnMotion::Follows(number));
        // It may have been moved while the machine decided.
        let window = self.window();
        if window != start.window {
            self.commands.send_to_feed(number, FeedItem::Window(window)).await;
        }
        Ok(number)
    }

    fn own(&self, link: LinkNumber, motion: OwnMotion) {
        let begun = Instant::now();
        let mut table = self.lock();
        table.owner = Some(FeedOwner { link, motion, begun, ends: begun });
        table.refused = None;
    }

    /// Keeps what became of a command.
    fn note(&self, link: LinkNumber, took: Result<(), FeedRefusal>) -> Result<(), FeedRefusal> {
        let mut table = self.lock();
        if let Err(refusal) = &took {
            let until = Instant::now() + REFUSED_FOR;
            if table.refused.as_ref().is_none_or(|(_, _, until)| *until <= Instant::now()) {
                table.refused = Some((link, refusal.clone(), until));
            }
        }
        if let Some(figures) = table.links.get_mut(&link) {
            figures.is_barred = match &took {
                Ok(()) => false,
                Err(FeedRefusal::Latched | FeedRefusal::NoVibration) => figures.is_barred,
                Err(_) => true,
            };
            figures.refused += u64::from(took.is_err());
            figures.refusal = took.as_ref().err().cloned();
        }
        drop(table);
        took
    }

    fn lock(&self) -> MutexGuard<'_, FeedTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
