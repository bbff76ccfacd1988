//! T-Code: the line protocol of stroker robots, as other programs write it.
//!
//! A program writes lines of words; `L09999I500` is "axis L0 to its front in 500 ms". MultiFunPlayer, XTPlayer, VaM,
//! Intiface and many others send it over UDP, TCP, WebSockets and serial lines. Versions 0.2, 0.3 and both texts of 0.4
//! are read alike; questions are answered as 0.3.
//!
//! ```text
//! stream  = *( line (LF / CR / CR LF) )        ; the end of a datagram or of a WebSocket frame also ends a line
//! line    = [ word *(1*SP word) ]              ; at most 1 KiB
//! word    = axis / device / save
//! axis    = ("L" / "R" / "V" / "A") DIGIT 1*DIGIT *suffix     ; only L0 moves
//! suffix  = ("I" / "S") 1*DIGIT / ("<" / ">" / "=" / "G") *DIGIT
//! device  = "D0" / "D1" / "D2" / "DSTOP" / "DENABLE" / "DDISABLE"
//! save    = "$" ("L" / "R" / "V" / "A") DIGIT "-" 4DIGIT "-" 4DIGIT
//! ```
//!
//! # Entities
//!
//! - [`LineSplitter`]: bytes in any pieces to lines
//! - [`TcodeWord`]: meaning of one word
//! - [`TcodeSession`]: one connection; bytes to [`TcodeEvent`]s, with counters of what was passed over
//! - [`TcodeAnswer`]: answer to a question, in the spelling that its transport expects
//! - [`TcodeMirror`]: the other direction, lines for a device that follows this axis
//! - [`wsdm`]: how the machine introduces itself to Intiface, which then sends T-Code
//!
//! # What a sender cannot do
//!
//! A word that the grammar does not have is skipped and counted; the words beside it count. There is no error answer,
//! but for a malformed `$` ([`answers`]): the programs that send T-Code take an unexpected line for a button of the
//! device. Nothing in a line changes the window or a limit. A time of 0 is no time and a speed of 0 is no speed, so
//! neither is ever read as "at once".

pub mod answers;
mod json;
pub mod lines;
pub mod mirror;
pub mod session;
pub mod words;
pub mod wsdm;

pub use answers::TcodeAnswer;
pub use lines::LineSplitter;
pub use mirror::TcodeMirror;
pub use session::{TcodeCounts, TcodeEvent, TcodeSession};
pub use words::{SavedRange, TcodeWord};

/// Number of four digits that stands for the front of the travel. Read as a decimal fraction it is 0.9999, with which
/// the front would never be reached.
const FRONT: u16 = 9_999;

/// Longest time that a target may leave or get (ms).
const LONGEST_MS: u32 = 10_000;
