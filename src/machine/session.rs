//! How long a wave may go on that nobody has asked for anew, and how long the motor holds an axis that rests.
//!
//! A wave that is forgotten goes on for as long as its client says nothing and stays; a motor at rest gets warm, and holds
//! an axis against whoever wants to push it away. Both have an end that does not depend on anybody.

use crate::units::Nanos;

/// The rules; by default there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionRules {
    /// A wave ends with its period when the last one was asked for so long ago; none: never.
    pub longest_ns: Option<Nanos>,
    /// An axis that has rested so long is let go: the motor driver is switched off, and the position is unknown; none: never.
    pub release_ns: Option<Nanos>,
}

impl SessionRules {
    /// Whether a wave that was last asked for at `asked` is over at `now`.
    pub fn is_wave_over(&self, asked: Nanos, now: Nanos) -> bool {
        has_passed(self.longest_ns, asked, now)
    }

    /// Whether an axis that has rested since `since` is let go at `now`.
    pub fn releases_axis(&self, since: Nanos, now: Nanos) -> bool {
        has_passed(self.release_ns, since, now)
    }
}

fn has_passed(limit_ns: Option<Nanos>, since: Nanos, now: Nanos) -> bool {
    limit_ns.is_some_and(|limit_ns| now.saturating_sub(since) >= limit_ns)
}
