//! Stub of the types of `machine` that the status words encode.

#[path = "../../../src/motion/inputs.rs"]
mod inputs;
#[path = "../../../src/machine/lateness.rs"]
mod lateness;
#[path = "../../../src/motion/rail_end.rs"]
mod rail_end;

pub use inputs::Inputs;
pub use lateness::{LATENESS_BUCKETS, Lateness, lateness_bucket};
