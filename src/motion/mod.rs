//! HOW to move: planning of one axis inside its limits. Pure.
//!
//! - [`kinematics`]: one axis under constant jerk, the only equations of motion
//! - [`limits`]: how fast the axis may do what
//! - [`allowance`]: how fast it may move against a force
//! - [`stop`]: the quickest way to rest, in closed form
//! - [`plan`]: a whole move at once, the quickest one; [`course`]: such a move cut into control cycles
//! - [`tracker`]: one control cycle of following a reference inside all of these; [`deferred_limits`]: when lowered limits take
//!   effect
//! - [`follower`]: from a wave to a reference: gentle approach, start, changes, end
//! - [`ease`], [`mix`]: numbers and graphs that change smoothly, for the follower
//! - [`runs`]: many steps timed by one cubic, for the step loop
//! - [`inputs`], [`rail_end`], [`stop_level`]: input lines, ends of the rail, stop levels
//! - [`step_times`]: from planned motion to the instants of the steps

pub mod allowance;
pub mod course;
pub mod deferred_limits;
pub mod ease;
pub mod follower;
pub mod inputs;
pub mod kinematics;
pub mod limits;
pub mod mix;
pub mod plan;
pub mod rail_end;
pub mod reach;
pub mod runs;
pub mod step_times;
pub mod stop;
pub mod stop_level;
pub mod tracker;

pub use allowance::{ALLOWANCE_POINTS, Allowance, protected_speed_mm_s};
pub use course::MoveInProgress;
pub use follower::Follower;
pub use inputs::Inputs;
pub use kinematics::{Kinematics, Piece};
pub use limits::{MotionLimits, ProfileLimits, RampLimits};
pub use plan::MovePlan;
pub use rail_end::RailEnd;
pub use stop_level::StopLevel;
pub use tracker::{CycleBounds, Move, Tracker};
