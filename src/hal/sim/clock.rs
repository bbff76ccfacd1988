//! Virtual clock: time that passes only in waits.
//!
//! By default a wait ends exactly when it should. The clock can also be *late*, as an ordinary computer is: every wait
//! a little, some of them much, drawn from a seed, so that each run can be repeated. An *alarm* runs an action at one
//! instant, in the middle of the wait that contains it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::random::Random;
use crate::hal::Clock;
use crate::units::Nanos;

/// Lateness of waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WaitLateness {
    /// Seed of the random numbers.
    pub seed: u64,
    /// Upper bound on the lateness of every wait.
    pub jitter_ns: Nanos,
    /// Share of the waits that are stalled in addition.
    pub stalls: f64,
    /// Shortest and longest stall, distributed log-uniformly between them.
    pub stall_ns: (Nanos, Nanos),
}

type Alarm = (Nanos, Box<dyn FnOnce()>);

#[derive(Default)]
struct SimClockShared {
    now: Cell<Nanos>,
    late: Cell<Option<WaitLateness>>,
    chance: Cell<Random>,
    alarm: RefCell<Option<Alarm>>,
}

/// A clock on which waiting until an instant sets the time to that instant.
///
/// Clones share the time; all of them live in one thread.
#[derive(Clone, Default)]
pub struct VirtualClock(Rc<SimClockShared>);

impl std::fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("VirtualClock").field(&self.0.now.get()).finish()
    }
}

impl VirtualClock {
    /// Makes later waits late, or (`None`) punctual.
    pub fn set_lateness(&self, lateness: Option<WaitLateness>) {
        self.0.chance.set(Random::new(lateness.map_or(0, |lateness| lateness.seed)));
        self.0.late.set(lateness);
    }

    /// Calls `action` once, at `instant` or at the end of the wait in which it lies.
    pub fn set_alarm(&self, instant: Nanos, action: impl FnOnce() + 'static) {
        *self.0.alarm.borrow_mut() = Some((instant, Box::new(action)));
    }

    /// A random number in `[0, 1)`.
    fn draw_unit(&self) -> f64 {
        let mut random = self.0.chance.get();
        let number = random.unit();
        self.0.chance.set(random);
        number
    }

    fn draw_lateness_ns(&self) -> Nanos {
        let Some(WaitLateness { jitter_ns, stalls, stall_ns: (shortest, longest), .. }) = self.0.late.get()
        else {
            return 0;
        };
        let jitter_ns = (self.draw_unit() * jitter_ns as f64) as Nanos;
        if self.draw_unit() >= stalls {
            return jitter_ns;
        }
        let orders = libm::log(longest as f64 / shortest as f64);
        jitter_ns + (shortest as f64 * libm::exp(self.draw_unit() * orders)) as Nanos
    }

    fn fire_alarm(&self) {
        let due = self.0.alarm.borrow_mut().take_if(|(instant, _)| *instant <= self.0.now.get());
        if let Some((_, action)) = due {
            action();
        }
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Nanos {
        self.0.now.get()
    }

    fn wait_until(&mut self, instant: Nanos) -> Nanos {
        let until = self.0.now.get().max(instant) + self.draw_lateness_ns();
        self.0.now.set(until);
        // The action may take time of its own.
        self.fire_alarm();
        self.0.now.get()
    }

    fn doze_until(&mut self, instant: Nanos) -> Nanos {
        self.wait_until(instant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_never_early_and_repeats_with_its_seed() {
        let lateness = WaitLateness { seed: 7, jitter_ns: 2_000, stalls: 0.1, stall_ns: (1_000, 50_000_000) };
        let ends = || {
            let mut clock = VirtualClock::default();
            clock.set_lateness(Some(lateness));
            let mut ends = Vec::new();
            for _ in 0..1_000 {
                let until = clock.now() + 10_000;
                clock.wait_until(until);
                assert!(clock.now() >= until && clock.now() <= until + 50_002_000);
                ends.push(clock.now());
            }
            ends
        };
        let ends_of_one = ends();
        assert_eq!(ends_of_one, ends());
        let stalled = ends_of_one.windows(2).filter(|pair| pair[1] - pair[0] > 12_000).count();
        assert!((50..150).contains(&stalled), "{stalled} of 1000 waits stalled");
    }

    #[test]
    fn an_alarm_rings_once_in_the_wait_in_which_it_lies() {
        let mut clock = VirtualClock::default();
        let rung = Rc::new(Cell::new(0));
        let heard = rung.clone();
        clock.set_alarm(150, move || heard.set(heard.get() + 1));
        clock.wait_until(100);
        assert_eq!(rung.get(), 0);
        clock.wait_until(200);
        clock.wait_until(300);
        assert_eq!(rung.get(), 1);
    }
}
