//! The real clock: the system's monotonic time since the start of the process.

use std::time::{Duration, Instant};

use super::Clock;
use crate::layout;
use crate::units::Nanos;

/// Sleeps until shortly before an instant, then spins: a sleep alone is late by the scheduler's latency.
#[derive(Debug, Clone, Copy)]
pub struct MonotonicClock {
    start: Instant,
    spin_ns: Nanos,
}

impl MonotonicClock {
    /// A clock that starts at zero now; clones share the time base.
    #[must_use]
    pub fn new() -> MonotonicClock {
        MonotonicClock { start: Instant::now(), spin_ns: layout::SPIN_NS }
    }

    /// The same time base for a thread that has no need of exact instants, and sleeps only.
    #[must_use]
    pub fn without_spinning(self) -> MonotonicClock {
        MonotonicClock { spin_ns: 0, ..self }
    }
}

impl Default for MonotonicClock {
    fn default() -> Self {
        MonotonicClock::new()
    }
}

impl Clock for MonotonicClock {
    fn now(&self) -> Nanos {
        // 2⁶⁴ ns are 584 years.
        self.start.elapsed().as_nanos() as Nanos
    }

    fn wait_until(&mut self, instant: Nanos) {
        loop {
            let now = self.now();
            if now >= instant {
                return;
            }
            let left = instant - now;
            if left > self.spin_ns {
                std::thread::sleep(Duration::from_nanos(left - self.spin_ns));
            } else {
                std::hint::spin_loop();
            }
        }
    }
}
