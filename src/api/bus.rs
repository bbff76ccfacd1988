//! Streams: what one client publishes, every subscriber of that stream hears, in the same order.
//!
//! A stream exists while somebody listens. Nothing is kept for later, with one exception: of
//! the stream `status` the last message of each device, so that a page that is loaded while the machine runs
//! says so. A message is never skipped: a subscriber whose queue is full loses its place instead, hears what
//! was queued, and is closed; nobody waits for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::python;
use crate::wall_clock;

/// The stream on which every command is announced.
pub const COMMANDS: &str = "command_all";
/// The stream on which devices say how they are.
pub const STATUS: &str = "status";
/// The field that every message begins with.
pub const MESSAGE_ID: &str = "message_id";
/// The device that the machine is on [`STATUS`].
pub const MACHINE: &str = "machine";
/// The devices of this process on [`STATUS`]: nobody else speaks for them.
const OWN_DEVICES: [&str; 6] = [MACHINE, "client", "queue", "host", "calibration", "store"];

/// How many devices are remembered on [`STATUS`]; the one that was silent longest is forgotten first.
const REMEMBERED_DEVICES: usize = 64;

/// A longer message than this is heard by who listens, and not remembered.
const REMEMBERED_BYTES: usize = 16 * 1024;

/// Fields of a message, in the order in which they are sent.
pub type MessageFields<'a> = &'a [(&'a str, &'a str)];

/// All streams.
#[derive(Debug)]
pub struct Bus {
    inner: Mutex<BusState>,
    queue: usize,
    queue_bytes: usize,
}

#[derive(Debug, Default)]
struct BusState {
    /// Of the newest message: milliseconds since the epoch, and a count inside the millisecond.
    last_id: (u128, u64),
    subscribers: HashMap<String, Vec<Subscriber>>,
    /// The last message of each device on [`STATUS`]: of this process, and of clients.
    statuses: Vec<(String, Utf8Bytes)>,
    relayed: Vec<(String, Utf8Bytes)>,
}

/// Whether a device on [`STATUS`] is one of this process; as it is written makes no difference, for a person reads it.
#[must_use]
pub fn is_own(device: &str) -> bool {
    OWN_DEVICES.iter().any(|own| own.eq_ignore_ascii_case(device.trim()))
}

impl Bus {
    /// No streams yet; `queue` messages with `queue_bytes` may wait for a subscriber.
    #[must_use]
    pub fn new(queue: usize, queue_bytes: usize) -> Bus {
        Bus { inner: Mutex::default(), queue: queue.max(1), queue_bytes }
    }

    /// Sends a message to everyone who listens to `stream` now; on [`STATUS`] it is how its device is from now on.
    pub fn publish(&self, stream: &str, fields: MessageFields<'_>) {
        let said = python::frame(fields.iter().copied());
        let mut inner = self.lock();
        let message = inner.send(stream, &said);
        if stream == STATUS {
            remember(&mut inner.statuses, fields, &message);
        }
    }

    /// Sends a message of a client, as [`Bus::publish`]; it takes nobody's place but that of other clients.
    pub fn relay(&self, stream: &str, fields: MessageFields<'_>) {
        let said = python::frame(fields.iter().copied());
        let mut inner = self.lock();
        let message = inner.send(stream, &said);
        if stream == STATUS {
            remember(&mut inner.relayed, fields, &message);
        }
    }

    /// Sends a message of something that has passed: whoever comes later does not hear it.
    pub fn mention(&self, stream: &str, fields: MessageFields<'_>) {
        let said = python::frame(fields.iter().copied());
        self.lock().send(stream, &said);
    }

    /// Announces a command on [`COMMANDS`]; `data` goes along with some.
    pub fn announce(&self, command: &str, data: Option<&str>) {
        let time = python::float(wall_clock::since_epoch().as_secs_f64());
        let fields = [("type", command), ("time", &time), ("data", data.unwrap_or_default())];
        self.publish(COMMANDS, &fields[..if data.is_some() { 3 } else { 2 }]);
    }

