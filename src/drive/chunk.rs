//! Chunk: the motion of one control cycle, and the stop tail behind it.
//!
//! The motion comes as runs, whose steps the step loop reads off with three additions each. The tail comes as pieces,
//! which it solves step by step: it is rarely needed, and made anew for each chunk.
//!
//! Every chunk carries a complete stop tail. Whatever happens to the control cycle, the step loop holds a plan that
//! ends at rest inside the range (rules 4 and 5 of docs/ARCHITECTURE.md). The next chunk replaces the tail.

use heapless::Vec;

use crate::motion::runs::{RUNS_MAX, StepRun};
use crate::motion::tracker::PIECES_MAX;
use crate::motion::{Inputs, Kinematics, Piece};
use crate::units::Nanos;

/// Most pieces of the tail.
pub const TAIL_MAX: usize = 3;

/// Motion for one control cycle and the stop tail, in steps of the step counter.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// Number of the motion. Once a motion has ended, for whatever reason, its remaining chunks are stale.
    pub epoch: u32,
    /// Beginning of the chunk, if no lateness has moved the time base.
    pub start_ns: Nanos,
    /// Duration of the committed motion.
    pub duration_ns: Nanos,
    /// Steps of the committed motion, if it is timed.
    pub runs: Vec<StepRun, RUNS_MAX>,
    /// True if the runs hold all its steps. Otherwise they do not fit, and the steps must be solved one by one.
    pub timed: bool,
    /// State at the beginning.
    pub start: Kinematics,
    /// The committed motion.
    pub committed: Vec<Piece, PIECES_MAX>,
    /// Stop tail from the end of the committed motion.
    pub tail: Vec<Piece, TAIL_MAX>,
    /// Inputs that end the motion at once when they are confirmed.
    pub armed_inputs: Inputs,
    /// True if no other chunk follows: the tail belongs to the plan.
    pub last: bool,
}

impl Chunk {
    /// End of the committed motion.
    pub const fn end_ns(&self) -> Nanos {
        self.start_ns + self.duration_ns
    }
}
