//! Playback: motions that the machine makes itself, of a pattern or of a script, for the client that is in charge.
//!
//! Both are feeds of the machine's own: their targets go the way of those of other programs, with the same window, approach,
//! limits and rests. But a person starts them, so the lease, the fence behind a STOP and the presence of the client are
//! those of a wave.
//!
//! - [`motion`]: how such a motion begins, and whether it goes on
//! - [`patterns`]: the pattern that runs, and its parameters
//! - [`player`]: the player of scripts; [`playing`]: a script while it is played; `pump`: tells the machine its points ahead of time
//! - [`script_clock`]: the position in a script as a function of the machine's clock
//! - [`shelf`]: the library of scripts, on threads that may wait for the disk

pub mod motion;
pub mod patterns;
pub mod player;
pub mod playing;
pub mod pump;
pub mod script_clock;
pub mod shelf;
