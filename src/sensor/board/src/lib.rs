//! Firmware library of the force sensor's board: protocol, framing, converter driver and filter, shared by the board
//! and its host.
//!
//! - [`message`]: the messages in both directions, and their version
//! - [`frame`]: framing on the serial line: COBS with a CRC
//! - [`hx711`]: driver of the load cell's converter over `embedded-hal` pins
//! - [`filter`]: low-pass that never reports less force than there is
//! - [`board`]: state machine of the board: bytes and conversions in, frames out
//! - [`sim`]: simulated HX711 behind the same two pins
//!
//! It needs no heap and no operating system. The host program, the board on a desk without hardware and each firmware
//! use the same code.
#![cfg_attr(not(test), no_std)]

// Without the feature `defmt` the log macros do nothing. With it, defmt's own macros are used directly: a wrapper would
// be the place that the log names for each line.
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
