//! Mutant: the included file with fences that do nothing. A model that passes it detects nothing.

#[path = "../../../src/hal/newest.rs"]
pub mod newest;

use crate::hal::{ForceSample, ForceSensor};

mod sync {
    pub use loom::sync::Arc;
    pub use loom::sync::atomic::{AtomicU64, Ordering};

    pub fn fence(_: Ordering) {}
}
