//! The force sensor's board: everything of it that does not depend on the chip, and what its host shares with it.
//!
//! - [`message`]: what the two tell each other, and how each notices that the other speaks another version
//! - [`frame`]: how messages and logs travel on one line, so that noise is noticed
//! - [`hx711`]: the driver of the load cell's converter, over `embedded-hal` pins
//! - [`filter`]: steadies a reading without ever hiding a rise
//! - [`board`]: the board itself: bytes and conversions in, bytes out
//! - [`sim`]: a simulated converter behind the same two pins
//!
//! No heap, no operating system; the host program, a desk without hardware and each firmware use the same code.
#![cfg_attr(not(test), no_std)]

// Without defmt nothing is said. (defmt's own macros where it is there: a macro around them would be the place that each
// line is said at.)
#[cfg(not(feature = "defmt"))]
#[macro_use]
mod silence {
    macro_rules! info {
        ($($what:tt)*) => {{}};
    }
    macro_rules! warn_ {
        ($($what:tt)*) => {{}};
    }
    macro_rules! error {
        ($($what:tt)*) => {{}};
    }
}

pub mod board;
pub mod filter;
pub mod frame;
pub mod hx711;
pub mod message;
#[cfg(any(test, feature = "sim"))]
pub mod sim;

pub use board::{Board, Identity};
pub use frame::{Channel, Deframer};
pub use message::{ForceReading, FromBoard, Hello, Reading, ToBoard};
