//! Feeds: targets that other programs send while the axis moves.

pub mod target;

pub use target::{FeedTarget, Pace};
