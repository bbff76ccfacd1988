//! Target of a feed: a place in its window, and the time in which the axis is to be there.

/// Longest time that a target may leave, in s: a move in the air is bounded.
pub const LONGEST_S: f64 = 10.0;

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

/// The part of the range in which a feed moves (promise S31).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeedWindow {
    /// Its back, in mm of the axis.
    pub back_mm: f64,
    /// Its front, not behind its back.
    pub front_mm: f64,
}

impl FeedWindow {
    /// The same window as far as it lies in a stroke of `stroke_mm`.
    #[must_use]
    pub fn within(self, stroke_mm: f64) -> FeedWindow {
        let inside = |mm: f64| mm.clamp(0.0, stroke_mm.max(0.0));
        FeedWindow { back_mm: inside(self.back_mm), front_mm: inside(self.front_mm) }
    }

    /// Its length, in mm.
    #[must_use]
    pub fn length_mm(&self) -> f64 {
        self.front_mm - self.back_mm
    }

    /// Position of a share of it, in mm. A share beyond its ends is at the end; one that is no number is at the back.
    #[must_use]
    pub fn place(&self, share: f64) -> f64 {
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        self.back_mm + share * self.length_mm()
    }

    /// Share of the window at a position in mm; 0 for a window without length.
    #[must_use]
    pub fn share(&self, position_mm: f64) -> f64 {
        let length_mm = self.length_mm();
        if length_mm > 0.0 { ((position_mm - self.back_mm) / length_mm).clamp(0.0, 1.0) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_out_of_the_window() {
        let window = FeedWindow { back_mm: 20.0, front_mm: 120.0 }.within(100.0);
        assert_eq!(window, FeedWindow { back_mm: 20.0, front_mm: 100.0 });
        for (share, mm) in
            [(0.0, 20.0), (0.5, 60.0), (1.0, 100.0), (-3.0, 20.0), (7.0, 100.0), (f64::NAN, 20.0)]
        {
            assert_eq!(window.place(share), mm, "{share}");
        }
        assert_eq!(window.share(60.0), 0.5);
        assert_eq!(FeedWindow { back_mm: 5.0, front_mm: 5.0 }.share(5.0), 0.0);
    }
}
