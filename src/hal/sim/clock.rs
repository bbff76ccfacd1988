//! Time that only passes when somebody waits for it.

use std::cell::Cell;
use std::rc::Rc;

use crate::hal::Clock;
use crate::units::Nanos;

/// A clock without a computer behind it: waiting until an instant makes it be that instant.
///
/// Clones show the same time; all of them live in one thread.
#[derive(Debug, Clone, Default)]
pub struct VirtualClock(Rc<Cell<Nanos>>);

impl Clock for VirtualClock {
    fn now(&self) -> Nanos {
        self.0.get()
    }

    fn wait_until(&mut self, instant: Nanos) {
        self.0.set(self.0.get().max(instant));
    }

    fn doze_until(&mut self, instant: Nanos) {
        self.wait_until(instant);
    }
}
