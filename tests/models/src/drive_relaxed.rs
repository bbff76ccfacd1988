//! Mutant for the loom models: the status words of the step loop (src/drive/status.rs) with every store relaxed. The
//! models must fail on it.

#[path = "../../../src/drive/status.rs"]
pub mod status;

use status::{EndCause, MotionEnd, StepStatus};

use crate::machine::Inputs;

mod sync {
    pub use loom::sync::atomic::{AtomicI64, AtomicU8, AtomicU32, Ordering};

    macro_rules! relaxed {
        ($name:ident, $value:ty) => {
            #[derive(Debug)]
            pub struct $name(loom::sync::atomic::$name);

            impl $name {
                pub fn new(value: $value) -> $name {
                    $name(loom::sync::atomic::$name::new(value))
                }

                pub fn load(&self, order: Ordering) -> $value {
                    self.0.load(order)
                }

                pub fn store(&self, value: $value, _: Ordering) {
                    self.0.store(value, Ordering::Relaxed);
                }
            }
        };
    }

    relaxed!(AtomicBool, bool);
    relaxed!(AtomicU64, u64);

    impl AtomicU64 {
        pub fn fetch_add(&self, by: u64, order: Ordering) -> u64 {
            self.0.fetch_add(by, order)
        }
    }
}

super::step_loop!();
