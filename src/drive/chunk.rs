//! A chunk: the motion of one control cycle, and behind it the way to rest.
//!
//! The motion comes as runs, whose steps the step loop reads off with three additions each. The way to rest comes as
//! pieces, which it solves step by step: it is rarely needed, and made anew for each chunk.
//!
//! Every chunk carries a complete stop tail. Whatever happens to the control cycle, the step loop holds a plan
//! that ends at rest inside the range (house rules 4 and 5); the next chunk takes the place of the tail.

use heapless::Vec;

use crate::motion::runs::{RUNS_MAX, StepRun};
use crate::motion::tracker::PIECES_MAX;
use crate::motion::{Inputs, Kinematics, Piece};
use crate::units::Nanos;

/// Most pieces of the tail.
pub const TAIL_MAX: usize = 3;

/// Motion for one control cycle plus the way to rest, in steps of the step counter.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// Counts the motions: after one has ended, for whatever reason, its remaining chunks are stale.
    pub epoch: u32,
    /// When it begins, if no lateness has moved the time base.
    pub start_ns: Nanos,
    /// How long the committed motion takes.
    pub duration_ns: Nanos,
    /// The steps of the committed motion, if it is timed.
    pub runs: Vec<StepRun, RUNS_MAX>,
    /// Whether the runs hold all its steps. Otherwise it takes more than fit, and must be solved step by step.
    pub timed: bool,
    /// The state at its beginning.
    pub start: Kinematics,
    /// The committed motion.
    pub committed: Vec<Piece, PIECES_MAX>,
    /// The way to rest from its end.
    pub tail: Vec<Piece, TAIL_MAX>,
    /// Inputs that end the motion at once.
    pub armed_inputs: Inputs,
    /// No other chunk follows: the tail belongs to the plan.
    pub last: bool,
}

impl Chunk {
    /// When the committed motion ends.
    #[must_use]
    pub const fn end_ns(&self) -> Nanos {
        self.start_ns + self.duration_ns
    }
}
