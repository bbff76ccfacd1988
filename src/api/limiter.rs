//! Connection limiter: who keeps a connection when there are many.
//!
//! A newcomer is never turned away for being late: it *waits*, cheaply, until the header of its first request is there.
//! Then STOP is answered at once, and anything else needs a *place*. There are places in all and for each network (an
//! IPv4 address, a /64 of IPv6); when they are taken, the connection that has rested or dawdled longest loses its own.
//! Only while all of them are at work is a request answered with 503. Also of those that wait there are only so many:
//! one of the network that has most of them goes first.
//!
//! A [`Slot`] is one connection; it is given back when it is dropped.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::limits::ServerLimits;
use super::read_deadline::ReadDeadline;

/// Those who share one share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Network {
    /// This machine's own programs.
    Own,
    /// An address; of an IPv6 one the first half, as a host may choose the second one as it likes.
    Of(IpAddr),
}

impl Network {
    fn of(peer: IpAddr) -> Network {
        match peer.to_canonical() {
            address if address.is_loopback() => Network::Own,
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Network::Of(Ipv6Addr::from([a, b, c, d, 0, 0, 0, 0]).into())
            }
            address @ IpAddr::V4(_) => Network::Of(address),
        }
    }
}

#[derive(Debug)]
struct ConnectionEntry {
    network: Network,
    deadline: ReadDeadline,
    kind: ConnectionKind,
}

/// How a connection is counted.
#[derive(Debug, Clone, Copy, PartialEq)]
enum ConnectionKind {
    /// Its first request is on its way.
    Waiting,
    /// It has a place.
    Placed,
    /// Its place was given to another one; it is about to be closed.
    Evicted,
}

/// How many connections there are of a kind.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    waiting: usize,
    placed: usize,
}

impl Count {
    fn of(&mut self, kind: ConnectionKind) -> Option<&mut usize> {
        match kind {
            ConnectionKind::Waiting => Some(&mut self.waiting),
            ConnectionKind::Placed => Some(&mut self.placed),
            ConnectionKind::Evicted => None,
        }
    }

    fn open(self) -> usize {
        self.waiting + self.placed
    }
}

#[derive(Debug, Default)]
struct LimiterState {
    open: BTreeMap<u64, ConnectionEntry>,
    /// Counts of what is open, so that a newcomer costs the same however many there are.
    all: Count,
    by_network: HashMap<Network, Count>,
    next: u64,
    sockets: usize,
    sockets_by_network: HashMap<Network, usize>,
}

/// All connections of the server.
#[derive(Debug)]
pub struct Limiter {
    inner: Mutex<LimiterState>,
    limits: ServerLimits,
}

/// One open connection.
#[derive(Debug)]
pub struct Slot {
    limiter: Arc<Limiter>,
    id: u64,
    /// What it is doing.
    pub deadline: ReadDeadline,
}

/// One open WebSocket.
#[derive(Debug)]
pub struct SocketSlot {
    limiter: Arc<Limiter>,
    network: Network,
}

impl LimiterState {
    fn of(&self, network: Network) -> Count {
        self.by_network.get(&network).copied().unwrap_or_default()
    }

    fn insert(&mut self, network: Network, deadline: ReadDeadline) -> u64 {
        let id = self.next;
        self.next += 1;
        self.open.insert(id, ConnectionEntry { network, deadline, kind: ConnectionKind::Waiting });
        self.all.waiting += 1;
        self.by_network.entry(network).or_default().waiting += 1;
        id
    }

    fn set_kind(&mut self, id: u64, kind: ConnectionKind) {
        let Some(entry) = self.open.get_mut(&id) else { return };
        let counts = [&mut self.all, self.by_network.entry(entry.network).or_default()];
        for count in counts {
            if let Some(count) = count.of(entry.kind) {
                *count -= 1;
            }
            if let Some(count) = count.of(kind) {
                *count += 1;
            }
        }
        entry.kind = kind;
    }

    fn remove(&mut self, id: u64) {
        self.set_kind(id, ConnectionKind::Evicted);
        let Some(entry) = self.open.remove(&id) else { return };
        if self.of(entry.network).open() == 0 {
            self.by_network.remove(&entry.network);
        }
    }

