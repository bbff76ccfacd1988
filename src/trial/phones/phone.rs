//! One phone: its token, and the page on it with its control socket.

use serde_json::{Value, json};

use super::ns;
use crate::hal::sim::Random;
use crate::trial::client::ClientKind;
use crate::trial::control_client::ControlClient;
use crate::trial::process::TrialProcess;
use crate::units::{MILLISECOND_NS, Nanos};

/// Interval at which the page says that it is there.
const ALIVE_NS: Nanos = 500 * MILLISECOND_NS;

/// A phone.
#[derive(Debug)]
pub struct Phone {
    /// Its name.
    pub kind: ClientKind,
    /// Its token, which may be good no more.
    pub token: Option<String>,
    /// The socket of its page while that is open.
    pub socket: Option<ControlClient>,
    /// The page hangs until then: it says nothing, and its browser goes on.
    pub hangs_until_ns: Nanos,
    /// Instants of its next sign of life and of its next act.
    pub alive_ns: Nanos,
    /// See there.
    pub acts_ns: Nanos,
    away_until_ns: Nanos,
}

impl Phone {
    /// A phone whose page is not open yet.
    pub fn new(kind: ClientKind, random: &mut Random) -> Phone {
        let opens_ns = ns(random.between(0.5, 10.0));
        Phone {
            kind,
            token: None,
            socket: None,
            hangs_until_ns: 0,
            alive_ns: opens_ns,
            acts_ns: opens_ns,
            away_until_ns: opens_ns,
        }
    }

    /// Opens the page, or says that it is there, when that is due.
    pub fn be_there(&mut self, process: &mut TrialProcess, random: &mut Random) {
        let now = process.now();
        if now < self.alive_ns {
            return;
        }
        self.alive_ns = now + ALIVE_NS;
        if now < self.away_until_ns || now < self.hangs_until_ns {
            return;
        }
        if self.socket.as_ref().is_some_and(ControlClient::is_open) {
            return self.say(process, json!({ "type": "alive" }), now);
        }
        // It may be refused; then it tries again later, as a page does.
        self.socket = Some(process.open_control(self.kind, self.token.clone()));
        self.away_until_ns = now + ns(random.between(0.5, 2.0));
    }

    /// True if its page shows the machine in this state.
    pub fn sees(&self, state: &str) -> bool {
        self.socket.as_ref().is_some_and(|socket| socket.known().state == state)
    }

    /// Says something, if its page is open.
    pub fn say(&self, process: &mut TrialProcess, message: Value, decided_ns: Nanos) {
        if let Some(socket) = self.socket.as_ref().filter(|socket| socket.is_open()) {
            process.say(socket, message, decided_ns);
        }
    }

    /// The page hangs for so long.
    pub fn hang(&mut self, lasts_ns: Nanos, now: Nanos) {
        self.hangs_until_ns = now + lasts_ns;
    }

    /// The page is closed for so long.
    pub fn leave(&mut self, lasts_ns: Nanos, now: Nanos) {
        self.socket = None;
        self.away_until_ns = now + lasts_ns;
    }
}
