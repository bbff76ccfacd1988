//! Waves on behalf of clients: starts a wave, gives its client the [`Lease`], watches that, and ends the wave of a client
//! that is gone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::bus::{Bus, STATUS};
use super::client::Client;
use super::commands::{CommandError, CommandService};
use super::documents::wave::WaveInForce;
use super::lease::{Lease, LeaseNumber, LeaseState, Policy};
use super::port::{MachineLocation, MachinePort};
use crate::machine::{Accepted, Command};
use crate::wave::Wave;

/// Starts waves, and holds the lease on the one that runs.
pub struct WaveService {
    port: Arc<dyn MachinePort>,
    bus: Arc<Bus>,
    commands: Arc<CommandService>,
    lease: Lease,
    /// The policy of a wave whose client asks for none.
    policy: Policy,
    /// So long the lease lasts behind a sign of life.
    lease_time: Duration,
    /// Held by the client that starts a wave, from before it is asked for until it has the lease, and by the watch that ends
    /// one whose client is gone: a client that is lost must not end the wave of the next one.
    turn: tokio::sync::Mutex<()>,
    /// True while the clients are warned that the one of the wave is gone.
    warned: AtomicBool,
    /// The wave that the machine accepted last.
    accepted: Mutex<Option<WaveInForce>>,
}

/// A wave that a client asks for.
pub struct AskedWave {
    /// The wave; none for a yep-machine elsewhere, which moves by what is announced.
    pub wave: Option<Wave>,
    /// The policy that the client asked for; without one that of the configuration holds.
    pub policy: Option<Policy>,
    /// What it asked for.
    pub description: WaveInForce,
}

impl WaveService {
    /// A service without a wave.
    #[must_use]
    pub fn new(
        port: Arc<dyn MachinePort>,
        bus: Arc<Bus>,
        commands: Arc<CommandService>,
        policy: Policy,
        lease_time: Duration,
    ) -> WaveService {
        WaveService {
            port,
            bus,
            commands,
            lease: Lease::default(),
            policy,
            lease_time,
            turn: tokio::sync::Mutex::default(),
            warned: AtomicBool::new(false),
            accepted: Mutex::default(),
        }
    }

    /// A sign of life of that client.
    pub fn renew_lease(&self, client: &Client) {
        self.lease.renew(client);
    }

    /// Runs the wave for this client, which holds the lease from then on. Without a wave the client only takes the lease.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn run(self: &Arc<Self>, client: &Client, asked: AskedWave) -> Result<Accepted, CommandError> {
        let _turn = self.turn.lock().await;
        let stops = self.commands.may_start(client)?;
        let accepted = match asked.wave {
            Some(wave) => self.commands.start(stops, Command::Run(wave)).await?,
            None => Accepted::Now,
        };
        *self.accepted.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked.description);
        let number = self.lease.grant(client.clone());
        // A client is there again.
        self.end_client_warning();
        // The state of a machine elsewhere is not known, so it cannot be held.
        if self.port.location() == MachineLocation::Local {
            tokio::spawn(Arc::clone(self).watch(number, asked.policy.unwrap_or(self.policy)));
        }
        Ok(accepted)
    }

    /// The wave that the machine accepted last.
    #[must_use]
    pub fn running(&self) -> Option<WaveInForce> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the warning about a client that is gone back, if there was one: its wave has ended, or belongs to another client.
    pub fn end_client_warning(&self) {
        if self.warned.swap(false, Ordering::SeqCst) {
            self.bus.publish(STATUS, &[("device", "client"), ("type", "waiting")]);
        }
    }

    /// Warns of a client that is gone, until its wave is over.
    fn warn_of_client(&self, why: &str) {
        tracing::warn!("{why}");
        self.warned.store(true, Ordering::SeqCst);
        self.bus.publish(STATUS, &[("device", "client"), ("type", "warning"), ("why", why)]);
        // The axis may have come to rest meanwhile, and then nothing else takes the warning back.
        if !self.moves() {
            self.end_client_warning();
        }
    }

    fn moves(&self) -> bool {
        self.port.snapshots().borrow().state.is_moving()
    }

    /// Waits until the lease with that number has expired or is over.
    async fn watch(self: Arc<Self>, number: LeaseNumber, policy: Policy) {
        let _turn = loop {
            match self.lease.state(number, self.lease_time) {
                LeaseState::Replaced => return,
                LeaseState::Until(instant) => tokio::time::sleep_until(instant).await,
                LeaseState::Expired => {
                    let turn = self.turn.lock().await;
                    // Another client may have had the turn meanwhile.
                    if self.lease.state(number, self.lease_time) == LeaseState::Expired {
                        break turn;
                    }
                }
            }
            if !self.moves() {
                return;
            }
        };
        if !self.moves() {
            return;
        }
        match policy {
            Policy::Stop => {
                self.warn_of_client("the client that started the wave is gone: the axis comes to rest");
                if let Err(refusal) = self.port.command(Command::ClientGone).await {
                    // For whatever reason it refuses, it must not go on.
                    tracing::warn!(%refusal, "the wave's client is gone, and the machine does not take it: STOP");
                    self.commands.stop();
                }
            }
            Policy::Continue => self.warn_of_client(
                "the client that started the wave is gone: it goes on until END or STOP, as was asked for",
            ),
        }
    }
}
