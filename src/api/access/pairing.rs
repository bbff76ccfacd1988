//! Pairing: a request or a code, a proof of presence, a token (promise S37).
//!
//! There is one request by the switches at a time, one window with six digits, and one code on the card. Guesses are counted over
//! all addresses, since a stranger has as many of these as it likes.

mod by_code;
mod by_switches;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::code::{self, CodeWindow};
use super::devices::{Devices, NewDevice};
use super::entropy::Entropy;
use super::switch_order::{LimitSwitch, SwitchOrder};
use crate::api::charge::client::Client;
use crate::api::port::{MachineLocation, MachinePort};
use crate::api::problem::ProblemCode;
use crate::auth::{Role, Token};
use crate::machine::State;
use crate::store::{DeviceRole, StoreError};
use crate::token_bucket::TokenBucket;

/// So long a request waits for the switches.
pub const REQUEST_TIME: Duration = Duration::from_secs(120);
/// So long a person may take for both presses.
pub const PRESS_TIME: Duration = Duration::from_secs(30);
/// A proof is good for so long: the page that asked has to fetch its token.
const PROVEN_TIME: Duration = Duration::from_secs(60);
/// A request whose device has not asked for news for so long is over: its page is closed.
const UNPOLLED_TIME: Duration = Duration::from_secs(30);
/// While a second device asks, presses count for neither; it asks for so long.
const CONTEST_TIME: Duration = Duration::from_secs(10);
/// A ticket for another name of this server is good for so long.
pub const TICKET_TIME: Duration = Duration::from_secs(60);
/// Presence that was proven by the switches lasts so long.
pub const PRESENCE_TIME: Duration = Duration::from_secs(600);
/// Letting in anew, beside admins that there are, needs a machine that was switched on so recently.
pub const ANEW_TIME: Duration = Duration::from_secs(300);
/// A wait for news of a request is answered after this at the latest.
const POLL_TIME: Duration = Duration::from_secs(20);
/// Tries of any kind a second, and in a burst, over all addresses.
const TRIES_PER_S: f64 = 10.0;

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PairingPurpose {
    /// A new device of that name.
    Device(String),
    /// A new device that becomes an admin beside those that there are: they are lost.
    Anew(String),
    /// To show that the person with this device is at the machine.
    Presence(u32),
}

/// Why somebody is not let in.
#[derive(Debug)]
pub enum PairingRefusal {
    /// A reason with its words.
    No(ProblemCode, String),
    /// It could not be written down.
    NotKept(StoreError),
}

impl PairingRefusal {
    fn no(code: ProblemCode, why: impl Into<String>) -> PairingRefusal {
        PairingRefusal::No(code, why.into())
    }
}

impl From<StoreError> for PairingRefusal {
    fn from(error: StoreError) -> PairingRefusal {
        PairingRefusal::NotKept(error)
    }
}

/// A request by the switches, for the one who made it.
#[derive(Debug, Clone)]
pub struct OpenRequest {
    /// Its number.
    pub id: u64,
    /// What only its maker knows.
    pub secret: String,
    /// The switches to press, in this order.
    pub ask: [LimitSwitch; 2],
}

/// How far a request is.
#[derive(Debug, Clone)]
pub enum RequestProgress {
    /// The presses so far, whether somebody else asks too, and the time that is left.
    Waiting(usize, bool, Duration),
    /// Somebody was let in.
    Paired(LetIn),
    /// Presence is proven.
    Present,
}

/// A device that was let in just now, with its token.
#[derive(Debug, Clone)]
pub struct LetIn {
    /// Its number.
    pub number: u32,
    /// Its role.
    pub role: DeviceRole,
    /// Its token.
    pub token: Token,
}

