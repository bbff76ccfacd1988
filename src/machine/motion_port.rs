//! Motion port: orders of the supervisor to the executor, and the motion status in return.

use super::feed::FeedStart;
use crate::motion::Inputs;
use crate::units::Nanos;
use crate::wave::Wave;

/// Relation of millimetres and step counter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AxisFrame {
    /// Step counter at 0 mm.
    pub origin_steps: i64,
    /// Steps per millimetre.
    pub steps_per_mm: f64,
    /// The usable range is `0 … range_mm`.
    pub range_mm: f64,
}

/// Straight move of homing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Travel {
    /// Target, as a value of the step counter.
    pub to_steps: i64,
    /// Steps per millimetre, as far as known yet.
    pub steps_per_mm: f64,
    /// Speed.
    pub speed_mm_s: f64,
    /// Inputs that end it at once when they are confirmed.
    pub armed_inputs: Inputs,
}

/// Order of the supervisor to the executor.
#[derive(Debug, Clone, PartialEq)]
pub enum MotionOrder {
    /// Make this move.
    Travel(Travel),
    /// Set the frame of the axis.
    SetFrame(AxisFrame),
    /// Follow the wave, beginning with the gentle approach to its start.
    Follow(Wave),
    /// Blend over to this wave.
    ChangeWave(Wave),
    /// Go where a feed says.
    FollowFeed(FeedStart),
    /// Finish the period of the wave, or bring the feed gently to rest.
    Finish,
}

/// End of the last motion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MotionOutcome {
    /// As ordered.
    Completed,
    /// An armed input ended it at once; these inputs were active.
    Tripped(Inputs),
    /// By the stop ramp, because of STOP.
    Ramped,
    /// By the stop ramp, because nothing more had been planned in time.
    Starved,
    /// By the stop ramp, because an edge was too late.
    Late,
    /// Cut by a halt.
    Halted,
}

/// Status of the motion for the supervisor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MotionStatus {
    /// True if nothing moves and nothing is queued.
    pub resting: bool,
    /// End of the last motion, once it is at rest.
    pub outcome: Option<MotionOutcome>,
    /// Step counter.
    pub count_steps: i64,
    /// Duration of the last stop ramp, from when the step loop saw the stop.
    pub stop_took_ns: Nanos,
    /// Steps emitted since then.
    pub stop_steps: u64,
    /// Instant at which a client last said what the feed is to do; none without a feed.
    pub asked_ns: Option<Nanos>,
}
