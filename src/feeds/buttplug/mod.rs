//! Buttplug server: the pure part of one connection, from a text frame to acts of the axis and back to answers.
//!
//! A client sends JSON arrays of objects with one key each, the name of the message. Each message has an `Id`, and its
//! answer has the same one; `Id` 0 belongs to what the server says unasked. The format changed with each version of the
//! message specification, and [`version`] settles in the handshake which one a connection speaks.
//!
//! ```text
//! text frame -> message::split -> message::parse -> ButtplugSession -> ButtplugStep::Answer   send it
//!                                                                   -> ButtplugStep::Ask      carry it out, then
//!                                                    ButtplugSession::answer <- its outcome    send what comes back
//! ```
//!
//! [`ButtplugSession`] knows no clock, socket or machine. It decides what can be decided from the text alone: grammar,
//! order, ranges, which feature has which output. All else is a [`ButtplugAct`] for its caller, which answers with an
//! outcome; a refusal of the machine arrives at the client as an error with its reason and remedy, because an `Ok` for
//! a move that never happens is a lie that the client's user cannot see through.
//!
//! Refusals have the specification's error codes, and leave the connection open:
//!
//! - 1: before the handshake, at a second one, behind `Disconnect`
//! - 3: no JSON, no such message, a field that is missing or of another type
//! - 4: no such device or feature, a value outside its range, a refusal of the machine
//!
//! Differences from the reference server, all of them on purpose: a stop stops the axis, whatever index it names; the
//! time of a move is cut to ten seconds; `Position` without a time is no order to be there at once, but a live target.
//!
//! - [`version`]: versions of the specification, and the handshake
//! - [`device`]: the axis as a device: its features, and the device list of each version
//! - [`message`]: messages of a client as one typed enum; `fields` reads their fields
//! - [`outputs`]: commands of motion, in the spelling of each version
//! - [`reading`]: readings of position and force
//! - [`answer`]: messages of the server
//! - [`refusal`]: errors with their codes
//! - [`session`]: state machine of a connection

pub mod answer;
pub mod device;
mod fields;
pub mod message;
pub mod outputs;
pub mod reading;
pub mod refusal;
pub mod session;
#[cfg(test)]
mod tests;
pub mod version;

pub use message::ButtplugRequest;
pub use reading::{ButtplugReading, ReadingKind};
pub use refusal::{ButtplugErrorCode, ButtplugRefusal};
pub use session::{ButtplugAct, ButtplugOutcome, ButtplugSession, ButtplugStep, NO_VIBRATION};
pub use version::SpecVersion;
