//! Motion planning of one axis inside its limits. Pure: no clock, thread, file or chance.
//!
//! - [`kinematics`]: the equations of motion, one axis under constant jerk
//! - [`limits`]: highest speed, acceleration and jerk; gentle and firm stop
//! - [`allowance`]: upper bound on speed from the measured force
//! - [`stop`]: time-optimal stop in closed form
//! - [`plan`]: time-optimal point-to-point move; [`course`]: such a move cut into control cycles
//! - [`tracker`]: trajectory tracking, one control cycle at a time; `constraints`: what such a cycle may choose;
//!   [`deferred_limits`]: when lowered limits take effect
//! - [`follower`]: setpoints of a wave: gentle approach, start, changes, end
//! - [`reach`]: largest amplitude of a wave that the axis can follow
//! - [`feed`]: targets that other programs send while the axis moves; [`pattern`]: programs of half strokes
//! - [`ease`], [`mix`]: smoothing filter and cross-fade, for the follower
//! - [`runs`]: many steps timed by one cubic, for the step loop
//! - [`step_times`]: instants of the steps of a planned motion, one by one
//! - [`inputs`], [`rail_end`], [`stop_level`]: input lines, ends of the rail, stop levels

pub mod allowance;
mod constraints;
pub mod course;
pub mod deferred_limits;
pub mod ease;
pub mod feed;
pub mod follower;
pub mod inputs;
pub mod kinematics;
pub mod limits;
pub mod mix;
pub mod pattern;
pub mod plan;
pub mod rail_end;
pub mod reach;
pub mod runs;
pub mod step_times;
pub mod stop;
pub mod stop_level;
pub mod tracker;

pub use allowance::{ALLOWANCE_POINTS, Allowance, protected_speed_mm_s};
pub use constraints::CycleBounds;
pub use course::MoveInProgress;
pub use feed::{FeedCounts, FeedLimits, FeedTarget, FeedWindow, Feeder, Pace};
pub use follower::Follower;
pub use inputs::Inputs;
pub use kinematics::{Kinematics, Piece};
pub use limits::{MotionLimits, ProfileLimits, RampLimits};
pub use pattern::{
    PatternKind, StrokeDrive, StrokeProgram, StrokeReport, StrokeSpeed, StrokeStep, StrokeSteps,
};
pub use plan::MovePlan;
pub use rail_end::RailEnd;
pub use stop_level::StopLevel;
pub use tracker::{Move, Tracker};
