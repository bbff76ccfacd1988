//! Idle timeouts (session rules): for what moves the axis and is not asked for again, and for an axis that is held at rest.
//!
//! A forgotten wave, pattern or script goes on while its client stays connected. A change of it asks for it again, and so does each
//! target of a program and each correction by the clock of a video player. A motor at rest gets warm, and holds the axis against a
//! person who wants to push it away. Both end by themselves after a time limit. The supervisor checks both limits in
//! each control cycle.

use crate::units::Nanos;

/// Time limits; none by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionRules {
    /// Time since the last request after which a wave ends with its period, and a pattern, a script or a feed comes to rest; none: never.
    pub longest_ns: Option<Nanos>,
    /// Time at rest after which the axis is released: the motor driver is switched off, and the position is unknown;
    /// none: never.
    pub release_ns: Option<Nanos>,
}

impl SessionRules {
    /// True if a wave that was last asked for at `asked` has to end at `now`.
    pub fn is_wave_over(&self, asked: Nanos, now: Nanos) -> bool {
        self.wave_end_ns(asked).is_some_and(|end| now >= end)
    }

    /// True if an axis at rest since `since` is released at `now`.
    pub fn releases_axis(&self, since: Nanos, now: Nanos) -> bool {
        self.release_ns(since).is_some_and(|end| now >= end)
    }

    /// Instant at which a wave that was last asked for at `asked` ends.
    pub fn wave_end_ns(&self, asked: Nanos) -> Option<Nanos> {
        self.longest_ns.map(|longest_ns| asked.saturating_add(longest_ns))
    }

    /// Instant at which an axis at rest since `since` is released.
    pub fn release_ns(&self, since: Nanos) -> Option<Nanos> {
        self.release_ns.map(|release_ns| since.saturating_add(release_ns))
    }
}
