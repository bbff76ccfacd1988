//! The hub: makes each batch of live samples once for all sockets, and says when the state has changed.
//!
//! 200 sockets cost 200 messages, and not 200 times the work behind them.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::time::{MissedTickBehavior, interval};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::message::ServerMessage;
use crate::api::port::MachinePort;
use crate::machine::{Fault, Snapshot, State, Why};
use crate::units::seconds;

/// Between two samples.
const SAMPLE_TIME: Duration = Duration::from_millis(20);
/// Samples of a message.
const BATCH: usize = 5;
/// Batches that wait for one socket; an older one is a gap.
const QUEUED_BATCHES: usize = 16;

/// Live samples, and changes of the state.
#[derive(Debug)]
pub struct Hub {
    live: broadcast::Sender<Utf8Bytes>,
    state: watch::Sender<u64>,
    /// Held by each socket; without one, nobody samples.
    listeners: std::sync::Mutex<Weak<Listening>>,
}

/// What a socket holds while it listens.
#[derive(Debug)]
pub struct Listening(());

/// What a socket listens to.
pub struct Feed {
    /// Batches of samples.
    pub live: broadcast::Receiver<Utf8Bytes>,
    /// Grows with each change of the state.
    pub state: watch::Receiver<u64>,
    _listening: Arc<Listening>,
}

impl Default for Hub {
    fn default() -> Hub {
        let (live, _) = broadcast::channel(QUEUED_BATCHES);
        Hub { live, state: watch::Sender::new(0), listeners: std::sync::Mutex::default() }
    }
}

impl Hub {
    /// The sockets that listen now.
    pub fn sockets(&self) -> usize {
        self.state.receiver_count()
    }

    /// A feed for one socket. Sampling runs while there is one.
    pub fn listen(self: &Arc<Hub>, port: &Arc<dyn MachinePort>) -> Feed {
        let mut listeners = self.listeners.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let listening = listeners.upgrade().unwrap_or_else(|| {
            let listening = Arc::new(Listening(()));
            *listeners = Arc::downgrade(&listening);
            tokio::spawn(sample(Arc::clone(self), Arc::clone(port), Arc::downgrade(&listening)));
            listening
        });
        Feed { live: self.live.subscribe(), state: self.state.subscribe(), _listening: listening }
    }
}

/// What makes a state another one: each change is sent at once, the rest with the next second.
#[derive(PartialEq)]
struct StateKey {
    state: State,
    why: Why,
    fault: Option<Fault>,
    stops: u32,
    inputs: crate::machine::Inputs,
    changes_wait: bool,
    since_ns: u64,
}

impl StateKey {
    fn of(snapshot: &Snapshot) -> StateKey {
        StateKey {
            state: snapshot.state,
            why: snapshot.why,
            fault: snapshot.fault,
            stops: snapshot.stops,
            inputs: snapshot.inputs,
            changes_wait: snapshot.in_force.changes_wait,
            since_ns: snapshot.since_ns,
        }
    }
}

async fn sample(hub: Arc<Hub>, port: Arc<dyn MachinePort>, listening: Weak<Listening>) {
    let snapshots = port.snapshots();
    let mut ticks = interval(SAMPLE_TIME);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut batch, mut began_ns, mut newest_ns) = (Vec::with_capacity(BATCH), 0, None);
    let mut key = StateKey::of(&snapshots.borrow());
    while listening.strong_count() > 0 {
        ticks.tick().await;
        let snapshot = *snapshots.borrow();
        let new = StateKey::of(&snapshot);
        if new != key {
            key = new;
            hub.state.send_modify(|version| *version += 1);
        }
        // The same snapshot again is no new sample.
        if newest_ns == Some(snapshot.at_ns) {
            continue;
        }
        newest_ns = Some(snapshot.at_ns);
        if batch.is_empty() {
            began_ns = snapshot.at_ns;
        }
        batch.push(
            [snapshot.position_mm, Some(snapshot.velocity_mm_s), snapshot.force_g].map(|v| v.map(short)),
        );
        if batch.len() == BATCH {
            let t0 = seconds(began_ns);
            let message = ServerMessage::Live { t0, dt: SAMPLE_TIME.as_secs_f64(), s: &batch };
            // Nobody may listen just now.
            let _ = hub.live.send(message.text().into());
            batch.clear();
        }
    }
}

/// Hundredths: what a person sees, in few bytes.
fn short(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
