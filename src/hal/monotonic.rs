//! Monotonic clock of the system, counted from the start of the process.
//!
//! Waits are absolute: the kernel gets the instant, not the remaining time. With a relative sleep, a thread that is
//! interrupted between reading the clock and falling asleep would sleep that much too long, and that happens when the
//! host is busy.

use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};

use super::Clock;
use crate::layout;
use crate::units::{Nanos, SECOND_NS};

/// Cannot be set, and is the clock of the kernel's timers.
const CLOCK: ClockId = ClockId::Monotonic;

/// Sleeps until shortly before an instant, then spins: a sleep alone is late by the scheduler's latency.
#[derive(Debug, Clone, Copy)]
pub struct MonotonicClock {
    /// Zero of this clock, on the system's clock.
    start_ns: Nanos,
}

impl MonotonicClock {
    /// A clock that starts at zero now; clones share the time base.
    pub fn new() -> MonotonicClock {
        MonotonicClock { start_ns: system_ns() }
    }
}

impl Default for MonotonicClock {
    fn default() -> Self {
        MonotonicClock::new()
    }
}

/// Time since the system's start; 2⁶⁴ ns are 584 years.
fn system_ns() -> Nanos {
    let time = clock_gettime(CLOCK);
    time.tv_sec as Nanos * SECOND_NS + time.tv_nsec as Nanos
}

impl Clock for MonotonicClock {
    fn now(&self) -> Nanos {
        system_ns() - self.start_ns
    }

    fn wait_until(&mut self, instant: Nanos) -> Nanos {
        let mut now = self.doze_until(instant.saturating_sub(layout::SPIN_NS));
        while now < instant {
            std::hint::spin_loop();
            now = self.now();
        }
        now
    }

    fn doze_until(&mut self, instant: Nanos) -> Nanos {
        // An instant beyond 584 years is never reached anyway.
        let at_ns = self.start_ns.saturating_add(instant);
        let at = Timespec { tv_sec: (at_ns / SECOND_NS) as _, tv_nsec: (at_ns % SECOND_NS) as _ };
        // A signal ends a sleep early. Reading the clock is cheaper than asking the kernel for an instant that is past.
        let mut now = self.now();
        while now < instant {
            let _ = clock_nanosleep_absolute(CLOCK, &at);
            now = self.now();
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::MILLISECOND_NS;

    #[test]
    fn it_starts_at_zero_and_never_wakes_early() {
        let mut clock = MonotonicClock::new();
        assert!(clock.now() < SECOND_NS);
        for (wait, kind) in [
            (MonotonicClock::wait_until as fn(&mut MonotonicClock, Nanos) -> Nanos, "wait"),
            (MonotonicClock::doze_until, "doze"),
        ] {
            for ahead_ns in [0, 1, 10_000, 100_000, 3 * MILLISECOND_NS] {
                let due = clock.now() + ahead_ns;
                let told = wait(&mut clock, due);
                assert!(told >= due && clock.now() >= told, "{kind} {ahead_ns}");
            }
        }
    }

    #[test]
    fn what_is_past_is_not_waited_for() {
        let mut clock = MonotonicClock::new();
        clock.doze_until(2 * MILLISECOND_NS);
        for _ in 0..1_000 {
            clock.doze_until(1);
            clock.wait_until(0);
        }
        assert!(clock.now() < SECOND_NS);
    }

    #[test]
    fn clones_share_the_time_base() {
        let clock = MonotonicClock::new();
        let copy = clock;
        let first = clock.now();
        assert!(copy.now() >= first && copy.now() - first < SECOND_NS);
    }
}
