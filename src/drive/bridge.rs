//! Bridge between the real-time side and the tokio side.
//!
//! Toward the machine: commands go into the ring at once, under a lock that only ordinary threads take. Back: one task
//! empties the rings every few milliseconds. It sends replies to the waiting callers, snapshots to a `watch` channel
//! (the newest wins) and events to an unbounded queue. The real-time side does not depend on tokio.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::rings::{BridgeEnds, CommandFeed, QueuedCommand, RingFullError, TargetFeed};
use super::stop_line::StopLine;
use crate::machine::{Command, CommandRefusal, Event, FeedMessage, Reply, Snapshot};
use crate::units::{Nanos, SECOND_NS};

/// Interval at which the rings are emptied. Only answers wait for it; commands and STOP do not.
const PUMP_EVERY: Duration = Duration::from_millis(2);
/// Lifetime of a command. The control cycle usually decides within a few milliseconds.
const OBEYED_WITHIN_NS: Nanos = 2 * SECOND_NS;
/// Time for which a reply is awaited. It is longer than the lifetime of a command, so a command that was answered with
/// `unanswered` never acts later.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

struct Outbox {
    ring: CommandFeed,
    next_id: u64,
}

struct BridgeShared {
    outbox: Mutex<Outbox>,
    targets: Mutex<TargetFeed>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Reply>>>,
    stop_line: StopLine,
    snapshots: watch::Receiver<Snapshot>,
    /// Arrival of the newest snapshot.
    snapshot_at: Mutex<Instant>,
    /// An instant of the machine's clock, and the same one here; both clocks are the system's.
    clock: (Nanos, Instant),
}

/// Handle to the machine for the tokio side.
#[derive(Clone)]
pub struct MachineHandle(Arc<BridgeShared>);

impl std::fmt::Debug for MachineHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MachineHandle").finish_non_exhaustive()
    }
}

/// Locks a mutex whose holders cannot panic half-way.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MachineHandle {
    /// Sends a command and waits for the decision.
    pub async fn command(&self, command: Command) -> Reply {
        if self.0.stop_line.read().is_shutting_down() {
            return Err(CommandRefusal::ShuttingDown);
        }
        // By the newest snapshot, which is never ahead of the machine's clock, and stands still when the machine does.
        let expires_ns = self.0.snapshots.borrow().at_ns + OBEYED_WITHIN_NS;
        let (reply_sender, reply_receiver) = oneshot::channel();
        let id = {
            let mut outbox = lock(&self.0.outbox);
            let id = outbox.next_id;
            outbox.next_id += 1;
            lock(&self.0.waiting).insert(id, reply_sender);
            if outbox.ring.enqueue(QueuedCommand { id, expires_ns, command }).is_err() {
                lock(&self.0.waiting).remove(&id);
                return Err(CommandRefusal::QueueFull);
            }
            id
        };
        match tokio::time::timeout(ANSWER_WITHIN, reply_receiver).await {
            Ok(reply) => reply.unwrap_or(Err(CommandRefusal::ShuttingDown)),
            Err(_elapsed) => {
                lock(&self.0.waiting).remove(&id);
                Err(CommandRefusal::Unanswered)
            }
        }
    }

    /// Sends an item to a feed. It is on its way at once, without an answer.
    ///
    /// # Errors
    /// [`RingFullError`]; the item is dropped then.
    pub fn send_to_feed(&self, message: FeedMessage) -> Result<(), RingFullError> {
        lock(&self.0.targets).enqueue(message).map_err(|_| RingFullError)
    }

    /// Begins the shutdown of the process: STOP, and every command is refused.
    pub fn begin_shutdown(&self) {
        self.0.stop_line.begin_shutdown();
    }

    /// True if the axis rests and the driver is off since [`MachineHandle::begin_shutdown`].
    pub fn is_shut_down(&self) -> bool {
        self.0.stop_line.is_shut_down()
    }

    /// Raises the stop line to STOP.
    pub fn stop(&self) {
        self.0.stop_line.press();
    }

    /// Time since the newest snapshot arrived.
    pub fn snapshot_age(&self) -> Duration {
        lock(&self.0.snapshot_at).elapsed()
    }

    /// Time on the machine's clock.
    pub fn clock_ns(&self) -> Nanos {
        let (at_ns, at) = self.0.clock;
        at_ns + Nanos::try_from(at.elapsed().as_nanos()).unwrap_or(Nanos::MAX / 2)
    }

    /// Watch channel of the newest snapshot.
    pub fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.0.snapshots.clone()
    }
}

/// Makes the handle, the queue of events, and the task that feeds both; the task ends with the last handle.
pub fn bridge(
    ends: BridgeEnds,
    stop_line: StopLine,
    first: Snapshot,
) -> (MachineHandle, mpsc::UnboundedReceiver<Event>, impl Future<Output = ()> + Send + 'static) {
    let BridgeEnds { commands, targets, mut events, mut snapshots } = ends;
    let clock = (first.at_ns, Instant::now());
    let (snapshot_sender, snapshot_receiver) = watch::channel(first);
    let (event_sender, event_receiver) = mpsc::unbounded_channel();
    let shared = Arc::new(BridgeShared {
        outbox: Mutex::new(Outbox { ring: commands, next_id: 1 }),
        targets: Mutex::new(targets),
        waiting: Mutex::new(HashMap::new()),
        stop_line,
        snapshots: snapshot_receiver,
        snapshot_at: Mutex::new(Instant::now()),
        clock,
    });
    let waiting = Arc::downgrade(&shared);
    let pump = async move {
        let mut tick = tokio::time::interval(PUMP_EVERY);
        let mut events_lost = 0;
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let Some(shared) = waiting.upgrade() else { return };
            // Events are read before snapshots and delivered after them, so an event is never ahead of the snapshot
            // that contains it.
            let mut new_events = Vec::new();
            while let Some(event) = events.dequeue() {
                new_events.push(event);
            }
            let mut last = None;
            while let Some(snapshot) = snapshots.dequeue() {
                last = Some(snapshot);
            }
            if let Some(snapshot) = last {
                *lock(&shared.snapshot_at) = Instant::now();
                snapshot_sender.send_replace(snapshot);
                let lost = snapshot.events_lost.wrapping_sub(events_lost);
                if lost > 0 {
                    new_events.push(Event::EventsLost(lost));
                }
                events_lost = snapshot.events_lost;
            }
            for event in new_events {
                if let Event::Replied { id, reply } = event {
                    if let Some(reply_sender) = lock(&shared.waiting).remove(&id) {
                        // The caller may have gone.
                        let _ = reply_sender.send(reply);
                    }
                } else {
                    let _ = event_sender.send(event);
                }
            }
        }
    };
    (MachineHandle(shared), event_receiver, pump)
}
