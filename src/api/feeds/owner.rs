//! The owner of the feeds: which link moves the axis, and how; and behind which STOP feeds may move it.

use tokio::time::Instant;

use super::link::LinkNumber;
use crate::api::charge::fence::Stops;
use crate::machine::FeedNumber;

/// What the owner has the axis do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum OwnMotion {
    /// It rests.
    Rests,
    /// It follows targets.
    Follows(FeedNumber),
    /// It strokes.
    Strokes,
}

/// The link that moves the axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct FeedOwner {
    pub link: LinkNumber,
    pub motion: OwnMotion,
    /// When the machine took its motion.
    pub begun: Instant,
    /// Its announced moves are over.
    pub ends: Instant,
}

/// How many STOPs there were, and how many ENDs of the motion of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FeedLatch {
    pub stops: Stops,
    pub ends: u64,
}
