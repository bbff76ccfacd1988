//! TOUCHING: the border between the program and what it drives.
//!
//! - [`Clock`]: the one time base of everything that moves
//! - [`StepIo`]: the pins of the axis, for the step loop alone
//! - [`edge`]: what happens on those pins, for whoever watches them
//! - [`ForceSensor`]: the newest force sample, for the control cycle; [`newest`] is one that another thread feeds
//! - [`sim`]: the simulated machine behind these traits; [`rpi`]: a Raspberry Pi

pub mod edge;
pub mod monotonic;
pub mod newest;
pub mod rpi;
pub mod sim;

pub use edge::{Edge, EdgeKind, EdgeSink};
pub use monotonic::MonotonicClock;
pub use newest::{ForceFeed, NewestForce, newest_force};

/// What threads share memory with. The models of models/ put loom's in its place.
mod sync {
    pub use std::sync::Arc;
    pub use std::sync::atomic::{AtomicU64, Ordering, fence};
}

use crate::machine::Inputs;
use crate::units::Nanos;

/// A monotonic clock that can be waited on.
pub trait Clock {
    /// The present instant.
    fn now(&self) -> Nanos;

    /// Returns at `instant` or as little later as possible, never before it; at once if it is past. Tells the instant at
    /// which it returns: the last one that it read, so that nobody has to read the clock again.
    fn wait_until(&mut self, instant: Nanos) -> Nanos;

    /// The same for a wait that need not be exact, and should cost no processor time.
    fn doze_until(&mut self, instant: Nanos) -> Nanos;
}

/// The pins of one axis. `at` is the instant as the step loop sees it; hardware has no use for it, the
/// simulation and the recorders live by it.
pub trait StepIo {
    /// Reads all input lines at once.
    fn inputs(&mut self, at: Nanos) -> Inputs;

    /// Sets the direction line: `true` toward the front.
    fn set_direction(&mut self, forward: bool, at: Nanos);

    /// Begins (`true`) or ends a step pulse; the motor steps when it begins.
    fn set_step(&mut self, high: bool, at: Nanos);

    /// Switches the motor driver on or off.
    fn set_enabled(&mut self, on: bool, at: Nanos);
}

/// A force sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForceSample {
    /// The force in grams; negative pushes the carriage toward the back.
    pub force_g: f64,
    /// When it was taken.
    pub at: Nanos,
    /// For how long from then on it may be relied on.
    pub lasts_ns: Nanos,
    /// When the next one is due, from then on.
    pub period_ns: Nanos,
}

impl ForceSample {
    /// A sample of a sensor that takes one every `period_ns`. It lasts for 100 ms (promise S12), or for two periods of a
    /// sensor that is slower than that.
    #[must_use]
    pub fn of_rate(force_g: f64, at: Nanos, period_ns: Nanos) -> ForceSample {
        ForceSample { force_g, at, lasts_ns: newest::LINK_TIMEOUT_NS.max(2 * period_ns), period_ns }
    }
}

/// Where the newest force sample comes from. Reading never blocks.
pub trait ForceSensor {
    /// The newest sample, if there is one that may be relied on at `now`.
    fn latest(&mut self, now: Nanos) -> Option<ForceSample>;
}

impl<F: ForceSensor + ?Sized> ForceSensor for Box<F> {
    fn latest(&mut self, now: Nanos) -> Option<ForceSample> {
        (**self).latest(now)
    }
}
