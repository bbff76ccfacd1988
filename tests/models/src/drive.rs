//! Stub of the room `drive` around the status words of the step loop, and the sequences in which the step loop writes
//! them.

#[path = "../../../src/drive/status.rs"]
pub mod status;

use status::{EndCause, MotionEnd, StepStatus};

use crate::machine::Inputs;

mod sync {
    pub use loom::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU32, AtomicU64, Ordering};
}

super::step_loop!();
