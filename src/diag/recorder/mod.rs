//! Flight recorder: what the machine did in the last minute before a fault, and in the second after it.
//!
//! Each control cycle ends with a trace sample ([`TraceSample`](crate::drive::TraceSample)). A [`Recorder`] packs each
//! sample into a [`Record`] in a ring buffer. A fault freezes it: a second later its content becomes an immutable
//! [`Recording`], which an [`Archive`] keeps over restarts.
//!
//! - [`record`]: one control cycle in 40 bytes
//! - [`ring`]: the recorder itself; pure, so it also runs on virtual time
//! - [`recording`]: the frozen records of a fault, and their head
//! - [`file`](mod@file): file format of a recording, with checksums
//! - [`archive`]: folder of recordings; only the newest few are kept
//! - [`export`]: a part of a recording, and its CSV
//!
//! Nothing here runs in a real-time thread, and the control cycle waits for none of it: samples that were not taken in
//! time are missing here, and counted.

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