#[derive(Debug)]
struct SwitchRequest {
    open: OpenRequest,
    purpose: PairingPurpose,
    order: SwitchOrder,
    until: Instant,
    /// Its device asked for news then.
    polled: Instant,
    /// From the first press on.
    pressed_until: Option<Instant>,
    contested_until: Option<Instant>,
    outcome: Option<Result<(), (ProblemCode, &'static str)>>,
}

/// Lets a device in under another name of this server.
#[derive(Debug)]
struct Ticket {
    secret: String,
    device: u32,
    until: Instant,
}

#[derive(Debug)]
struct Desk {
    request: Option<SwitchRequest>,
    window: Option<CodeWindow>,
    ticket: Option<Ticket>,
    /// The device whose owner is at the machine, and until when.
    present: Option<(u32, Instant)>,
    tries: TokenBucket,
    requests: u64,
}

/// Pairing, for all ways.
pub struct Pairing {
    port: Arc<dyn MachinePort>,
    devices: Arc<Devices>,
    entropy: Entropy,
    desk: Mutex<Desk>,
    changes: watch::Sender<u64>,
    /// The start of the process.
    began: Instant,
    /// A code on the card is tried by one at a time.
    card_turn: tokio::sync::Mutex<()>,
}

impl Pairing {
    /// Pairing for these devices.
    ///
    /// # Panics
    /// Outside a runtime.
    #[must_use]
    pub fn new(port: Arc<dyn MachinePort>, devices: Arc<Devices>, entropy: Entropy) -> Pairing {
        let tries = TokenBucket::full(TRIES_PER_S, TRIES_PER_S, Instant::now().into_std());
        let desk = Desk { request: None, window: None, ticket: None, present: None, tries, requests: 0 };
        Pairing {
            port,
            devices,
            entropy,
            desk: Mutex::new(desk),
            changes: watch::Sender::new(0),
            began: Instant::now(),
            card_turn: tokio::sync::Mutex::default(),
        }
    }

    /// Counts one try of anybody; false if there are too many just now.
    #[must_use]
    pub fn may_try(&self) -> bool {
        self.desk().tries.take(Instant::now().into_std())
    }

    /// Why the switches can prove nothing now, if so.
    ///
    /// # Errors
    /// The reason, for people.
    pub fn check_switches(&self) -> Result<(), &'static str> {
        if self.port.location() == MachineLocation::Remote {
            return Err("the switches are at a machine on another host");
        }
        let snapshot = *self.port.snapshots().borrow();
        if snapshot.state == State::NotHomed {
            return Ok(());
        }
        Err("the axis is in use, and its switches protect it: ask a paired device, or restart the machine")
    }

    /// True if a code on the card would be tried.
    #[must_use]
    pub fn has_card_code(&self) -> bool {
        self.devices.state().card_code.as_ref().is_some_and(code::is_good)
    }

    /// The window with six digits, if one is open, with the time that is left.
    #[must_use]
    pub fn window(&self) -> Option<CodeWindow> {
        self.desk().window.clone().filter(CodeWindow::is_open)
    }

    /// True if a request waits for the switches.
    #[must_use]
    pub fn has_request(&self) -> bool {
        self.desk().request.as_ref().is_some_and(SwitchRequest::waits)
    }

    /// True if the person with this client is at the machine: on the machine itself, or by the switches.
    #[must_use]
    pub fn is_present(&self, client: &Client) -> bool {
        let present = self.desk().present.filter(|(_, until)| *until > Instant::now());
        client.caller.role == Role::Local
            || present.is_some_and(|(device, _)| client.caller.device == Some(device))
    }

    /// The person with this client has shown to be at the machine in another way: both switches were tried by hand while its step of
    /// the first run was in progress.
    pub fn prove_presence(&self, client: &Client) {
        if let Some(device) = client.caller.device {
            self.desk().present = Some((device, Instant::now() + PRESENCE_TIME));
        }
    }

    /// Lets a device in that is proven by `how`.
    ///
    /// # Errors
    /// [`StoreError`]; then it is not in.
    pub async fn let_in(&self, new: NewDevice, how: &str) -> Result<LetIn, StoreError> {
        let (token, role) = (self.entropy.token(), new.role);
        let number = self.devices.add(new, &token, how).await?;
        Ok(LetIn { number, role, token })
    }

    fn changed(&self) {
        self.changes.send_modify(|version| *version += 1);
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
