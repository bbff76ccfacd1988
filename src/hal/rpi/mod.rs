//! GPIO pins and I2C bus of a Raspberry Pi, through rppal.
//!
//! - [`RpiPins`]: the pins of the axis; [`PinAssignment`] gives their numbers
//! - [`I2cLoadCell`]: the older load cell, an Arduino on the I2C bus
//! - [`set_outputs_safe`]: sets every output to its safe level, without the rest of the program
//! - [`PiError`]: errors with a code and a remedy
//!
//! The safe level of every output is low, which is the level of the pin before any program runs (docs/ARCHITECTURE.md).
//! A pin is set low before it becomes an output, and it stays an output when the program ends, however it ends.

mod error;
pub mod load_cell;
mod pins;

pub use error::PiError;
pub use load_cell::I2cLoadCell;
pub use pins::{InputAssignment, PinAssignment, RpiPins, set_outputs_safe};
