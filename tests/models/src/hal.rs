//! Stub of the room `hal` around the included file.

#[path = "../../../src/hal/newest.rs"]
pub mod newest;

use crate::units::Nanos;

mod sync {
    pub use loom::sync::Arc;
    pub use loom::sync::atomic::{AtomicU64, Ordering, fence};
}

/// A force sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForceSample {
    /// In grams.
    pub force_g: f64,
    /// Instant of the sample.
    pub at: Nanos,
    /// Time for which it is valid.
    pub lasts_ns: Nanos,
    /// Time until the next sample is due.
    pub period_ns: Nanos,
}

/// Source of the newest sample.
pub trait ForceSensor {
    /// The newest sample that is valid at `now`.
    fn latest(&mut self, now: Nanos) -> Option<ForceSample>;
}
