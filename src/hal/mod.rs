//! Hardware abstraction layer: traits for clock, pins and force sensor, and what implements them.
//!
//! - [`Clock`]: the one time base of everything that moves
//! - [`StepIo`]: the pins of the axis, for the step loop alone
//! - [`edge`]: edges on those pins, for their observers
//! - [`ForceSensor`]: the newest force sample, for the control cycle; [`newest`] passes it from another thread
//! - [`sim`]: the simulated machine behind these traits; [`rpi`]: a Raspberry Pi

pub mod edge;
pub mod monotonic;
pub mod newest;
pub mod rpi;
pub mod sim;

pub use edge::{Edge, EdgeKind, EdgeSink};
pub use monotonic::MonotonicClock;
pub use newest::{ForceFeed, NewestForce, newest_force};

/// Primitives shared between threads. The models of tests/models put loom's in their place.
mod sync {
    pub use std::sync::Arc;
    pub use std::sync::atomic::{AtomicU64, Ordering, fence};
}

use crate::machine::Inputs;
use crate::units::Nanos;

/// Monotonic clock with waits.
pub trait Clock {
    /// Present instant.
    fn now(&self) -> Nanos;

    /// Waits until `instant` and returns as soon after it as possible, never before; at once if it is past. Returns the
    /// last instant that it read, so that the caller need not read the clock again.
    fn wait_until(&mut self, instant: Nanos) -> Nanos;

    /// The same for a wait that need not be exact, and should cost no processor time.
    fn doze_until(&mut self, instant: Nanos) -> Nanos;
}

/// Pins of one axis. `at` is the instant as the step loop sees it; hardware ignores it, simulation and recorders use
/// it.
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

/// Force sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForceSample {
    /// Force in grams; negative pushes the carriage toward the back.
    pub force_g: f64,
    /// Instant of the measurement.
    pub at: Nanos,
    /// Validity from then on.
    pub lasts_ns: Nanos,
    /// Time until the next sample is due.
    pub period_ns: Nanos,
}

impl ForceSample {
    /// A sample of a sensor that takes one every `period_ns`. It is valid for 100 ms (promise S12), or for two periods
    /// of a sensor slower than that.
    pub fn of_rate(force_g: f64, at: Nanos, period_ns: Nanos) -> ForceSample {
        ForceSample { force_g, at, lasts_ns: newest::LINK_TIMEOUT_NS.max(2 * period_ns), period_ns }
    }
}

/// Source of the newest force sample. Reading never blocks.
pub trait ForceSensor {
    /// The newest sample, if one is valid at `now`.
    fn latest(&mut self, now: Nanos) -> Option<ForceSample>;
}

impl<F: ForceSensor + ?Sized> ForceSensor for Box<F> {
    fn latest(&mut self, now: Nanos) -> Option<ForceSample> {
        (**self).latest(now)
    }
}