    /// Listens to `stream` from now on; on [`STATUS`] the last message of each device comes first.
    ///
    /// The queue ends when the subscriber was too slow.
    #[must_use]
    pub fn subscribe(&self, stream: &str) -> Subscription {
        let (sender, queue) = mpsc::channel(self.queue);
        let queued = Arc::new(AtomicUsize::new(0));
        let subscriber = Subscriber { sender, queued: Arc::clone(&queued), most: self.queue_bytes };
        let mut inner = self.lock();
        // Sockets that left are noticed at the next message of their stream, which may never come.
        inner.subscribers.retain(|_, subscribers| {
            subscribers.retain(|subscriber| !subscriber.sender.is_closed());
            !subscribers.is_empty()
        });
        inner.subscribers.entry(stream.into()).or_default().push(subscriber);
        let known = inner.statuses.iter().chain(&inner.relayed).filter(|_| stream == STATUS);
        Subscription { first: known.map(|(_, message)| message.clone()).collect(), queue, queued }
    }

    fn lock(&self) -> MutexGuard<'_, BusState> {
        // No statement below leaves the lists half changed, so a poisoned lock is still right.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One listener of one stream.
#[derive(Debug)]
pub struct Subscription {
    first: std::collections::VecDeque<Utf8Bytes>,
    queue: mpsc::Receiver<Utf8Bytes>,
    queued: Arc<AtomicUsize>,
}

/// The other end of a subscription.
#[derive(Debug)]
struct Subscriber {
    sender: mpsc::Sender<Utf8Bytes>,
    /// Bytes in the queue.
    queued: Arc<AtomicUsize>,
    most: usize,
}

impl Subscriber {
    /// Queues a message; false when the subscriber has lost its place. A single message fits always.
    fn offer(&self, message: &Utf8Bytes) -> bool {
        let queued = self.queued.fetch_add(message.len(), Relaxed);
        (queued == 0 || queued + message.len() <= self.most) && self.sender.try_send(message.clone()).is_ok()
    }
}

impl Subscription {
    /// The next message; none when the subscriber was too slow and lost its place. Cancel-safe.
    pub async fn next(&mut self) -> Option<Utf8Bytes> {
        match self.first.pop_front() {
            Some(message) => Some(message),
            None => self.queue.recv().await.inspect(|message| self.taken(message)),
        }
    }

    /// The next message if there is one already.
    pub fn waiting(&mut self) -> Option<Utf8Bytes> {
        self.first.pop_front().or_else(|| self.queue.try_recv().ok().inspect(|message| self.taken(message)))
    }

    fn taken(&self, message: &Utf8Bytes) {
        self.queued.fetch_sub(message.len(), Relaxed);
    }
}

impl BusState {
    /// Sends fields that are written already: that takes a while for long ones, and whoever says STOP waits for the lock.
    fn send(&mut self, stream: &str, said: &str) -> Utf8Bytes {
        let id = python::frame([(MESSAGE_ID, self.next_id(wall_clock::since_epoch()).as_str())]);
        let message = Utf8Bytes::from(joined(&id, said));
        if let Some(subscribers) = self.subscribers.get_mut(stream) {
            subscribers.retain(|subscriber| subscriber.offer(&message));
            if subscribers.is_empty() {
                self.subscribers.remove(stream);
            }
        }
        message
    }

