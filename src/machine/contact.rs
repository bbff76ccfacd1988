//! Contact watch: what each limit switch has done, for a person who tries the switches by hand. The control cycle feeds it with
//! the debounced inputs, a thousand times a second; nothing that moves depends on it.

use crate::motion::Inputs;
use crate::units::{MILLISECOND_NS, Nanos};

/// Changes that are no farther apart than this belong to one press.
const PRESS_NS: Nanos = 50 * MILLISECOND_NS;

/// What a switch has done since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Contact {
    /// Number of presses.
    pub presses: u32,
    /// Longest time from the first to the last change of a press that was not clean.
    pub longest_bounce_ns: Nanos,
    /// Instant since which it reads closed.
    pub closed_since_ns: Option<Nanos>,
}

/// What both switches have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Contacts {
    /// The front switch.
    pub front: Contact,
    /// The back switch.
    pub back: Contact,
}

impl Contacts {
    /// Nothing yet.
    pub const NONE: Contacts = {
        let none = Contact { presses: 0, longest_bounce_ns: 0, closed_since_ns: None };
        Contacts { front: none, back: none }
    };
}

/// Watches both switches.
#[derive(Debug, Clone, Copy, Default)]
pub struct ContactWatch {
    contacts: Contacts,
    front: PressWatch,
    back: PressWatch,
}

#[derive(Debug, Clone, Copy, Default)]
struct PressWatch {
    began_ns: Nanos,
    /// Instant of the last change; none before the first.
    changed_ns: Option<Nanos>,
}

impl ContactWatch {
    /// What the switches have done until now.
    pub fn contacts(&self) -> Contacts {
        self.contacts
    }

    /// Takes the inputs of a control cycle.
    pub fn update(&mut self, now: Nanos, inputs: Inputs) {
        self.front.update(now, inputs.front, &mut self.contacts.front);
        self.back.update(now, inputs.back, &mut self.contacts.back);
    }
}

impl PressWatch {
    fn update(&mut self, now: Nanos, is_closed: bool, contact: &mut Contact) {
        if is_closed == contact.closed_since_ns.is_some() {
            return;
        }
        let is_bounce = self.changed_ns.is_some_and(|changed| now.saturating_sub(changed) < PRESS_NS);
        if is_bounce {
            let lasted_ns = now.saturating_sub(self.began_ns);
            contact.longest_bounce_ns = contact.longest_bounce_ns.max(lasted_ns);
        } else {
            self.began_ns = now;
            contact.presses = contact.presses.wrapping_add(u32::from(is_closed));
        }
        self.changed_ns = Some(now);
        contact.closed_since_ns = is_closed.then_some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(changes_ms: &[(u64, bool)]) -> Contact {
        let mut watch = ContactWatch::default();
        for &(ms, front) in changes_ms {
            watch.update(ms * MILLISECOND_NS, Inputs { front, ..Inputs::default() });
        }
        watch.contacts().front
    }

    #[test]
    fn presses_are_counted_and_bounces_belong_to_one() {
        let clean = fed(&[(10, true), (11, true), (200, false), (500, true), (900, false)]);
        assert_eq!((clean.presses, clean.longest_bounce_ns, clean.closed_since_ns), (2, 0, None));
        let bouncing = fed(&[(10, true), (12, false), (13, true), (20, false), (21, true), (300, false)]);
        assert_eq!((bouncing.presses, bouncing.longest_bounce_ns), (1, 11 * MILLISECOND_NS));
        let held = fed(&[(7, true)]);
        assert_eq!((held.presses, held.closed_since_ns), (1, Some(7 * MILLISECOND_NS)));
    }
}
