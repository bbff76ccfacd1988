//! The simulated machine: a rail with a carriage, two switches, an e-stop loop and a load cell.
//!
//! - [`rail`]: the mechanics, pure: steps in, carriage and switches out; [`motor`]: what a real motor adds to that
//! - [`pins`]: the rail behind [`StepIo`](super::StepIo), and who watches its edges
//! - [`load_cell`]: the load cell behind [`ForceSensor`](super::ForceSensor)
//! - [`operator`]: what a person at the machine can do to it: press things, pull cables
//! - [`clock`]: time that a test advances by hand, punctual or late
//! - [`random`]: the numbers of every simulation, by seed
//!
//! The rail belongs to the step loop, which alone makes it move; everything else sees it through [`SimulatedOperator`].

pub mod clock;
pub mod load_cell;
pub mod motor;
pub mod operator;
pub mod pins;
pub mod rail;
pub mod random;

pub use clock::{VirtualClock, WaitLateness};
pub use load_cell::SimLoadCell;
pub use motor::MotorOptions;
pub use operator::{Mishap, Mishaps, SimulatedOperator};
pub use pins::{SimIo, SimPins};
pub use rail::{RailOptions, SimulatedRail};
pub use random::Random;
