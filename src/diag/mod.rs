//! Run-time verification of the emitted pulses, and the flight recorder.
//!
//! - [`pulse_checker`]: checks every edge against the safety promises about pulses, from the edges and the trace
//!   samples of the control cycle
//! - [`line_checker`]: its checks on the lines: pulse widths, gaps, order, direction line
//! - [`step_train`]: its checks on the motion: speed, acceleration, jerk, missing steps, braking distance
//! - [`derivative`]: speed, acceleration and jerk from the instants of steps, with error bounds
//! - [`active_limits`]: the limits of motion in force at each instant
//! - [`violation`]: the report of a broken rule
//! - [`recorder`]: the flight recorder, also on real machines
//!
//! Nothing here runs in a real-time thread, and no motion depends on it.

pub mod active_limits;
pub mod derivative;
pub mod line_checker;
pub mod pulse_checker;
pub mod recorder;
pub mod step_train;
pub mod violation;

pub use pulse_checker::{CheckOptions, PulseChecker};
pub use recorder::Recorder;
pub use violation::{Rule, Violation};
