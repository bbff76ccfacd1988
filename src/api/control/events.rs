//! Numbered events of the machine. The newest are kept, so that a client whose connection was lost hears what it missed.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::message::ServerMessage;

/// So many are kept.
const KEPT: usize = 256;

/// The events since the start of the program.
#[derive(Debug)]
pub struct ControlEvents {
    kept: Mutex<VecDeque<NumberedEvent>>,
    newest: watch::Sender<u64>,
}

/// One event.
#[derive(Debug, Clone)]
struct NumberedEvent {
    number: u64,
    text: String,
}

/// Events behind a number.
#[derive(Debug, PartialEq, Eq)]
pub struct EventsSince {
    /// True if some between them are not kept any more.
    pub has_gap: bool,
    /// Their messages, in order.
    pub messages: Vec<String>,
    /// The number of the newest.
    pub newest: u64,
}

impl Default for ControlEvents {
    fn default() -> ControlEvents {
        ControlEvents { kept: Mutex::default(), newest: watch::Sender::new(0) }
    }
}

impl ControlEvents {
    /// Adds an event at `t` seconds on the machine's clock.
    pub fn push(&self, t: f64, code: &str, text: &str) {
        let mut kept = self.lock();
        let number = *self.newest.borrow() + 1;
        let message = ServerMessage::Event { n: number, t, code: code.into(), text: text.into() };
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(NumberedEvent { number, text: message.text() });
        self.newest.send_replace(number);
    }

    /// The events behind number `known`. A number of an earlier start of the program is larger than the newest: then all are new.
    #[must_use]
    pub fn since(&self, known: u64) -> EventsSince {
        let kept = self.lock();
        let newest = *self.newest.borrow();
        let known = if known > newest { 0 } else { known };
        let oldest = kept.front().map_or(newest + 1, |event| event.number);
        EventsSince {
            has_gap: known + 1 < oldest,
            messages: kept
                .iter()
                .filter(|event| event.number > known)
                .map(|event| event.text.clone())
                .collect(),
            newest,
        }
    }

    /// The number of the newest event, as it grows.
    #[must_use]
    pub fn newest(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<NumberedEvent>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_comes_back_hears_what_it_missed_and_of_gaps() {
        let events = ControlEvents::default();
        assert_eq!(events.since(0), EventsSince { has_gap: false, messages: vec![], newest: 0 });
        for number in 1..=KEPT as u64 + 10 {
            events.push(number as f64, "stopped", "at rest");
        }
        let newest = KEPT as u64 + 10;
        let missed = events.since(newest - 2);
        assert_eq!((missed.has_gap, missed.messages.len(), missed.newest), (false, 2, newest));
        assert!(missed.messages[0].contains(&format!("\"n\":{}", newest - 1)), "{missed:?}");
        let old = events.since(5);
        assert_eq!((old.has_gap, old.messages.len()), (true, KEPT));
        assert!(!events.since(10).has_gap);
        // Of an earlier start of the program.
        assert_eq!(events.since(newest + 1).messages.len(), KEPT);
        assert!(events.since(newest).messages.is_empty());
    }
}
