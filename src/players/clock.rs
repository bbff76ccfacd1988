//! Media clock: the position of a playback at any instant, from updates that come now and then and late by turns.
//!
//! Two lines over time. The *estimate* is `anchor + rate (now - anchor instant)`: an update that differs by more than a
//! second, or that the player calls a jump, moves it there; of a smaller error it takes a third, so that what is late by
//! turns averages out (the constants are those of MultiFunPlayer). The *reference*, which an axis can follow, has no
//! steps: it goes a little faster or slower until it has met the estimate. The same clock serves a player on a network and
//! a browser that says its position at an instant.

use super::update::MediaUpdate;
use crate::units::{Nanos, SECOND_NS, seconds};

/// An error above this is a seek (s).
const SEEK_S: f64 = 1.0;
/// Share of a smaller error by which the estimate is corrected.
const CORRECTION: f64 = 1.0 / 3.0;
/// The reference approaches the estimate with this time constant (s), …
const SLEW_TIME_S: f64 = 0.5;
/// … and is faster or slower than the playback by this share of its rate at most.
const SLEW_SHARE: f64 = 0.2;

/// What an update has changed, for whoever follows the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockChange {
    /// Nothing: the reference goes on, or rests on.
    Steady,
    /// The rate; the reference goes on from where it is.
    Rate,
    /// The playback rests now.
    Rest,
    /// The reference begins anew somewhere: a seek, another media, or the begin of a playback.
    Jump,
}

/// The reference at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MediaTime {
    /// Position (s), within the duration if that is known.
    pub position_s: f64,
    /// How fast it advances just now, with the correction under way; 0 at rest.
    pub rate: f64,
}

/// Clock of one playback. Its instants are those of any monotonic clock.
#[derive(Debug, Clone)]
pub struct MediaClock {
    /// How long a playback goes on of which nothing is heard (s).
    silence_s: f64,
    media: Option<String>,
    duration_s: Option<f64>,
    rate: f64,
    is_playing: bool,
    /// The estimate at the anchor's instant (s).
    anchor_s: f64,
    anchor_ns: Nanos,
    /// The reference less the estimate, at the anchor's instant (s).
    gap_s: f64,
}

impl MediaClock {
    /// A clock of nothing. It rests when it has heard nothing for `silence_s`; that may be infinite, for a player that
    /// says its changes only.
    #[must_use]
    pub fn new(silence_s: f64) -> MediaClock {
        MediaClock {
            silence_s,
            media: None,
            duration_s: None,
            rate: 1.0,
            is_playing: false,
            anchor_s: 0.0,
            anchor_ns: 0,
            gap_s: 0.0,
        }
    }

    /// What is loaded, as its player says it.
    #[must_use]
    pub fn media(&self) -> Option<&str> {
        self.media.as_deref()
    }

    /// Its duration (s), if that is known.
    #[must_use]
    pub fn duration_s(&self) -> Option<f64> {
        self.duration_s
    }

    /// Rate of the playback, also while it rests.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// True if the reference advances at that instant.
    #[must_use]
    pub fn is_playing(&self, now_ns: Nanos) -> bool {
        self.at(now_ns).rate > 0.0
    }

    /// The reference at an instant.
    #[must_use]
    pub fn at(&self, now_ns: Nanos) -> MediaTime {
        let after_s = self.after_s(now_ns);
        let gap_s = self.gap_after_s(after_s);
        let position_s = (self.anchor_s + self.rate * after_s + gap_s).max(0.0);
        let end_s = self.duration_s.unwrap_or(f64::INFINITY);
        let rests = !self.is_playing || after_s >= self.silence_s || position_s >= end_s;
        let slew = (-gap_s / SLEW_TIME_S).clamp(-self.slew_most(), self.slew_most());
        MediaTime { position_s: position_s.min(end_s), rate: if rests { 0.0 } else { self.rate + slew } }
    }

