//! WHETHER to move: state, commands, faults, homing, the supervisor. Pure.
//!
//! - [`state`], [`command`], [`fault`]: the vocabulary; each says why, and what to do about it
//! - [`table`]: what is allowed when
//! - [`supervisor`]: one decision a control cycle; [`actions`]: what comes of it; [`command_slots`]: what it has accepted for later
//! - [`power`]: when the motor driver is on
//! - [`homing`]: finding both ends of the rail; [`geometry`]: what that means in millimetres
//! - [`session`]: when a wave and the hold of an axis at rest end by themselves
//! - [`host`]: the computer's power and heat, and what follows from them
//! - [`motion_port`]: what the supervisor tells the motion side, and what it hears back
//! - [`report`]: snapshots and events for everyone else; [`config`]: the settings in its terms

pub mod actions;
pub mod command;
pub mod command_slots;
pub mod config;
pub mod fault;
pub mod geometry;
pub mod homing;
pub mod host;
pub mod motion_port;
pub mod power;
pub mod report;
pub mod session;
pub mod state;
pub mod supervisor;
pub mod table;

pub use actions::Actions;
pub use command::{Accepted, Command, CommandKind, CommandRefusal, Reply};
pub use config::Config;
pub use fault::Fault;
pub use geometry::{Calibration, Geometry};
pub use homing::HomingOptions;
pub use host::HostHealth;
pub use motion_port::{AxisFrame, MotionOrder, MotionOutcome, MotionStatus, Travel};
pub use report::{Event, LastStop, Lateness, Snapshot};
pub use session::SessionRules;
pub use state::{State, Why};
pub use supervisor::{Observation, Supervisor};

pub use crate::motion::{Inputs, RailEnd, StopLevel};
