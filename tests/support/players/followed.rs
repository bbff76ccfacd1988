//! The connection of the program under test to a player, with a media clock at its end.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::watch;
use yep::app::players::{FollowedPlayer, PlayerOutlets};
use yep::players::{MediaClock, MediaTime, PlayerKind, PlayerSource, PlayerStatus};
use yep::units::Nanos;

use super::{PATIENCE, within};

/// Silence after which the clock rests (s).
const SILENCE_S: f64 = 5.0;

pub struct Followed {
    runtime: Runtime,
    player: FollowedPlayer,
    sources: watch::Sender<Option<PlayerSource>>,
    status: watch::Receiver<PlayerStatus>,
    clock: Arc<Mutex<MediaClock>>,
    epoch: Instant,
}

impl Followed {
    pub fn start() -> Followed {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (sources, source) = watch::channel(None);
        let (player, outlets) = FollowedPlayer::start(source, runtime.handle());
        let PlayerOutlets { mut reports, status } = outlets;
        let clock = Arc::new(Mutex::new(MediaClock::new(SILENCE_S)));
        let epoch = Instant::now();
        let told = Arc::clone(&clock);
        runtime.spawn(async move {
            while let Some(report) = reports.recv().await {
                let (now_ns, held_ns) = (since(epoch, Instant::now()), since(epoch, report.held));
                told.lock().unwrap().update(now_ns, held_ns, &report.update);
            }
        });
        Followed { runtime, player, sources, status, clock, epoch }
    }

    pub fn follow(&self, kind: PlayerKind, address: &str, password: &str) {
        self.sources.send_replace(Some(PlayerSource::new(kind, address, password).unwrap()));
    }

    pub fn follow_nobody(&self) {
        self.sources.send_replace(None);
    }

    pub fn status(&self) -> PlayerStatus {
        self.status.borrow().clone()
    }

    /// The reference at an instant of this run.
    pub fn at(&self, instant: Instant) -> MediaTime {
        self.clock.lock().unwrap().at(since(self.epoch, instant))
    }

    pub fn now(&self) -> MediaTime {
        self.at(Instant::now())
    }

    pub fn is_playing(&self) -> bool {
        self.now().rate > 0.0
    }

    #[track_caller]
    pub fn wait_until_playing(&self, is_playing: bool) {
        self.wait_until_playing_within(is_playing, PATIENCE);
    }

    #[track_caller]
    pub fn wait_until_playing_within(&self, is_playing: bool, patience: Duration) {
        let what = format!("playing is {is_playing}, {:?}", self.status());
        within(&what, patience, || (self.is_playing() == is_playing).then_some(()));
    }

    /// Ends it in order.
    pub fn end(self) {
        self.runtime.block_on(self.player.end());
    }
}

fn since(epoch: Instant, instant: Instant) -> Nanos {
    instant.saturating_duration_since(epoch).as_nanos() as Nanos
}
