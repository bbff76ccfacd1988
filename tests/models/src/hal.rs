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
    /// When it was taken.
    pub at: Nanos,
    /// For how long it counts.
    pub lasts_ns: Nanos,
    /// When the next one is due, from then on.
    pub period_ns: Nanos,
}

/// Where the newest sample comes from.
pub trait ForceSensor {
    /// The newest sample that may be relied on at `now`.
    fn latest(&mut self, now: Nanos) -> Option<ForceSample>;
}
