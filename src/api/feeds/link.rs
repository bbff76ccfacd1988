//! Link: one connection of a feed, or one sender of datagrams.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::admission::FeedProtocol;
use super::refusal::FeedRefusal;
use super::service::FeedService;
use crate::api::charge::client::Client;
use crate::motion::FeedTarget;

/// Weight of the newest interval in their mean.
const INTERVAL_WEIGHT: f64 = 0.1;
/// Longer intervals are pauses.
const PAUSE: Duration = Duration::from_secs(1);
/// Behind a refusal a link that has sent nothing for so long may move the axis again.
const NEW_ACT: Duration = Duration::from_secs(2);

/// Number of a link, counted since the start.
pub type LinkNumber = u64;

/// Where a link comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkOrigin {
    /// Its protocol.
    pub protocol: FeedProtocol,
    /// How it is carried, for people: "UDP".
    pub transport: &'static str,
    /// Its other end; none for a serial line.
    pub peer: Option<SocketAddr>,
}

/// What is known of a link.
#[derive(Debug, Clone)]
pub struct LinkFigures {
    /// Where it comes from.
    pub origin: LinkOrigin,
    /// Its client, as the lease knows it.
    pub client: Client,
    /// When it began.
    pub since: Instant,
    /// Commands that came.
    pub received: u64,
    /// Commands that did not move the axis.
    pub refused: u64,
    /// Why the newest of them did not.
    pub refusal: Option<FeedRefusal>,
    /// True behind a refusal, until it pauses: what only goes on sending starts nothing.
    pub is_barred: bool,
    /// When the newest command came.
    last: Option<Instant>,
    /// Mean interval between commands, and its mean deviation, in s.
    interval_s: Option<f64>,
    deviation_s: f64,
}

impl LinkFigures {
    /// A link that begins now.
    #[must_use]
    pub fn new(origin: LinkOrigin, client: Client) -> LinkFigures {
        LinkFigures {
            origin,
            client,
            since: Instant::now(),
            received: 0,
            refused: 0,
            refusal: None,
            is_barred: false,
            last: None,
            interval_s: None,
            deviation_s: 0.0,
        }
    }

    /// Counts a command.
    pub fn count(&mut self) {
        let now = Instant::now();
        self.received += 1;
        let Some(gap) = self.last.replace(now).map(|last| now - last) else { return };
        if gap >= NEW_ACT {
            self.is_barred = false;
        }
        if gap > PAUSE {
            return;
        }
        let gap_s = gap.as_secs_f64();
        let mean_s = self.interval_s.unwrap_or(gap_s);
        self.interval_s = Some(mean_s + (gap_s - mean_s) * INTERVAL_WEIGHT);
        self.deviation_s += ((gap_s - mean_s).abs() - self.deviation_s) * INTERVAL_WEIGHT;
    }

    /// Commands per second, while they come.
    #[must_use]
    pub fn per_s(&self) -> f64 {
        let comes = self.last.is_some_and(|last| last.elapsed() <= PAUSE);
        self.interval_s.filter(|interval_s| comes && *interval_s > 0.0).map_or(0.0, f64::recip)
    }

    /// Mean deviation of the intervals from their mean, in s.
    #[must_use]
    pub fn jitter_s(&self) -> f64 {
        self.deviation_s
    }
}

/// A link, for whoever reads its protocol. Dropping it is leaving.
pub struct FeedLink {
    service: Arc<FeedService>,
    number: LinkNumber,
}

impl FeedLink {
    /// The link with that number.
    pub(super) fn new(service: Arc<FeedService>, number: LinkNumber) -> FeedLink {
        FeedLink { service, number }
    }

    /// To a place in the window.
    ///
    /// # Errors
    /// [`FeedRefusal`]; then it is dropped.
    pub async fn toward(&self, target: FeedTarget) -> Result<(), FeedRefusal> {
        self.service.toward(self.number, target).await
    }

    /// Strokes over the window at a share of the highest speed; 0 comes to rest.
    ///
    /// # Errors
    /// [`FeedRefusal`]; then nothing changes.
    pub async fn stroke(&self, share: f64) -> Result<(), FeedRefusal> {
        self.service.stroke(self.number, share).await
    }

    /// The same for an app that knows vibration only, where the user allows it.
    ///
    /// # Errors
    /// [`FeedRefusal`]; then nothing changes.
    pub async fn vibrate(&self, share: f64) -> Result<(), FeedRefusal> {
        self.service.vibrate(self.number, share).await
    }

    /// Comes to rest, which latches nothing.
    pub async fn stop(&self) {
        self.service.rest(self.number).await;
    }

    /// Its other end is there.
    pub fn is_alive(&self) {
        self.service.hear(self.number);
    }

    /// When its announced moves are over, if it moves the axis.
    #[must_use]
    pub fn moves_until(&self) -> Option<Instant> {
        self.service.moves_until(self.number)
    }

    /// Gives it the name by which its client calls itself.
    pub fn rename(&self, name: &str) {
        self.service.rename(self.number, name);
    }

    /// The service.
    #[must_use]
    pub fn service(&self) -> &Arc<FeedService> {
        &self.service
    }
}

impl Drop for FeedLink {
    fn drop(&mut self) {
        let (service, number) = (Arc::clone(&self.service), self.number);
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move { service.leave(number).await })),
            // The process ends; whatever moves has been told to stop.
            Err(_) => drop(service.forget(number)),
        }
    }
}
