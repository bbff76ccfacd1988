//! The real clock: the system's monotonic time since the start of the process.

use std::time::{Duration, Instant};

use super::Clock;
use crate::layout;
use crate::units::Nanos;

/// Sleeps until shortly before an instant, then spins: a sleep alone is late by the scheduler's latency.
#[derive(Debug, Clone, Copy)]
pub struct MonotonicClock {
    start: Instant,
}

impl MonotonicClock {
    /// A clock that starts at zero now; clones share the time base.
    #[must_use]
    pub fn new() -> MonotonicClock {
        MonotonicClock { start: Instant::now() }
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
        self.doze_until(instant.saturating_sub(layout::SPIN_NS));
        while self.now() < instant {
            std::hint::spin_loop();
        }
    }

    fn doze_until(&mut self, instant: Nanos) {
        let left = instant.saturating_sub(self.now());
        if left > 0 {
            std::thread::sleep(Duration::from_nanos(left));
        }
    }
}
