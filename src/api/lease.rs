//! The lease on a wave (promise S17): it moves on while the client that started it is there, and comes to rest when that
//! client has given no sign of life for [`Limits::lease_time`](super::ServerLimits::lease_time).
//!
//! A client is known by its address and its `User-Agent`: a page's requests and sockets share both, two programs on
//! one computer do not. A sign of life is any request of it that is let in and understood, from whoever might have started
//! the wave, and anything that is heard on such a socket of it, the answers to pings among them; a socket that is open
//! and silent is a cable that was pulled. What a guest, a forwarded request or a page of another site asks for is nobody's
//! sign of life, whatever it says of itself. Whoever does not want to stay asks for [`Policy::Continue`] with the wave, or in
//! the configuration; when it is gone then, that is told and nothing else.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::header::{HeaderMap, USER_AGENT};
use tokio::time::Instant;

use super::bus::STATUS;
use super::context::Context;
use super::orders::No;
use super::port::MachineLocation;
use crate::auth::Standing;
use crate::machine::Command;
use crate::wave::Wave;

/// What becomes of a wave whose client is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// The axis comes to rest.
    #[default]
    Stop,
    /// It moves on, and the clients that are there are told.
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

/// One client, as far as it can be told from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    peer: IpAddr,
    agent: Arc<[u8]>,
    /// Whether it could have started a wave.
    may_move: bool,
}

impl Client {
    /// The client at that address that sent these headers and was let in as this.
    #[must_use]
    pub fn of(peer: IpAddr, headers: &HeaderMap, standing: Standing) -> Client {
        let agent = headers.get(USER_AGENT).map_or(&[][..], |agent| agent.as_bytes());
        Client { peer: peer.to_canonical(), agent: agent.into(), may_move: standing >= Standing::Local }
    }
}

/// Who holds the wave.
#[derive(Debug)]
struct LeaseHolder {
    client: Client,
    heard: Instant,
    number: u64,
}

/// The lease; there is one, as there is one axis.
#[derive(Debug, Default)]
pub struct Lease {
    held: Mutex<Option<LeaseHolder>>,
    /// Had by who starts a wave, from before it is asked for until it is held, and by who ends one whose client is gone:
    /// a client that is lost must not end the wave of the next one.
    turn: tokio::sync::Mutex<()>,
    /// Whether the clients have been warned that the one of the wave is gone, and not been told that it is over.
    warned: AtomicBool,
}

/// What whoever watches a lease does next.
enum WatchStep {
    /// Looks again then.
    Until(Instant),
    /// The client is gone.
    Gone,
    /// Another lease has taken its place.
    Over,
}

impl Lease {
    /// A sign of life of that client.
    pub fn heard(&self, client: &Client) {
        if client.may_move
            && let Some(held) = self.lock().as_mut().filter(|held| held.client == *client)
        {
            held.heard = Instant::now();
        }
    }

    /// From now on that client holds the wave; the number of this lease.
    fn grant(&self, client: Client) -> u64 {
        let mut held = self.lock();
        let number = held.as_ref().map_or(1, |held| held.number + 1);
        *held = Some(LeaseHolder { client, heard: Instant::now(), number });
        number
    }

    fn watch(&self, number: u64, lasts: Duration) -> WatchStep {
        let held = self.lock();
        let Some(held) = held.as_ref().filter(|held| held.number == number) else { return WatchStep::Over };
        let until = held.heard + lasts;
        if Instant::now() >= until { WatchStep::Gone } else { WatchStep::Until(until) }
    }

    fn lock(&self) -> MutexGuard<'_, Option<LeaseHolder>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Context {
    /// Runs the wave for this client, to whom it belongs from now on; nothing else is moved by a yep-machine elsewhere than
    /// what is announced. `asked` is what the client said should happen without it, the configuration says it otherwise. A
    /// wave of another client is held by nobody else from now on.
    ///
    /// # Errors
    /// [`No`].
    pub async fn run(
        self: &Arc<Self>,
        client: &Client,
        wave: Option<Wave>,
        asked: Option<Policy>,
    ) -> Result<(), No> {
        let _turn = self.lease.turn.lock().await;
        let stops = self.may_start(client)?;
        if let Some(wave) = wave {
            self.start(stops, Command::Run(wave)).await?;
        }
        let number = self.lease.grant(client.clone());
        // Somebody is there again.
        self.client_warning_is_over();
        if self.port.location() == MachineLocation::Local {
            let policy = asked.unwrap_or(self.options.lease);
            tokio::spawn(watch(Arc::clone(self), number, policy));
        }
        // Of what a machine elsewhere does nothing is known, so nothing can be held.
        Ok(())
    }

    /// Warns of a client that is gone, until its wave is over.
    fn warn_of_client(&self, why: &str) {
        tracing::warn!("{why}");
        self.lease.warned.store(true, Ordering::SeqCst);
        self.bus.publish(STATUS, &[("device", "client"), ("type", "warning"), ("why", why)]);
        // It may have come to rest meanwhile, and then nobody else looks.
        if !self.port.snapshots().borrow().state.is_moving() {
            self.client_warning_is_over();
        }
    }

    /// The wave whose client is gone has ended, or belongs to somebody else: takes the warning back, if there was one.
    pub fn client_warning_is_over(&self) {
        if self.lease.warned.swap(false, Ordering::SeqCst) {
            self.bus.publish(STATUS, &[("device", "client"), ("type", "waiting")]);
        }
    }
}

async fn watch(ctx: Arc<Context>, number: u64, policy: Policy) {
    let lasts = ctx.options.limits.lease_time;
    let _turn = loop {
        match ctx.lease.watch(number, lasts) {
            WatchStep::Over => return,
            WatchStep::Until(instant) => tokio::time::sleep_until(instant).await,
            WatchStep::Gone => {
                let turn = ctx.lease.turn.lock().await;
                // Somebody may have had it meanwhile.
                if matches!(ctx.lease.watch(number, lasts), WatchStep::Gone) {
                    break turn;
                }
            }
        }
        if !ctx.port.snapshots().borrow().state.is_moving() {
            return;
        }
    };
    if !ctx.port.snapshots().borrow().state.is_moving() {
        return;
    }
    match policy {
        Policy::Stop => {
            ctx.warn_of_client("the client that started the wave is gone: the axis comes to rest");
            if let Err(refusal) = ctx.port.command(Command::ClientGone).await {
                // Whatever the reason is that it does not listen, it must not go on.
                tracing::warn!(%refusal, "the wave's client is gone, and the machine does not take it: STOP");
                ctx.stop();
            }
        }
        Policy::Continue => ctx.warn_of_client(
            "the client that started the wave is gone: it goes on until END or STOP, as was asked for",
        ),
    }
}
