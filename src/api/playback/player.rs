//! The player of scripts: what it plays for the client in charge, and in step with what.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use super::motion::{PlaybackKind, PlaybackMotion, PlaybackStart};
use super::playing::Playing;
use super::script_clock::RepeatedPart;
use super::shelf::ScriptShelf;
use crate::api::answer::{self, Rejection};
use crate::api::charge::client::Client;
use crate::api::documents::player::PlayerPhase;
use crate::api::feeds::service::FeedService;
use crate::api::problem::ProblemCode;
use crate::api::settings_service::SettingsStore;
use crate::machine::{FeedItem, FeedNumber};
use crate::players::{
    AddressError, MediaClock, MediaReport, MediaUpdate, PlayerKind, PlayerSource, PlayerStatus,
};
use crate::scripts::Script;
use crate::store::StateChange;
use crate::store::player::{PlayerSettings, SourceKind, StoredSource};
use crate::units::Nanos;

/// The shortest part that is repeated, in s.
const SHORTEST_PART_S: f64 = 0.5;

/// How a script is played; what is not given stays, or is as always.
#[derive(Debug, Clone, Default)]
pub struct PlayOptions {
    /// A position in the script, in s.
    pub position_s: Option<f64>,
    /// The instant of the machine's clock at which that position is or was played.
    pub at_ns: Option<Nanos>,
    /// Seconds of the script for each second.
    pub rate: Option<f64>,
    /// The axis is so much later, in s.
    pub offset_s: Option<f64>,
    /// True if back and front are exchanged.
    pub inverted: Option<bool>,
    /// True if the playlist begins anew behind its end.
    pub repeat: Option<bool>,
    /// A part to repeat; `Some(None)` for none.
    pub part: Option<Option<RepeatedPart>>,
    /// True to come to rest, false to go on.
    pub paused: Option<bool>,
}

/// What is to be played.
#[derive(Debug, Clone)]
pub enum PlayChoice {
    /// These scripts, one after the other.
    List(Vec<String>),
    /// The script of what the video player plays.
    Source,
}

/// The player, for whoever shows it.
#[derive(Debug, Clone, Default)]
pub struct PlayerState {
    /// What it does.
    pub phase: PlayerPhase,
    /// Why it does nothing.
    pub why: Option<String>,
    /// The script that is played, or was.
    pub playing: Option<Playing>,
    /// The scripts that follow.
    pub playlist: Vec<String>,
    /// True if it is in step with the video player.
    pub follows_source: bool,
    /// What is known of the video player.
    pub source: PlayerStatus,
    /// Grows with each play, so that what was begun for the one before does not replace the next one.
    pub(super) plays: u64,
    /// True if a person holds a script that would play by itself.
    pub(super) is_held: bool,
    pub(super) list: Vec<String>,
    pub(super) repeats: bool,
    pub(super) motion: Option<FeedNumber>,
    /// The clock of a client that the script is in step with.
    pub(super) clock: Option<MediaClock>,
    /// That of the video player.
    pub(super) source_clock: Option<MediaClock>,
    /// What the video player plays, and what the script was chosen for.
    pub(super) wanted: Option<String>,
    pub(super) chosen: Option<String>,
}

/// Plays scripts.
pub struct PlayerService {
    pub(super) motion: Arc<PlaybackMotion>,
    feeds: Arc<FeedService>,
    store: Arc<dyn SettingsStore>,
    pub(super) shelf: ScriptShelf,
    state: Mutex<PlayerState>,
    turn: tokio::sync::Mutex<()>,
    pub(super) wake: Arc<Notify>,
    sources: watch::Sender<Option<PlayerSource>>,
}

impl PlayerService {
    /// Nothing is played yet.
    #[must_use]
    pub fn new(
        motion: Arc<PlaybackMotion>,
        feeds: Arc<FeedService>,
        store: Arc<dyn SettingsStore>,
        shelf: ScriptShelf,
    ) -> PlayerService {
        let source = store.kept().0.player.source.as_ref().and_then(|stored| source(stored).ok());
        PlayerService {
            motion,
            feeds,
            store,
            shelf,
            state: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            wake: Arc::default(),
            sources: watch::Sender::new(source),
        }
    }

    /// The scripts that are kept.
    #[must_use]
    pub fn shelf(&self) -> &ScriptShelf {
        &self.shelf
    }

    /// The player now.
    #[must_use]
    pub fn state(&self) -> PlayerState {
        self.lock().clone()
    }

    /// Time on the machine's clock.
    #[must_use]
    pub fn clock_ns(&self) -> Nanos {
        self.motion.clock_ns()
    }

    /// Length of the stroke now, in mm; 0 before homing.
    #[must_use]
    pub fn stroke_mm(&self) -> f64 {
        self.motion.stroke_mm()
    }

    /// The settings of the player.
    #[must_use]
    pub fn settings(&self) -> PlayerSettings {
        self.store.kept().0.player.clone()
    }

