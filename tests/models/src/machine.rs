//! Stub of the types of `machine` that the status words encode.

#[path = "../../../src/motion/inputs.rs"]
mod inputs;
#[path = "../../../src/motion/rail_end.rs"]
mod rail_end;

pub use inputs::Inputs;

/// Lateness since the start.
#[derive(Debug, Clone, Copy)]
pub struct Lateness {
    /// Steps that moved the time base.
    pub rebases: u32,
    /// Sum of these shifts.
    pub rebased_ns: u64,
    /// The latest step.
    pub worst_step_ns: u64,
    /// Number of times that the queue ran dry.
    pub starvations: u32,
}
