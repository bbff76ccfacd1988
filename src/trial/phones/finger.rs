//! The finger of a person who sets the machine up: holds a nudge now and then while the machine is not homed.

use serde_json::json;

use super::ns;
use super::phone::Phone;
use crate::hal::sim::Random;
use crate::trial::process::TrialProcess;
use crate::units::{MILLISECOND_NS, Nanos};

/// Interval at which the page says that the finger is down.
const HELD_NS: Nanos = 100 * MILLISECOND_NS;
/// Share of the opportunities that are taken: somebody wants to home as well.
const NUDGE_SHARE: f64 = 0.3;

/// The finger. It has random numbers of its own.
#[derive(Debug)]
pub struct Finger {
    random: Random,
    /// While it is down: until when.
    down_until_ns: Option<Nanos>,
    /// Instant of its next word, or of its next look at the machine.
    pub next_ns: Nanos,
}

impl Finger {
    /// A finger that is up.
    pub fn new(random: Random) -> Finger {
        Finger { random, down_until_ns: None, next_ns: 0 }
    }

    /// True while it is down: its person does nothing else.
    pub const fn is_down(&self) -> bool {
        self.down_until_ns.is_some()
    }

    /// Does what is due at the page of this phone.
    pub fn act(&mut self, process: &mut TrialProcess, phone: &Phone) {
        let now = process.now();
        if now < self.next_ns {
            return;
        }
        if let Some(until_ns) = self.down_until_ns {
            self.next_ns = now + HELD_NS;
            if now >= until_ns || phone.hangs_until_ns > now {
                self.down_until_ns = None;
                self.next_ns = now + ns(self.random.log_between(0.1, 2.0));
            } else {
                phone.say(process, json!({ "type": "alive" }), now);
            }
            return;
        }
        self.next_ns = now + ns(self.random.log_between(0.1, 2.0));
        let Some(known) = phone.socket.as_ref().map(|socket| socket.known()) else { return };
        if known.state != "not_homed" || phone.hangs_until_ns > now || !self.random.chance(NUDGE_SHARE) {
            return;
        }
        let toward = *self.random.one_of(&["front", "back"]);
        let travel = *self.random.one_of(&["short", "ruler"]);
        self.down_until_ns = Some(now + ns(self.random.log_between(0.05, 4.0)));
        self.next_ns = now + HELD_NS;
        let message =
            json!({ "type": "nudge", "toward": toward, "travel": travel, "after_stop": known.stops });
        phone.say(process, message, now);
    }
}
