//! The lock-free parts of yep with loom's atomics in place of the real ones, so that a test can try every order in which
//! their threads meet, and every value that a relaxed load may find.
//!
//! The source is the product's own file. What it needs of its room is here, word for word where it matters and as small as
//! possible where it does not. Two mutants of it, with orderings that are too weak, show that the models can fail.
// The mutants are the same file in other rooms.
#![allow(clippy::duplicate_mod)]

/// Instants, as the borrowed file expects them.
pub mod units {
    /// Nanoseconds of the machine's clock.
    pub type Nanos = u64;
    /// One millisecond.
    pub const MILLISECOND_NS: Nanos = 1_000_000;
}

pub mod hal;
pub mod relaxed;
pub mod without_fences;
