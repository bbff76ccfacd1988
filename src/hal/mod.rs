//! TOUCHING: the border between the program and what it drives.
//!
//! - [`Clock`]: the one time base of everything that moves
//! - [`StepIo`]: the pins of the axis, for the step loop alone
//! - [`ForceSensor`]: the newest force sample, for the control cycle
//! - [`sim`]: the simulated machine behind these traits

pub mod monotonic;
pub mod sim;

pub use monotonic::MonotonicClock;

use crate::machine::Inputs;
use crate::units::Nanos;

/// A monotonic clock that can be waited on.
pub trait Clock {
    /// The present instant.
    fn now(&self) -> Nanos;

    /// Returns at `instant` or as little later as possible, never before it; at once if it is past.
    fn wait_until(&mut self, instant: Nanos);

    /// The same for a wait that need not be exact, and should cost no processor time.
    fn doze_until(&mut self, instant: Nanos);
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
}

impl<T: ForceSensor + ?Sized> ForceSensor for Box<T> {
    fn latest(&mut self, now: Nanos) -> Option<ForceSample> {
        (**self).latest(now)
    }
}

/// Where the newest force sample comes from. Reading never blocks.
pub trait ForceSensor {
    /// The newest valid sample, if there ever was one.
    fn latest(&mut self, now: Nanos) -> Option<ForceSample>;
}
