//! Who gets a connection.
//!
//! Counts the open connections, in all and for each address, and keeps some of them free for this machine's
//! own programs and for STOP. A [`Slot`] is one connection; it is given back when it is dropped.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::limits::Limits;

/// The counts.
#[derive(Debug, Default)]
struct Counts {
    all: usize,
    /// Connections of others that came when only the reserve was left.
    stop_only: usize,
    by_address: HashMap<IpAddr, usize>,
    sockets: usize,
}

/// All connections of the server.
#[derive(Debug)]
pub struct Slots {
    counts: Mutex<Counts>,
    connections: usize,
    per_address: usize,
    reserved: usize,
    sockets: usize,
}

/// One open connection.
#[derive(Debug)]
pub struct Slot {
    slots: Arc<Slots>,
    address: IpAddr,
    /// Only STOP is answered on it: it is one of the reserve.
    pub stop_only: bool,
}

/// One open WebSocket.
#[derive(Debug)]
pub struct SocketSlot(Arc<Slots>);

impl Slots {
    /// Counters at zero.
    #[must_use]
    pub fn new(limits: &Limits) -> Arc<Slots> {
        Arc::new(Slots {
            counts: Mutex::default(),
            connections: limits.connections,
            per_address: limits.connections_per_address,
            reserved: limits.reserved_connections,
            sockets: limits.sockets,
        })
    }

    /// A slot for a connection from `peer`; none when it must be turned away.
    #[must_use]
    pub fn take(self: &Arc<Self>, peer: IpAddr) -> Option<Slot> {
        let address = peer.to_canonical();
        let mut counts = self.lock();
        let own = address.is_loopback();
        let of_address = counts.by_address.get(&address).copied().unwrap_or(0);
        if counts.all >= self.connections || (!own && of_address >= self.per_address) {
            return None;
        }
        let stop_only = !own && counts.all >= self.connections.saturating_sub(self.reserved);
        // The other half of the reserve stays out of reach, so that strangers cannot lock out the app.
        if stop_only && counts.stop_only >= self.reserved / 2 {
            return None;
        }
        counts.all += 1;
        counts.stop_only += usize::from(stop_only);
        *counts.by_address.entry(address).or_default() += 1;
        Some(Slot { slots: Arc::clone(self), address, stop_only })
    }

    /// A slot for a WebSocket; none when there are too many.
    #[must_use]
    pub fn take_socket(self: &Arc<Self>) -> Option<SocketSlot> {
        let mut counts = self.lock();
        if counts.sockets >= self.sockets {
            return None;
        }
        counts.sockets += 1;
        Some(SocketSlot(Arc::clone(self)))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counts> {
        // The counts are whole after every statement that can panic, so a poisoned lock is still right.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.slots.lock();
        counts.all -= 1;
        counts.stop_only -= usize::from(self.stop_only);
        if let Some(count) = counts.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

impl Drop for SocketSlot {
    fn drop(&mut self) {
        self.0.lock().sockets -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn other(i: u8) -> IpAddr {
        IpAddr::from([192, 168, 1, i])
    }

    fn slots() -> Arc<Slots> {
        Slots::new(&Limits {
            connections: 10,
            connections_per_address: 2,
            reserved_connections: 4,
            sockets: 1,
            ..Limits::default()
        })
    }

    #[test]
    fn one_address_gets_its_share_and_this_machine_gets_the_rest() {
        let slots = slots();
        let mut held = vec![slots.take(other(1)).unwrap(), slots.take(other(1)).unwrap()];
        assert!(slots.take(other(1)).is_none(), "a third one of the same address");
        held.extend((0..8).map(|_| slots.take(OWN).unwrap()));
        assert!(slots.take(OWN).is_none(), "the eleventh");
        held.clear();
        assert!(slots.take(other(1)).is_some());
        assert!(slots.lock().by_address.is_empty());
    }

    #[test]
    fn a_flood_from_many_addresses_leaves_room_for_stop_and_for_this_machine() {
        let slots = slots();
        let flood: Vec<_> = (0..6).map(|i| slots.take(other(i)).unwrap()).collect();
        assert!(flood.iter().all(|slot| !slot.stop_only));
        let for_stop = [slots.take(other(7)).unwrap(), slots.take(other(8)).unwrap()];
        assert!(for_stop.iter().all(|slot| slot.stop_only));
        assert!(slots.take(other(9)).is_none());
        let own = [slots.take(OWN).unwrap(), slots.take(OWN).unwrap()];
        assert!(own.iter().all(|slot| !slot.stop_only));
        drop(for_stop);
        assert!(slots.take(other(9)).unwrap().stop_only);
    }

    #[test]
    fn a_dual_stack_address_is_the_same_address() {
        let slots = slots();
        let _held =
            [slots.take(other(1)).unwrap(), slots.take("::ffff:192.168.1.1".parse().unwrap()).unwrap()];
        assert!(slots.take(other(1)).is_none());
    }

    #[test]
    fn sockets_are_counted_apart() {
        let slots = slots();
        let held = slots.take_socket();
        assert!(held.is_some() && slots.take_socket().is_none());
        drop(held);
        assert!(slots.take_socket().is_some());
    }
}