    /// Closes the connection of this kind, and of this network if one is given, that has stood still longest, of those
    /// of the network with most of them. False when all of them are at work.
    fn evict(&mut self, kind: ConnectionKind, network: Option<Network>, grace: Duration) -> bool {
        let candidates = self.open.iter().filter(|(_, entry)| {
            entry.kind == kind && network.is_none_or(|network| entry.network == network)
        });
        let idle =
            candidates.filter_map(|(id, entry)| Some((entry.deadline.idle_since()?, id, entry.network)));
        let most = |network| self.of(network).of(kind).copied();
        let longest = idle.max_by_key(|(since, _, network)| (most(*network), Reverse(*since)));
        let Some(id) = longest.map(|(_, id, _)| *id) else { return false };
        self.open[&id].deadline.evict(grace);
        self.set_kind(id, ConnectionKind::Evicted);
        true
    }
}

impl Limiter {
    /// No connections yet.
    #[must_use]
    pub fn new(limits: &ServerLimits) -> Arc<Limiter> {
        Arc::new(Limiter { inner: Mutex::default(), limits: limits.clone() })
    }

    /// A connection from `peer`, which waits from now on.
    #[must_use]
    pub fn enter(self: &Arc<Self>, peer: IpAddr) -> Slot {
        let (limits, network) = (&self.limits, Network::of(peer));
        let mut inner = self.lock();
        if inner.all.waiting >= limits.waiting_connections {
            inner.evict(ConnectionKind::Waiting, None, Duration::ZERO);
        }
        let crowded = inner.all.open() >= limits.connections
            || network != Network::Own && inner.of(network).open() >= limits.connections_per_network;
        let deadline =
            ReadDeadline::new(if crowded { limits.crowded_header_time } else { limits.header_time });
        let id = inner.insert(network, deadline.clone());
        Slot { limiter: Arc::clone(self), id, deadline }
    }

    /// When the process has no descriptor left: closes one connection that stands still.
    pub fn make_room(&self) {
        let mut inner = self.lock();
        let _ = inner.evict(ConnectionKind::Waiting, None, Duration::ZERO)
            || inner.evict(ConnectionKind::Placed, None, Duration::ZERO);
    }

