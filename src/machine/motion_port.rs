//! What the supervisor tells the motion side, and what it hears back.

use crate::motion::Inputs;
use crate::units::Nanos;
use crate::wave::Wave;

/// How millimetres and the step counter relate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AxisFrame {
    /// Step counter at 0 mm.
    pub origin_steps: i64,
    /// Steps for a millimetre.
    pub steps_per_mm: f64,
    /// The usable range is `0 … range_mm`.
    pub range_mm: f64,
}

/// A straight move of homing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Travel {
    /// Where to, as a reading of the step counter.
    pub to_steps: i64,
    /// Steps for a millimetre, as far as it is known yet.
    pub steps_per_mm: f64,
    /// How fast.
    pub speed_mm_s: f64,
    /// The inputs that end it at once.
    pub armed_inputs: Inputs,
}

/// What the supervisor wants of the motion side.
#[derive(Debug, Clone, PartialEq)]
pub enum MotionOrder {
    /// Move there.
    Travel(Travel),
    /// From now on this is where things are.
    Adopt(AxisFrame),
    /// Follow the wave, beginning with the gentle way to its start.
    Follow(Wave),
    /// Blend over to this wave.
    ChangeWave(Wave),
    /// Finish the period of the wave.
    Finish,
}

/// How the last motion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MotionOutcome {
    /// As ordered.
    Completed,
    /// An input ended it at once; these inputs were active.
    Tripped(Inputs),
    /// By the stop ramp.
    Ramped,
    /// By the stop ramp, because nothing more had been planned in time.
    Starved,
    /// By the stop ramp, because an edge was too late.
    Late,
    /// Cut by a halt.
    Halted,
}

/// The motion side as the supervisor sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MotionStatus {
    /// Nothing moves and nothing is queued.
    pub resting: bool,
    /// How the last motion ended, once it is at rest.
    pub outcome: Option<MotionOutcome>,
    /// The step counter.
    pub count_steps: i64,
    /// How long the last stop ramp took, from when the step loop saw it.
    pub stop_took_ns: Nanos,
    /// Steps emitted since then.
    pub stop_steps: u64,
}
