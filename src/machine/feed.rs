//! A feed as the machine sees it: how it begins, what it sends, what is reported of it.

use super::state::Why;
use crate::motion::{FeedCounts, FeedTarget, FeedWindow, ScriptPoint, StrokeDrive, StrokeReport};

/// Number of a feed. What was sent to an earlier one is dropped.
pub type FeedNumber = u32;

/// Begin of a feed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeedStart {
    /// Its number.
    pub number: FeedNumber,
    /// The part of the range in which it moves, as the user set it; of that, what lies in the stroke limit.
    pub window: FeedWindow,
    /// Who sends its targets.
    pub source: FeedSource,
}

/// Who sends the targets of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedSource {
    /// Another program.
    Program,
    /// The machine itself, which plays a pattern or a script.
    Playback,
}

impl FeedSource {
    /// Why the axis follows it.
    #[must_use]
    pub const fn why(self) -> Why {
        match self {
            FeedSource::Program => Why::FollowAsked,
            FeedSource::Playback => Why::PlayAsked,
        }
    }
}

/// What is sent to a feed.
#[derive(Debug, Clone, Copy, PartialEq)]
// The larger one holds a user's program, which must be in the item: the control cycle can free no memory.
#[allow(clippy::large_enum_variant)]
pub enum FeedItem {
    /// A place to be at.
    Target(FeedTarget),
    /// Another window.
    Window(FeedWindow),
    /// What strokes from now on, and how. The first one begins a pattern, which a target ends.
    Strokes(StrokeDrive),
    /// A point of a script, behind those that were sent before. The first one begins a script.
    Point(ScriptPoint),
    /// The points that were sent and are not reached are void. Without others behind it the axis comes to rest where it is.
    Clear,
}

/// An item on its way to the feed with that number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeedMessage {
    /// The feed.
    pub number: FeedNumber,
    /// What is sent to it.
    pub item: FeedItem,
}

/// What is reported of a feed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeedReport {
    /// Its number.
    pub number: FeedNumber,
    /// Its targets.
    pub counts: FeedCounts,
    /// Delay of its path behind the clock of its sender, in s.
    pub delay_s: f64,
    /// True while the axis goes to it at the approach speed.
    pub is_met: bool,
    /// True if its path rests and nothing is due.
    pub rests: bool,
    /// Its pattern, if it is one.
    pub strokes: Option<StrokeReport>,
}
