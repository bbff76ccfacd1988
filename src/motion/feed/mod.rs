//! Targets of a feed: where in its window the axis is to be, and when.

pub mod target;

pub use target::{FeedTarget, Pace};
