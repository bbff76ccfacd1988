//! The pins and buses of a Raspberry Pi, through rppal.
//!
//! - [`RpiPins`]: the pins of the axis; [`PinAssignment`] says which is which
//! - [`I2cLoadCell`]: the older load cell, an Arduino on the I2C bus
//! - [`set_outputs_safe`]: every output into its safe level, without the rest of the program
//! - [`PiError`]: why a Pi cannot be used, with a word for programs and what to do
//!
//! An output is low when it is safe, always: that is what a pin is before any program runs (docs/ARCHITECTURE.md). It
//! is made low before it is made an output, and it stays an output when the program ends, however it ends.

mod error;
pub mod load_cell;
mod pins;

pub use error::PiError;
pub use load_cell::I2cLoadCell;
pub use pins::{InputAssignment, PinAssignment, RpiPins, set_outputs_safe};
