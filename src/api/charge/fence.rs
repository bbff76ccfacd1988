//! The fence behind a STOP (promise S34): who only goes on sending starts nothing again.
//!
//! A client of API v1 says with each start which STOP it has seen, and is let through behind that one. Clients that do not say so
//! are judged by their pauses. Behind a STOP a client's first start is taken when it comes later than [`GUARD`], or [`OWN_GUARD`]
//! if it pressed that STOP itself, and when that client has asked for no start for [`PAUSE`], which is what a person who presses
//! a button looks like; a feed, a slider or a script that repeats itself never pauses, and each attempt begins its pause anew.
//! Once a start was taken, its client is free until the next STOP; another client has to pause for itself.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::client::Client;

/// So long a client must not have asked for a start before the one that is taken; loops that sleep for a second are shorter.
pub const PAUSE: Duration = Duration::from_secs(2);
/// Behind a STOP of somebody else nothing is taken for so long: what comes then was pressed before its sender can have understood
/// that another person wants the axis to rest.
pub const GUARD: Duration = Duration::from_secs(1);
/// The same behind a STOP that the client gave itself: what comes then was sent before its sender can have seen the axis rest.
pub const OWN_GUARD: Duration = Duration::from_millis(500);
/// Behind a STOP not even a start that names it is taken for so long, as nobody can have seen it yet.
const SEEN_GUARD: Duration = Duration::from_millis(200);
/// How many clients are known; the one that was silent longest is forgotten first.
const KNOWN_CLIENTS: usize = 64;

/// The number of STOPs that there were, as a start has seen it.
pub type Stops = u64;

/// A start that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fenced {
    /// When it would be, if nothing is sent until then.
    pub wait: Duration,
    /// Whether it is the first of its client behind this STOP.
    pub first: bool,
}

impl std::fmt::Display for Fenced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let wait_s = self.wait.as_secs_f64();
        write!(
            f,
            "STOP came, and what goes on sending starts nothing: send nothing for {wait_s:.1} s, then start anew"
        )
    }
}

/// What is known of a client.
#[derive(Debug)]
struct ClientHistory {
    client: Client,
    /// When it last asked for a start.
    asked: Instant,
    /// The STOP behind which it asked last, and the one behind which it was let through.
    asked_behind: Stops,
    through: Stops,
}

impl ClientHistory {
    /// A client that asks for the first time, and now.
    fn new(client: &Client) -> ClientHistory {
        ClientHistory { client: client.clone(), asked: Instant::now(), asked_behind: 0, through: 0 }
    }
}

fn take(clients: &mut Vec<ClientHistory>, client: &Client) -> Option<ClientHistory> {
    let at = clients.iter().position(|known| known.client == *client)?;
    Some(clients.remove(at))
}

/// Keeps the clients in the order in which they asked last.
fn remember(clients: &mut Vec<ClientHistory>, known: ClientHistory) {
    if clients.len() == KNOWN_CLIENTS {
        clients.remove(0);
    }
    clients.push(known);
}

/// The fence.
#[derive(Debug)]
pub struct Fence {
    began: Instant,
    stops: AtomicU64,
    /// When the last STOP was, in nanoseconds since `began`.
    stopped_ns: AtomicU64,
    clients: Mutex<Vec<ClientHistory>>,
    /// Who gave the last STOP, if that is known.
    stopper: Mutex<Option<Client>>,
}

impl Default for Fence {
    fn default() -> Self {
        Fence {
            began: Instant::now(),
            stops: AtomicU64::new(0),
            stopped_ns: AtomicU64::new(0),
            clients: Mutex::default(),
            stopper: Mutex::default(),
        }
    }
}

impl Fence {
    /// STOP is about to be given. Waits for nothing.
    pub fn stopped(&self) {
        let now_ns = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.stopped_ns.fetch_max(now_ns, SeqCst);
        self.stops.fetch_add(1, SeqCst);
    }

    /// The last STOP, which was given already, came from that client.
    pub fn stopped_by(&self, client: Option<Client>) {
        *self.stopper.lock().unwrap_or_else(PoisonError::into_inner) = client;
    }

    /// Lets a client through that has seen the newest STOP and says so; the STOPs that it has been judged by.
    ///
    /// # Errors
    /// [`Fenced`].
    pub fn pass_seen(&self) -> Result<Stops, Fenced> {
        let stops = self.stops();
        let wait = self.stopped_at(SEEN_GUARD).saturating_duration_since(Instant::now());
        if stops == 0 || wait.is_zero() { Ok(stops) } else { Err(Fenced { wait, first: true }) }
    }

    /// So long after the last STOP.
    fn stopped_at(&self, after: Duration) -> Instant {
        self.began + Duration::from_nanos(self.stopped_ns.load(SeqCst)) + after
    }

    /// How many STOPs there were.
    #[must_use]
    pub fn stops(&self) -> Stops {
        self.stops.load(SeqCst)
    }

