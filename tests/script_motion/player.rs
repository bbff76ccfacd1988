//! A player of a script: sends its points ahead, as the service of the players does, and all of them anew when its clock changes.

use yep::drive::Rehearsal;
use yep::machine::FeedItem;
use yep::motion::ScriptPoint;
use yep::units::Nanos;

use super::support::Recorder;

/// Points ahead: at least so many and for so long, and at most so many.
const AHEAD: (usize, usize) = (14, 24);
const AHEAD_S: f64 = 1.0;
/// Between two looks at the clock.
pub const ROUND_MS: u64 = 20;

/// A point of a script: when it is due in the script, in s, and its share of the window.
pub type Action = (f64, f64);

pub struct Player {
    pub actions: Vec<Action>,
    /// Instant of the beginning of the script on the machine's clock, in s, and how fast it runs.
    pub begin_s: f64,
    pub rate: f64,
    pub is_running: bool,
    sent: usize,
    is_void: bool,
}

impl Player {
    /// Begins a script so that its beginning is at `begin_s`.
    pub fn new(actions: Vec<Action>, begin_s: f64) -> Player {
        Player { actions, begin_s, rate: 1.0, is_running: true, sent: 0, is_void: true }
    }

    pub fn due_s(&self, index: usize) -> f64 {
        self.begin_s + self.actions[index].0 / self.rate
    }

    /// Position in the script.
    pub fn position_s(&self, now_s: f64) -> f64 {
        (now_s - self.begin_s) * self.rate
    }

    /// Goes on at `position_s` of the script, with that rate.
    pub fn seek(&mut self, position_s: f64, rate: f64, now_s: f64) {
        self.rate = rate;
        self.begin_s = now_s - position_s / rate;
        self.send_anew();
    }

    pub fn send_anew(&mut self) {
        self.is_void = true;
    }

    /// Sends what is to be sent at this instant.
    pub fn send(&mut self, machine: &mut Rehearsal<Recorder>) {
        let now_s = machine.now() as f64 * 1e-9;
        if core::mem::take(&mut self.is_void) {
            assert!(machine.send_to_feed(1, FeedItem::Clear));
            self.sent =
                (0..self.actions.len()).find(|i| self.due_s(*i) > now_s).unwrap_or(self.actions.len());
        }
        if !self.is_running {
            return;
        }
        let past = (0..self.sent).filter(|i| self.due_s(*i) <= now_s).count();
        while self.sent < self.actions.len() {
            let ahead = self.sent - past;
            let is_enough = ahead >= AHEAD.0 && self.due_s(self.sent) > now_s + AHEAD_S;
            if is_enough || ahead >= AHEAD.1 {
                break;
            }
            let point = ScriptPoint {
                due_ns: (self.due_s(self.sent) * 1e9) as Nanos,
                share: self.actions[self.sent].1,
            };
            assert!(machine.send_to_feed(1, FeedItem::Point(point)));
            self.sent += 1;
        }
    }

    /// Plays for so long.
    pub fn play(&mut self, machine: &mut Rehearsal<Recorder>, time_ms: u64) {
        let mut left_ms = time_ms;
        while left_ms > 0 {
            self.send(machine);
            let ms = left_ms.min(ROUND_MS);
            machine.run_ms(ms);
            left_ms -= ms;
        }
    }
}