    /// A slot for a WebSocket of that peer; none when there are too many in all, or half of them are of its network: no one
    /// observer takes them all.
    #[must_use]
    pub fn take_socket(self: &Arc<Self>, peer: IpAddr) -> Option<SocketSlot> {
        let network = Network::of(peer);
        let mut inner = self.lock();
        let of_network = inner.sockets_by_network.get(&network).copied().unwrap_or_default();
        let has_share = network == Network::Own || of_network < self.limits.sockets.div_ceil(2);
        if inner.sockets >= self.limits.sockets || !has_share {
            return None;
        }
        inner.sockets += 1;
        inner.sockets_by_network.insert(network, of_network + 1);
        Some(SocketSlot { limiter: Arc::clone(self), network })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LimiterState> {
        // Whole after every statement that can panic, so a poisoned lock is still right.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Its number, which no other connection has.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.id
    }

    /// Whether the request whose header is complete has a place. It gets one, at the expense of a connection that stands
    /// still, unless all that may have to yield are at work.
    #[must_use]
    pub fn admit(&self) -> bool {
        let (limits, mut inner) = (&self.limiter.limits, self.limiter.lock());
        let Some(ConnectionEntry { network, kind, .. }) = inner.open.get(&self.id) else { return false };
        let (network, kind) = (*network, *kind);
        if kind == ConnectionKind::Placed {
            return true;
        }
        let grace = limits.eviction_time;
        if network != Network::Own
            && inner.of(network).placed >= limits.connections_per_network
            && !inner.evict(ConnectionKind::Placed, Some(network), grace)
        {
            return false;
        }
        if inner.all.placed >= limits.connections && !inner.evict(ConnectionKind::Placed, None, grace) {
            return false;
        }
        inner.set_kind(self.id, ConnectionKind::Placed);
        self.deadline.readmit();
        true
    }

    /// Whether it has a place.
    #[must_use]
    pub fn has_place(&self) -> bool {
        self.limiter.lock().open.get(&self.id).is_some_and(|entry| entry.kind == ConnectionKind::Placed)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.limiter.lock().remove(self.id);
    }
}

impl Drop for SocketSlot {
    fn drop(&mut self) {
        let mut inner = self.limiter.lock();
        inner.sockets -= 1;
        if let Some(count) = inner.sockets_by_network.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                inner.sockets_by_network.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn other(i: u8) -> IpAddr {
        IpAddr::from([192, 168, 1, i])
    }

    fn limiter() -> Arc<Limiter> {
        Limiter::new(&ServerLimits {
            connections: 10,
            connections_per_network: 3,
            waiting_connections: 6,
            sockets: 4,
            ..ServerLimits::default()
        })
    }

    /// A connection whose first request is answered, and that rests now.
    fn rests(limiter: &Arc<Limiter>, peer: IpAddr) -> Slot {
        let slot = works(limiter, peer).unwrap();
        slot.deadline.resting();
        slot
    }

    /// A connection whose first request is being answered; none when it has no place.
    fn works(limiter: &Arc<Limiter>, peer: IpAddr) -> Option<Slot> {
        let slot = limiter.enter(peer);
        slot.deadline.answering();
        slot.admit().then_some(slot)
    }

    fn evicted(slots: &[Slot]) -> Vec<usize> {
        (0..slots.len()).filter(|index| !slots[*index].has_place()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_that_rested_longest_yields_to_the_newcomer() {
        let limiter = limiter();
        let mut slots = Vec::new();
        for _ in 0..10 {
            slots.push(rests(&limiter, OWN));
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        slots[0].deadline.resting();
        slots[1].deadline.answering();
        slots.push(rests(&limiter, OWN));
        assert_eq!(evicted(&slots), [2]);
        // Who comes back takes its place from the next one.
        slots[2].deadline.answering();
        assert!(slots[2].admit());
        assert_eq!(evicted(&slots), [3]);
    }

    #[tokio::test]
    async fn a_network_has_its_share_and_yields_to_its_own_newcomers() {
        let limiter = limiter();
        let slots: Vec<_> = (0..4).map(|_| rests(&limiter, other(1))).collect();
        assert_eq!(evicted(&slots), [0]);
        for slot in &slots[1..] {
            slot.deadline.answering();
        }
        assert!(works(&limiter, other(1)).is_none(), "all of its own are at work");
        assert!(works(&limiter, other(2)).is_some());
        let [a, b] = ["2001:db8::1", "2001:db8::2"].map(|peer| peer.parse().unwrap());
        let slots: Vec<_> = [a, b, a, b].map(|peer| rests(&limiter, peer)).into();
        assert_eq!(evicted(&slots), [0], "a host has as many addresses as it likes");
        assert_eq!(Network::of("::ffff:192.168.1.1".parse().unwrap()), Network::of(other(1)));
        assert_eq!(Network::of("::1".parse().unwrap()), Network::Own);
    }

    #[tokio::test]
    async fn the_network_that_has_most_of_them_yields_first() {
        let limiter = limiter();
        let first = rests(&limiter, other(1));
        let poller: Vec<_> = (0..9).map(|_| rests(&limiter, OWN)).collect();
        let newcomer = rests(&limiter, other(2));
        assert!(first.has_place() && newcomer.has_place());
        assert_eq!(evicted(&poller), [0]);
    }

    #[tokio::test]
    async fn those_that_wait_take_no_place_and_yield_to_each_other() {
        let limiter = limiter();
        let mut silent: Vec<_> = (0..6).map(|_| limiter.enter(other(1))).collect();
        let newcomer = limiter.enter(other(2));
        assert!(silent[0].deadline.idle_since().is_some());
        assert_eq!(limiter.lock().open[&silent[0].id].kind, ConnectionKind::Evicted);
        assert_eq!(limiter.lock().open[&newcomer.id].kind, ConnectionKind::Waiting);
        assert!((0..10).all(|n| works(&limiter, other(10 + n)).is_some()));
        silent.clear();
        drop(newcomer);
        let inner = limiter.lock();
        assert!(inner.open.is_empty() && inner.by_network.is_empty() && inner.all.open() == 0);
    }

    #[test]
    fn sockets_are_counted_apart_and_one_network_has_half_of_them() {
        let limiter = limiter();
        let take = |peer| limiter.take_socket(peer);
        let (first, second) = (take(other(1)), take(other(1)));
        assert!(first.is_some() && second.is_some() && take(other(1)).is_none());
        let (third, own) = (take(other(2)), take(OWN));
        assert!(third.is_some() && own.is_some() && take(OWN).is_none(), "all four");
        drop(first);
        assert!(take(OWN).is_some() && take(other(1)).is_some());
        drop((second, third, own));
        assert!(limiter.lock().sockets_by_network.is_empty());
    }
}
