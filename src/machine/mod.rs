//! State machine and safety rules: states, commands, faults, homing, the supervisor. Pure.
//!
//! - [`state`], [`command`], [`fault`]: states, commands with their refusals, faults with their remedies
//! - [`table`]: decision table of state and command
//! - [`supervisor`]: one decision per control cycle; [`actions`]: its result; [`command_slots`]: accepted commands that
//!   wait
//! - [`power`]: power of the motor driver
//! - [`homing`]: finding both ends of the rail; [`nudge`]: a short move to see which way the motor turns; [`geometry`]: the rail
//!   in steps and millimetres
//! - [`contact`]: what the limit switches have done, for a person who tries them by hand
//! - [`session`]: idle timeouts of waves and of holding at rest
//! - [`host`]: derating because of the computer's power and heat
//! - [`motion_port`]: interface between supervisor and executor
//! - [`report`]: snapshots and events for the rest of the program; [`config`]: the checked settings that the control
//!   cycle uses

pub mod actions;
pub mod command;
pub mod command_slots;
pub mod config;
pub mod contact;
pub mod fault;
pub mod feed;
pub mod geometry;
pub mod homing;
pub mod host;
pub mod lateness;
pub mod motion_port;
pub mod nudge;
pub mod power;
pub mod report;
pub mod session;
pub mod state;
pub mod supervisor;
pub mod table;

pub use actions::Actions;
pub use command::{Accepted, Command, CommandKind, CommandRefusal, Reply};
pub use config::Config;
pub use contact::{Contact, Contacts};
pub use fault::{Fault, SwitchDistance};
pub use feed::{FeedItem, FeedMessage, FeedNumber, FeedReport, FeedSource, FeedStart};
pub use geometry::{Calibration, Geometry};
pub use homing::HomingOptions;
pub use host::HostHealth;
pub use lateness::{LATENESS_BOUNDS_NS, LATENESS_BUCKETS, Lateness, lateness_bucket};
pub use motion_port::{AxisFrame, MotionOrder, MotionOutcome, MotionStatus, Travel};
pub use nudge::{LastNudge, NudgeEnd, NudgeLength};
pub use report::{Event, FaultCause, LastStop, LimitsInForce, Snapshot};
pub use session::SessionRules;
pub use state::{State, Why};
pub use supervisor::{Observation, Supervisor};

pub use crate::motion::{Inputs, RailEnd, StopLevel};
