//! WITNESSING: looks at what the machine really did, from outside, and says what does not keep its promises.
//!
//! - [`pulse_checker`]: fed with every edge and with what the machine says of itself, checks each promise on the pulses
//! - [`lines`]: the part of it that looks at the lines: widths, gaps, order, the direction line
//! - [`train`]: the part that looks at the motion: speed, acceleration, jerk, what is missing, the way to brake
//! - [`derivative`]: what the instants of steps tell about speed, acceleration and jerk, and how exactly
//! - [`effort`]: which limits are in force, since when and for how long
//! - [`violation`]: what is reported
//! - [`recorder`]: the flight recorder, for real machines as well
//!
//! Nothing here runs in a real-time thread, and nothing that moves depends on it.

pub mod derivative;
pub mod effort;
pub mod lines;
pub mod pulse_checker;
pub mod recorder;
pub mod train;
pub mod violation;

pub use pulse_checker::{CheckOptions, PulseChecker};
pub use recorder::Recorder;
pub use violation::{Rule, Violation};
