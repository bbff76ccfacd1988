//! Target of a feed: a place in its window, and the time in which the axis is to be there.

/// Time that a target leaves to the axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// At the target so long after it came, in s.
    Within {
        /// The time.
        time_s: f64,
    },
    /// At this speed, in windows per s.
    AtSpeed {
        /// The speed.
        per_s: f64,
    },
    /// No time is said: it follows from the intervals at which such targets come.
    Live,
}

/// A place to be at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeedTarget {
    /// Share of the window, from 0 at its back to 1 at its front.
    pub share: f64,
    /// Time that it leaves.
    pub pace: Pace,
}
