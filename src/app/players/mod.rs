//! The player that the machine follows: a connection to it, which comes back whenever it can.
//!
//! Which player, and where, is a setting that comes while the program runs. The rest of the program hears of it by
//! [`MediaReport`]s, with the instant at which each held, and by a [`PlayerStatus`] for people. A player that goes away,
//! or that is no longer wanted, leaves the report that nothing is loaded: a script that follows it comes to rest.
//!
//! - [`stream`]: connections on which the player speaks by itself: mpv, HereSphere, DeoVR
//! - [`polled`]: VLC, which is asked again and again
//! - `attach`: tells the player of scripts what the video player says
//! - [`desk`]: where both hand their reports in

mod attach;
mod desk;
mod polled;
mod stream;

use std::convert::Infallible;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

pub use self::attach::attach;
use self::desk::PlayerDesk;
use crate::players::{MediaReport, PlayerKind, PlayerSource, PlayerStatus};

/// How long a player may take to be reached.
const DIAL_TIME: Duration = Duration::from_secs(3);
/// How long a player that takes nothing any more is waited for.
const SEND_TIME: Duration = Duration::from_secs(1);
/// How long a player that is not there is left alone at first; each further time twice as long, …
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// … up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A connection that has lasted so long was a good one.
const STEADY: Duration = Duration::from_secs(10);
/// Reports that wait to be read. A reader that is slower than the player holds the player up, and loses nothing.
const WAITING_REPORTS: usize = 16;
/// How long the end may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// The task that follows a player; it ends when this is dropped.
pub struct FollowedPlayer {
    task: JoinHandle<()>,
    ending: watch::Sender<bool>,
}

/// What comes of following a player.
pub struct PlayerOutlets {
    /// What it says, in its order.
    pub reports: mpsc::Receiver<MediaReport>,
    /// What is known of it.
    pub status: watch::Receiver<PlayerStatus>,
}

impl FollowedPlayer {
    /// Follows whichever player `sources` names, on that runtime; nothing while it names none.
    #[must_use]
    pub fn start(
        sources: watch::Receiver<Option<PlayerSource>>,
        runtime: &Handle,
    ) -> (FollowedPlayer, PlayerOutlets) {
        let (reports, outlet) = mpsc::channel(WAITING_REPORTS);
        let (status, status_outlet) = watch::channel(PlayerStatus::default());
        let ending = watch::Sender::new(false);
        let mut ends = ending.subscribe();
        let task = runtime.spawn(async move {
            tokio::select! {
                () = follow(sources, PlayerDesk::new(reports, status)) => {}
                _ = ends.wait_for(|ends| *ends) => {}
            }
        });
        (FollowedPlayer { task, ending }, PlayerOutlets { reports: outlet, status: status_outlet })
    }

    /// Closes the connection, and ends.
    pub async fn end(mut self) {
        self.ending.send_replace(true);
        let _ = timeout(FAREWELL, &mut self.task).await;
    }
}

impl Drop for FollowedPlayer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Follows one source after the other, until nobody names any more.
async fn follow(mut sources: watch::Receiver<Option<PlayerSource>>, mut desk: PlayerDesk) {
    loop {
        let source = sources.borrow_and_update().clone();
        let connection = async {
            match &source {
                Some(source) => stay_connected(source, &mut desk).await,
                None => std::future::pending().await,
            }
        };
        let is_over = tokio::select! {
            changed = sources.changed() => changed.is_err(),
            never = connection => match never {},
        };
        desk.clear().await;
        if is_over {
            return;
        }
    }
}

async fn stay_connected(source: &PlayerSource, desk: &mut PlayerDesk) -> Infallible {
    let mut wait = FIRST_WAIT;
    loop {
        let begun = Instant::now();
        let error = match source.kind {
            PlayerKind::Vlc => polled::follow(source, desk).await,
            PlayerKind::Mpv | PlayerKind::HereSphere | PlayerKind::DeoVr => {
                stream::follow(source, desk).await
            }
        };
        desk.is_lost(source, &error).await;
        if begun.elapsed() >= STEADY {
            wait = FIRST_WAIT;
        }
        sleep(wait).await;
        wait = LONGEST_WAIT.min(wait * 2);
    }
}