    /// Unique and increasing, even when the wall clock is set back.
    fn next_id(&mut self, now: Duration) -> String {
        let (millis, count) = self.last_id;
        self.last_id = if now.as_millis() > millis { (now.as_millis(), 0) } else { (millis, count + 1) };
        format!("{}-{}", self.last_id.0, self.last_id.1)
    }
}

fn remember(statuses: &mut Vec<(String, Utf8Bytes)>, fields: MessageFields<'_>, message: &Utf8Bytes) {
    if message.len() > REMEMBERED_BYTES {
        return;
    }
    let Some((_, device)) = fields.iter().find(|(name, _)| *name == "device") else { return };
    statuses.retain(|(known, _)| known != device);
    if statuses.len() == REMEMBERED_DEVICES {
        // A machine elsewhere is a client, and the one that must not be forgotten.
        let oldest = statuses.iter().position(|(known, _)| known != MACHINE).unwrap_or(0);
        statuses.remove(oldest);
    }
    statuses.push(((*device).into(), message.clone()));
}

/// The message with the fields of both.
fn joined(first: &str, then: &str) -> String {
    match (first.strip_suffix("}]"), then.strip_prefix("[{")) {
        (Some(first), Some(then)) if then != "}]" => [first, ", ", then].concat(),
        _ => first.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_increase_when_the_clock_stands_or_goes_back() {
        let mut inner = BusState::default();
        let ids = [5, 5, 3, 6, 6].map(|ms| inner.next_id(Duration::from_millis(ms)));
        assert_eq!(ids, ["5-0", "5-1", "5-2", "6-0", "6-1"]);
    }

    #[test]
    fn all_hear_the_same_and_the_slow_one_loses_its_place() {
        let bus = Bus::new(2, 1_000);
        let (mut quick, mut slow) = (bus.subscribe("a"), bus.subscribe("a"));
        let mut other = bus.subscribe("b");
        let mut heard = Vec::new();
        for n in ["1", "2", "3"] {
            bus.publish("a", &[("n", n)]);
            heard.push(quick.waiting().unwrap());
        }
        assert!(heard[2].ends_with("\"n\": \"3\"}]"), "{}", heard[2]);
        assert_eq!([slow.waiting(), slow.waiting()], [Some(heard[0].clone()), Some(heard[1].clone())]);
        assert_eq!(slow.queue.try_recv(), Err(mpsc::error::TryRecvError::Disconnected));
        assert_eq!(other.waiting(), None);
    }

    #[test]
    fn a_queue_is_bounded_in_bytes_too_and_takes_one_message_of_any_length() {
        let bus = Bus::new(64, 1_000);
        let mut listener = bus.subscribe("a");
        let long = "x".repeat(2_000);
        for _ in 0..3 {
            bus.publish("a", &[("n", &long)]);
            assert!(listener.waiting().is_some());
        }
        bus.publish("a", &[("n", &long)]);
        bus.publish("a", &[("n", "short")]);
        assert!(listener.waiting().is_some_and(|message| message.len() > 2_000));
        assert_eq!(listener.queue.try_recv(), Err(mpsc::error::TryRecvError::Disconnected));
    }

    #[test]
    fn a_new_listener_of_status_hears_how_each_device_is() {
        let bus = Bus::new(4, 1_000);
        for (device, kind) in [("machine", "running"), ("sensor", "warning"), ("machine", "waiting")] {
            bus.publish(STATUS, &[("device", device), ("type", kind)]);
        }
        let mut early = bus.subscribe(STATUS);
        bus.mention(STATUS, &[("device", "queue"), ("type", "warning")]);
        let heard: Vec<_> = std::iter::from_fn(|| early.waiting()).collect();
        assert!(heard.last().unwrap().contains("\"queue\""), "{heard:?}");
        let mut late = bus.subscribe(STATUS);
        assert!(late.waiting().unwrap().contains("\"sensor\", \"type\": \"warning\""));
        assert!(late.waiting().unwrap().contains("\"machine\", \"type\": \"waiting\""));
        assert_eq!(late.waiting(), None);
        for device in 0..2 * REMEMBERED_DEVICES {
            bus.publish(STATUS, &[("device", &device.to_string())]);
        }
        assert_eq!(bus.lock().statuses.len(), REMEMBERED_DEVICES);
    }

    #[test]
    fn devices_that_clients_invent_push_nobody_out() {
        let bus = Bus::new(4, 1_000);
        bus.publish(STATUS, &[("device", "store"), ("type", "warning")]);
        bus.relay(STATUS, &[("device", MACHINE), ("type", "running")]);
        for device in 0..2 * REMEMBERED_DEVICES {
            bus.relay(STATUS, &[("device", &device.to_string())]);
        }
        let mut late = bus.subscribe(STATUS);
        let heard: Vec<_> = std::iter::from_fn(|| late.waiting()).collect();
        assert_eq!(heard.len(), 1 + REMEMBERED_DEVICES);
        assert!(heard[0].contains("\"store\"") && heard[1].contains("\"machine\""), "{heard:?}");
        for own in [MACHINE, "Machine ", "queue"] {
            assert!(is_own(own), "{own}");
        }
        assert!(!is_own("machine2"));
    }

    #[test]
    fn streams_that_nobody_hears_cost_nothing() {
        let bus = Bus::new(4, 1_000);
        drop(bus.subscribe("a"));
        bus.publish("b", &[("n", "1")]);
        let _kept = bus.subscribe("c");
        assert_eq!(bus.lock().subscribers.len(), 1);
    }

    #[test]
    fn a_command_is_announced_with_its_time() {
        let bus = Bus::new(4, 1_000);
        let mut heard = bus.subscribe(COMMANDS);
        bus.announce("stop", None);
        bus.announce("loop_wave", Some("[]"));
        let stop: serde_json::Value = serde_json::from_str(&heard.waiting().unwrap()).unwrap();
        assert!(stop[0]["time"].as_str().unwrap().parse::<f64>().unwrap() > 1.7e9);
        assert_eq!(stop[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["message_id", "type", "time"]);
        assert!(heard.waiting().unwrap().ends_with("\"data\": \"[]\"}]"));
    }
}
