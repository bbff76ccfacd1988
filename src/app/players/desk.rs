//! Desk of the player's connection: hands its reports in, and says what is known of it.

use std::io;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::players::{MediaReport, MediaUpdate, PlayerSource, PlayerStatus};

/// Where a connection hands its reports in.
pub struct PlayerDesk {
    reports: mpsc::Sender<MediaReport>,
    status: watch::Sender<PlayerStatus>,
    /// The last report says that something is loaded.
    is_loaded: bool,
    /// The trouble that was logged last; the same one is logged once, however often it comes.
    logged: Option<String>,
}

impl PlayerDesk {
    /// A desk without a player.
    pub fn new(reports: mpsc::Sender<MediaReport>, status: watch::Sender<PlayerStatus>) -> PlayerDesk {
        PlayerDesk { reports, status, is_loaded: false, logged: None }
    }

    /// There is a connection.
    pub fn is_connected(&mut self, source: &PlayerSource) {
        tracing::info!("{} at {} is connected", source.kind.title(), source.address);
        self.logged = None;
        self.status.send_replace(PlayerStatus { is_connected: true, media: None, trouble: None });
    }

    /// Hands an update in that held at that instant. Waits for the reader if he is behind.
    pub async fn report(&mut self, held: Instant, update: MediaUpdate) {
        self.is_loaded = update.media.is_some();
        self.status.send_if_modified(|status| {
            let is_new = status.media != update.media;
            status.media.clone_from(&update.media);
            is_new
        });
        // A reader that has gone needs no report.
        let _ = self.reports.send(MediaReport { held: held.into_std(), update }).await;
    }

    /// There is no connection, for that reason.
    pub async fn is_lost(&mut self, source: &PlayerSource, error: &io::Error) {
        let trouble = error.to_string();
        if self.logged.as_ref() != Some(&trouble) {
            let (kind, address) = (source.kind.title(), &source.address);
            tracing::warn!("{kind} at {address}: {trouble}; it is tried again and again");
            self.logged = Some(trouble.clone());
        }
        self.end_playback().await;
        self.status.send_replace(PlayerStatus { is_connected: false, media: None, trouble: Some(trouble) });
    }

    /// The player is no longer wanted.
    pub async fn clear(&mut self) {
        self.end_playback().await;
        self.logged = None;
        self.status.send_replace(PlayerStatus::default());
    }

    async fn end_playback(&mut self) {
        if self.is_loaded {
            self.report(Instant::now(), MediaUpdate::nothing()).await;
        }
    }
}
