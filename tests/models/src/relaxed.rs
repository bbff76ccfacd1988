//! Mutant for the loom models: the seqlock of the newest force sample (src/hal/newest.rs) with every store relaxed. The
//! models must fail on it.

#[path = "../../../src/hal/newest.rs"]
pub mod newest;

use crate::hal::{ForceSample, ForceSensor};

mod sync {
    pub use loom::sync::Arc;
    pub use loom::sync::atomic::{Ordering, fence};

    #[derive(Debug, Default)]
    pub struct AtomicU64(loom::sync::atomic::AtomicU64);

    impl AtomicU64 {
        pub fn load(&self, order: Ordering) -> u64 {
            self.0.load(order)
        }

        pub fn store(&self, value: u64, _: Ordering) {
            self.0.store(value, Ordering::Relaxed);
        }
    }
}
