//! Simulated machine: a rail with a carriage, two switches, an e-stop loop and a load cell.
//!
//! - [`rail`]: the mechanics, pure: steps in, carriage and switches out; [`motor`]: inertia and lag of a real motor
//! - [`pins`]: the rail behind [`StepIo`](super::StepIo), with an observer of its edges
//! - [`load_cell`]: the load cell behind [`ForceSensor`](super::ForceSensor)
//! - [`operator`]: simulated operator: sees the carriage, pushes it, injects faults
//! - [`clock`]: virtual clock, punctual or late
//! - [`random`]: random numbers of every simulation, by seed
//!
//! The rail belongs to the step loop, which alone moves it; everything else sees it through [`SimulatedOperator`].

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
pub use pins::{InvertedLines, SimIo, SimPins};
pub use rail::{RailOptions, SimulatedRail};
pub use random::Random;
