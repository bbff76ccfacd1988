//! The lease on a wave (promise S17): a dead-man switch in software. A wave goes on while the client that started it gives
//! signs of life, and comes to rest when that client has given none for
//! [`Limits::lease_time`](super::ServerLimits::lease_time).
//!
//! A sign of life is any request of the client that is let in and understood, from a role that may start a wave, and anything
//! that is received on such a socket of it, the answers to pings among them; a socket that is open and silent is a cable that
//! was pulled. A request of a guest, a forwarded request and one of a page of another site are nobody's sign of life.
//! A client that does not want to stay asks for [`Policy::Continue`] with the wave, or the configuration does; then its
//! absence is reported, and nothing else happens.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::client::Client;

/// What happens to a wave whose client is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// The axis comes to rest.
    #[default]
    Stop,
    /// It moves on, and the other clients are warned.
    Continue,
}

impl Policy {
    /// The policy of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Policy> {
        match name {
            "stop" => Some(Policy::Stop),
            "continue" => Some(Policy::Continue),
            _ => None,
        }
    }
}

/// The client that holds the wave.
#[derive(Debug)]
struct LeaseHolder {
    client: Client,
    heard: Instant,
    number: LeaseNumber,
}

/// The number of a lease; each grant has the next one.
pub type LeaseNumber = u64;

/// The lease; there is one, as there is one axis.
#[derive(Debug, Default)]
pub struct Lease(Mutex<Option<LeaseHolder>>);

/// The state of a lease, for the task that watches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseState {
    /// Alive; it expires then, if no sign of life comes.
    Until(Instant),
    /// Expired.
    Expired,
    /// Another lease has taken its place.
    Replaced,
}

impl Lease {
    /// Renews the lease, if that client holds it.
    pub fn renew(&self, client: &Client) {
        if client.may_move
            && let Some(held) = self.lock().as_mut().filter(|held| held.client == *client)
        {
            held.heard = Instant::now();
        }
    }

    /// Gives the lease to that client.
    pub fn grant(&self, client: Client) -> LeaseNumber {
        let mut held = self.lock();
        let number = held.as_ref().map_or(1, |held| held.number + 1);
        *held = Some(LeaseHolder { client, heard: Instant::now(), number });
        number
    }

    /// The state of the lease with that number, which expires `lasts` after the last sign of life.
    #[must_use]
    pub fn state(&self, number: LeaseNumber, lasts: Duration) -> LeaseState {
        let held = self.lock();
        let Some(held) = held.as_ref().filter(|held| held.number == number) else {
            return LeaseState::Replaced;
        };
        let until = held.heard + lasts;
        if Instant::now() >= until { LeaseState::Expired } else { LeaseState::Until(until) }
    }

    fn lock(&self) -> MutexGuard<'_, Option<LeaseHolder>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
