//! Mutant for the loom models: the seqlock of the newest force sample (src/hal/newest.rs) with fences that do nothing.
//! The models must fail on it.

#[path = "../../../src/hal/newest.rs"]
pub mod newest;

use crate::hal::{ForceSample, ForceSensor};

mod sync {
    pub use loom::sync::Arc;
    pub use loom::sync::atomic::{AtomicU64, Ordering};

    pub fn fence(_: Ordering) {}
}