    /// The instant, not before `now_ns`, at which the reference will be at a position if nothing changes. `None` if it will
    /// not: it rests, is past it, or hears nothing for too long.
    #[must_use]
    pub fn due_ns(&self, position_s: f64, now_ns: Nanos) -> Option<Nanos> {
        let now = self.at(now_ns);
        if now.rate <= 0.0 || position_s < now.position_s {
            return None;
        }
        // The reference has a rate between these two, and both lines are monotonic: bisection needs 40 halvings for 1 ns
        // of 1000 s.
        let wait_ns = |rate: f64| (position_s - now.position_s) / rate * SECOND_NS as f64;
        let (mut low, mut high) =
            (wait_ns(self.rate + self.slew_most()), wait_ns(self.rate - self.slew_most()));
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            if self.at(now_ns.saturating_add(middle as Nanos)).position_s < position_s {
                low = middle;
            } else {
                high = middle;
            }
        }
        let due_ns = now_ns.saturating_add(high.ceil() as Nanos);
        (self.at(due_ns).position_s >= position_s - 1e-6).then_some(due_ns)
    }

    /// Takes an update that comes at `now_ns` and held at `held_ns`; says what it has changed. Instants of `now_ns` do not go
    /// back from one update to the next.
    pub fn update(&mut self, now_ns: Nanos, held_ns: Nanos, update: &MediaUpdate) -> ClockChange {
        let was_playing = self.is_playing(now_ns);
        let reference_s = self.at(now_ns).position_s;
        let error_s = update.position_s - self.estimate_s(held_ns);
        let is_new = self.media != update.media;
        let is_far = is_new || update.is_jump || error_s.abs() > SEEK_S;
        let rate_differs = self.rate != update.rate;
        self.media.clone_from(&update.media);
        self.duration_s = update.duration_s;
        let begins_anew = is_far || !was_playing || !update.is_playing;
        let held_s =
            if begins_anew { update.position_s } else { update.position_s - error_s * (1.0 - CORRECTION) };
        self.rate = update.rate;
        self.is_playing = update.is_playing;
        let since_held_s = if update.is_playing { span_s(held_ns, now_ns) } else { 0.0 };
        self.anchor_s = held_s + self.rate * since_held_s;
        self.anchor_ns = now_ns;
        self.gap_s = if begins_anew { 0.0 } else { reference_s - self.anchor_s };
        match (was_playing, update.is_playing) {
            (true, false) => ClockChange::Rest,
            (false, true) => ClockChange::Jump,
            _ if is_far => ClockChange::Jump,
            (true, true) if rate_differs => ClockChange::Rate,
            _ => ClockChange::Steady,
        }
    }

    /// The estimate at an instant, which may be before the anchor's.
    fn estimate_s(&self, at_ns: Nanos) -> f64 {
        let advance_s = if self.is_playing { self.rate * span_s(self.anchor_ns, at_ns) } else { 0.0 };
        self.anchor_s + advance_s
    }

    /// Time since the anchor (s) in which the playback has advanced.
    fn after_s(&self, now_ns: Nanos) -> f64 {
        if !self.is_playing {
            return 0.0;
        }
        seconds(now_ns.saturating_sub(self.anchor_ns)).min(self.silence_s)
    }

    /// Largest correction, in seconds a second.
    fn slew_most(&self) -> f64 {
        SLEW_SHARE * self.rate
    }

    /// The gap so long after the anchor: it closes at the highest speed, then exponentially.
    fn gap_after_s(&self, after_s: f64) -> f64 {
        let (most, size_s) = (self.slew_most(), self.gap_s.abs());
        let tail_s = most * SLEW_TIME_S;
        let linear_s = ((size_s - tail_s) / most).max(0.0);
        let left_s = if after_s < linear_s {
            size_s - most * after_s
        } else {
            size_s.min(tail_s) * libm::exp(-(after_s - linear_s) / SLEW_TIME_S)
        };
        left_s.copysign(self.gap_s)
    }
}

/// Time from one instant to another (s), negative if that is the earlier one.
fn span_s(from_ns: Nanos, to_ns: Nanos) -> f64 {
    if to_ns >= from_ns { seconds(to_ns - from_ns) } else { -seconds(from_ns - to_ns) }
}

#[cfg(test)]
mod tests;
