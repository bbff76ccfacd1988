//! WHETHER to move: state, commands, faults, homing, the supervisor. Pure.

pub mod command;
pub mod config;
pub mod fault;
pub mod geometry;
pub mod report;
pub mod state;

pub use command::{Accepted, Command, CommandKind, Refusal, Reply};
pub use config::Config;
pub use fault::{End, Fault};
pub use geometry::{Calibration, Geometry};
pub use report::{Event, Inputs, Lateness, Snapshot};
pub use state::{State, Why};