    /// The name of the script that moves the axis.
    #[must_use]
    pub fn title(&self) -> Option<String> {
        let state = self.lock();
        let moves = state.motion.is_some_and(|number| self.motion.goes_on(number));
        state.playing.as_ref().filter(|_| moves).map(|playing| playing.name.clone())
    }

    /// True if the playlist begins anew behind its end.
    #[must_use]
    pub fn repeats(&self) -> bool {
        self.lock().repeats
    }

    /// Points that were made shorter in the present motion.
    #[must_use]
    pub fn shortened(&self) -> u32 {
        let motion = self.lock().motion;
        motion.and_then(|number| self.motion.report(number)).map_or(0, |feed| feed.counts.shortened)
    }

    /// Plays scripts. While one is played, goes over to these.
    ///
    /// # Errors
    /// 404 without such a script, 409 when the machine does not move; then nothing changes.
    pub async fn play(
        &self,
        client: &Client,
        choice: PlayChoice,
        options: PlayOptions,
        start: PlaybackStart,
    ) -> Result<(), Rejection> {
        let _turn = self.turn.lock().await;
        let first = match &choice {
            PlayChoice::List(names) => {
                let name = names.first().cloned().unwrap_or_default();
                Some((self.shelf.load(&name).await?, name))
            }
            PlayChoice::Source => {
                if self.settings().source.is_none() {
                    let why = "no video player is set that the script could be in step with";
                    return Err(answer::refuse(ProblemCode::NoSource, why));
                }
                None
            }
        };
        if let Some((script, _)) = &first {
            check(&options, script)?;
        }
        if let Some(offset_s) = options.offset_s {
            self.keep_offset(offset_s).await?;
        }
        let running = self.lock().motion.filter(|number| self.motion.goes_on(*number));
        let number = match running {
            Some(number) => {
                self.motion.carry_on(client, start).await?;
                number
            }
            None => self.motion.begin(client, PlaybackKind::Script, self.feeds.window(), start).await?,
        };
        let now_ns = self.clock_ns();
        let mut state = self.lock();
        let before = core::mem::take(&mut *state);
        *state = PlayerState {
            phase: if first.is_some() { PlayerPhase::Playing } else { PlayerPhase::Waits },
            motion: Some(number),
            repeats: options.repeat.unwrap_or(false),
            follows_source: matches!(choice, PlayChoice::Source),
            wanted: before.wanted,
            source: before.source,
            source_clock: before.source_clock,
            plays: before.plays + 1,
            ..PlayerState::default()
        };
        if let PlayChoice::List(list) = choice {
            state.playlist = list.iter().skip(1).cloned().collect();
            state.list = list;
        }
        if let Some((script, name)) = first {
            let mut playing = self.made(&name, script, now_ns);
            playing.set_running(true, now_ns);
            state.playing = Some(playing);
            apply(
                &mut state,
                &PlayOptions { position_s: Some(options.position_s.unwrap_or(0.0)), ..options },
                now_ns,
            );
        }
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// A script at its beginning, with the offset of the settings.
    pub(super) fn made(&self, name: &str, script: Arc<Script>, now_ns: Nanos) -> Playing {
        let mut playing = Playing::new(name, script, (now_ns, 0.0), 1.0);
        playing.set_offset(self.settings().offset_ms / 1000.0);
        playing
    }

    /// Changes how the script is played.
    ///
    /// # Errors
    /// 409 if none is played or somebody else is in charge, 422 for what cannot be; then nothing changes.
    pub async fn change(
        &self,
        client: &Client,
        options: PlayOptions,
        after_stop: Option<u32>,
    ) -> Result<(), Rejection> {
        let _turn = self.turn.lock().await;
        let (number, script) = {
            let state = self.lock();
            (state.motion, state.playing.as_ref().map(Playing::script))
        };
        if number.is_none_or(|number| !self.motion.goes_on(number)) {
            let why = "no script is played that could be changed: play one";
            return Err(answer::refuse(ProblemCode::NothingRuns, why));
        }
        if let Some(script) = &script {
            check(&options, script)?;
        }
        self.motion.may_change(client, after_stop)?;
        if let Some(offset_s) = options.offset_s {
            self.keep_offset(offset_s).await?;
        }
        apply(&mut self.lock(), &options, self.clock_ns());
        self.wake.notify_one();
        Ok(())
    }

    async fn keep_offset(&self, offset_s: f64) -> Result<(), Rejection> {
        let settings = PlayerSettings { offset_ms: offset_s * 1000.0, ..self.settings() };
        if settings == self.settings() {
            return Ok(());
        }
        let kept = self.store.keep(StateChange::Player(settings)).await;
        kept.map_err(|error| answer::not_kept("offset", &error))
    }

    /// Another video player to be in step with, or none.
    ///
    /// # Errors
    /// 422 for an address that is none, 503; then nothing changes.
    pub async fn set_source(&self, stored: Option<StoredSource>) -> Result<(), Rejection> {
        let wrong = |why: String| answer::unprocessable(&[answer::senseless("data", "source", why)]);
        let next = stored.as_ref().map(source).transpose().map_err(|why| wrong(why.to_string()))?;
        let settings = PlayerSettings { source: stored, ..self.settings() };
        settings.check().map_err(wrong)?;
        let kept = self.store.keep(StateChange::Player(settings)).await;
        kept.map_err(|error| answer::not_kept("video player", &error))?;
        self.sources.send_if_modified(|present| {
            let is_other = *present != next;
            *present = next;
            is_other
        });
        Ok(())
    }

    /// The video player to be in step with, for whoever connects to it.
    #[must_use]
    pub fn sources(&self) -> watch::Receiver<Option<PlayerSource>> {
        self.sources.subscribe()
    }

    /// What is known of the video player.
    pub fn source_is(&self, status: PlayerStatus) {
        self.lock().source = status;
    }

    /// What the video player says of its playback.
    pub fn source_says(&self, report: &MediaReport) {
        let now_ns = self.clock_ns();
        let since_ns = Nanos::try_from(report.held.elapsed().as_nanos()).unwrap_or(Nanos::MAX);
        let silence_s = self.sources.borrow().as_ref().map_or(f64::INFINITY, |source| silence_s(source.kind));
        let mut player = self.lock();
        player.wanted.clone_from(&report.update.media);
        let clock = player.source_clock.get_or_insert_with(|| MediaClock::new(silence_s));
        clock.update(now_ns, now_ns.saturating_sub(since_ns), &report.update);
        drop(player);
        self.wake.notify_one();
    }

    /// The window of the user has changed.
    pub async fn window_changed(&self) {
        let motion = self.lock().motion;
        if let Some(number) = motion.filter(|number| self.motion.goes_on(*number)) {
            self.motion.send(number, FeedItem::Window(self.feeds.window())).await;
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, PlayerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks what depends on the script.
fn check(options: &PlayOptions, script: &Script) -> Result<(), Rejection> {
    let duration_s = f64::from(script.duration_ms()) / 1000.0;
    let Some(Some(part)) = options.part else { return Ok(()) };
    if part.to_s > part.from_s + SHORTEST_PART_S && part.from_s < duration_s {
        return Ok(());
    }
    let why = format!(
        "a part lasts {SHORTEST_PART_S} s at least, and begins before the end of the script at {duration_s} s"
    );
    Err(answer::unprocessable(&[answer::senseless("data", "part", why)]))
}

/// The video player of the settings.
fn source(stored: &StoredSource) -> Result<PlayerSource, AddressError> {
    let kind = match stored.kind {
        SourceKind::Mpv => PlayerKind::Mpv,
        SourceKind::Vlc => PlayerKind::Vlc,
        SourceKind::HereSphere => PlayerKind::HereSphere,
        SourceKind::DeoVr => PlayerKind::DeoVr,
    };
    PlayerSource::new(kind, &stored.address, stored.password.as_deref().unwrap_or_default())
}

/// How long a playback goes on of which nothing is heard, in s. mpv says its changes only, and its connection says that it is there.
const fn silence_s(kind: PlayerKind) -> f64 {
    match kind {
        PlayerKind::Mpv => f64::INFINITY,
        PlayerKind::Vlc | PlayerKind::HereSphere | PlayerKind::DeoVr => 5.0,
    }
}

fn apply(state: &mut PlayerState, options: &PlayOptions, now_ns: Nanos) {
    state.repeats = options.repeat.unwrap_or(state.repeats);
    let Some(playing) = &mut state.playing else { return };
    if let Some(rate) = options.rate {
        playing.set_rate(rate, now_ns);
    }
    if let Some(offset_s) = options.offset_s {
        playing.set_offset(offset_s);
    }
    if let Some(inverted) = options.inverted {
        playing.set_inverted(inverted);
    }
    match (options.position_s, options.at_ns) {
        (Some(position_s), Some(at_ns)) if !state.follows_source => {
            let update =
                MediaUpdate { position_s, rate: playing.rate(), is_playing: true, ..MediaUpdate::nothing() };
            let clock = state.clock.get_or_insert_with(|| MediaClock::new(f64::INFINITY));
            clock.update(now_ns.max(at_ns), at_ns, &update);
        }
        (Some(position_s), _) => {
            state.clock = None;
            playing.seek(position_s, now_ns);
        }
        (None, _) => {}
    }
    if let Some(part) = options.part {
        playing.set_part(part, now_ns);
    }
    if let Some(paused) = options.paused {
        (state.is_held, state.clock) = (paused, None);
        // In step with a video player it is that which lets it run.
        playing.set_running(!paused && !state.follows_source, now_ns);
        state.phase = if paused { PlayerPhase::Paused } else { PlayerPhase::Playing };
    }
}
