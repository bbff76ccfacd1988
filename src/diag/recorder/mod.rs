//! The flight recorder: what the machine did in the last minute before a fault, and in the second after it.
//!
//! Each control cycle ends with a look at everything ([`Seen`](crate::drive::TraceSample)), for whoever watches. A
//! [`Recorder`] makes a [`Record`] of each look and keeps them in a fixed ring. A fault freezes it: a second later its
//! content becomes a [`Recording`], which changes no more, and which an [`Archive`] keeps over restarts.
//!
//! - [`record`]: one control cycle in 40 bytes
//! - [`ring`]: the recorder itself; pure, so that virtual time suits it as well
//! - [`recording`]: what was frozen, and what is known about it
//! - [`file`]: the form of a recording on disk, with checksums
//! - [`archive`]: the folder of recordings: a handful, the oldest goes first
//! - [`export`]: a recording as JSON and as CSV
//!
//! Nothing here runs in a real-time thread, and the control cycle waits for none of it: looks that nobody took in time
//! are missing here, and counted.

pub mod archive;
pub mod export;
pub mod file;
pub mod record;
pub mod recording;
pub mod ring;

pub use archive::Archive;
pub use record::Record;
pub use recording::Recording;
pub use ring::Recorder;