    /// Whether the client may start something now; the STOPs that it has been judged by.
    ///
    /// # Errors
    /// [`Fenced`].
    pub fn pass(&self, client: &Client) -> Result<Stops, Fenced> {
        let stops = self.stops();
        let now = Instant::now();
        let mut clients = self.clients();
        let before = take(&mut clients, client);
        let rested_from = before.as_ref().map(|known| known.asked + PAUSE);
        let mut known = before.unwrap_or_else(|| ClientHistory::new(client));
        let free = stops == 0 || known.through == stops;
        let is_own = self.stopper.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(client);
        let guarded_until = self.stopped_at(if is_own { OWN_GUARD } else { GUARD });
        let taken_from = rested_from.map_or(guarded_until, |rested| rested.max(guarded_until));
        let fenced = (!free && now < taken_from).then(|| Fenced {
            wait: PAUSE.max(guarded_until.saturating_duration_since(now)),
            first: known.asked_behind != stops,
        });
        known.asked = now;
        known.asked_behind = stops;
        if fenced.is_none() {
            known.through = stops;
        }
        remember(&mut clients, known);
        fenced.map_or(Ok(stops), Err)
    }

    /// The client has asked for a start that was refused before it came here: it goes on sending all the same.
    pub fn tried(&self, client: &Client) {
        let mut clients = self.clients();
        let mut known = take(&mut clients, client).unwrap_or_else(|| ClientHistory::new(client));
        known.asked = Instant::now();
        remember(&mut clients, known);
    }

    fn clients(&self) -> MutexGuard<'_, Vec<ClientHistory>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderMap, USER_AGENT};
    use tokio::time::advance;

    use super::super::client::Origin;
    use super::*;
    use crate::auth::{Caller, Role};

    fn client(name: &str) -> Client {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, name.parse().unwrap());
        let peer = "127.0.0.1".parse().unwrap();
        let origin = Origin { peer, connection: 0, headers: &headers, is_v1: false, is_socket: false };
        Client::of(origin, Caller::of(Role::Local), None)
    }

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn without_a_stop_everything_passes() {
        let fence = Fence::default();
        for _ in 0..3 {
            assert_eq!(fence.pass(&client("a")), Ok(0));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_on_sending_is_refused_until_it_pauses_at_whatever_pace() {
        for pace_ms in [1, 50, 500, 1_000, 1_900] {
            let fence = Fence::default();
            let feed = client("feed");
            assert!(fence.pass(&feed).is_ok());
            advance(10 * MS).await;
            fence.stopped();
            for n in 0..40 {
                advance(pace_ms * MS).await;
                let fenced = fence.pass(&feed).unwrap_err();
                assert_eq!((fenced.first, fenced.wait), (n == 0, PAUSE), "{pace_ms} ms");
            }
            advance(PAUSE - MS).await;
            assert!(fence.pass(&feed).is_err());
            advance(PAUSE).await;
            assert_eq!(fence.pass(&feed), Ok(1));
            assert_eq!(fence.pass(&feed), Ok(1), "it is free until the next STOP");
            fence.stopped();
            assert!(fence.pass(&feed).is_err());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_single_press_passes_beside_a_feed_and_frees_only_who_pressed() {
        let fence = Fence::default();
        let (feed, page) = (client("feed"), client("page"));
        assert!(fence.pass(&page).is_ok());
        advance(5_000 * MS).await;
        assert!(fence.pass(&feed).is_ok());
        fence.stopped();
        for _ in 0..20 {
            advance(50 * MS).await;
            assert!(fence.pass(&feed).is_err());
        }
        assert!(fence.pass(&page).is_ok());
        assert!(fence.pass(&feed).is_err());
        // Somebody who was never there before, and is too quick to have seen anything.
        fence.stopped();
        advance(GUARD - MS).await;
        assert!(fence.pass(&client("new")).is_err());
        assert!(fence.pass(&client("newer")).is_err());
        advance(MS).await;
        assert!(fence.pass(&client("newest")).is_ok());
        // Who stopped it knows that it rests.
        fence.stopped();
        fence.stopped_by(Some(client("own")));
        advance(OWN_GUARD - MS).await;
        assert!(fence.pass(&client("other")).is_err() && fence.pass_seen().is_ok());
        advance(MS).await;
        assert!(fence.pass(&client("own")).is_ok() && fence.pass(&client("third")).is_err());
        fence.stopped();
        assert!(fence.pass_seen().is_err(), "nobody can have seen this one");
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_that_was_refused_for_another_reason_is_no_pause() {
        let fence = Fence::default();
        let feed = client("feed");
        fence.stopped();
        for _ in 0..40 {
            advance(100 * MS).await;
            fence.tried(&feed);
        }
        assert!(fence.pass(&feed).is_err());
        advance(PAUSE).await;
        assert!(fence.pass(&feed).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn it_remembers_a_bounded_number_of_clients() {
        let fence = Fence::default();
        for n in 0..10 * KNOWN_CLIENTS {
            let _ = fence.pass(&client(&n.to_string()));
        }
        assert_eq!(fence.clients().len(), KNOWN_CLIENTS);
    }
}
