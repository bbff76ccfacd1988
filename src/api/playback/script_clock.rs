//! Script clock: the position in a script as a function of the machine's clock, and which of its actions come next.
//!
//! Positions are *unrolled*: they grow for ever, also where a part of the script is repeated. Behind the end of that part the
//! script goes on at its beginning, a whole length of the part earlier.

use crate::scripts::Action;
use crate::units::{Nanos, SECOND_NS};

/// Position in a script while its clock runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScriptClock {
    /// An instant of the machine's clock.
    pub at_ns: Nanos,
    /// The position then, in s.
    pub position_s: f64,
    /// Seconds of the script for each second, above 0.
    pub rate: f64,
}

impl ScriptClock {
    /// The position at an instant, in s.
    #[must_use]
    pub fn position_s(&self, at_ns: Nanos) -> f64 {
        let since_s = (at_ns as f64 - self.at_ns as f64) / SECOND_NS as f64;
        self.position_s + since_s * self.rate
    }

    /// The instant of a position; the beginning of the clock for one that was before it.
    #[must_use]
    pub fn due_ns(&self, position_s: f64) -> Nanos {
        let in_ns = (position_s - self.position_s) / self.rate * SECOND_NS as f64;
        (self.at_ns as f64 + in_ns).max(0.0) as Nanos
    }

    /// The same position now, and another rate from here on.
    #[must_use]
    pub fn at_rate(self, now_ns: Nanos, rate: f64) -> ScriptClock {
        ScriptClock { at_ns: now_ns, position_s: self.position_s(now_ns), rate }
    }
}

/// A part of a script that is repeated, in s from its beginning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RepeatedPart {
    /// Where it begins.
    pub from_s: f64,
    /// Where it ends, behind its beginning.
    pub to_s: f64,
}

impl RepeatedPart {
    fn length_s(self) -> f64 {
        self.to_s - self.from_s
    }

    /// The position in the script of an unrolled one, and how far the two differ.
    fn folded(self, unrolled_s: f64) -> (f64, f64) {
        if unrolled_s < self.to_s {
            return (unrolled_s, 0.0);
        }
        let laps = ((unrolled_s - self.from_s) / self.length_s()).floor();
        (unrolled_s - laps * self.length_s(), laps * self.length_s())
    }
}

/// The actions of a script in the order in which they are played.
#[derive(Debug, Clone, Copy)]
pub struct ScriptActions<'a> {
    /// All of them, in the order of their times.
    pub all: &'a [Action],
    /// The part that is repeated.
    pub part: Option<RepeatedPart>,
}

/// An action that is to come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ComingAction {
    /// Its unrolled position, in s.
    pub position_s: f64,
    /// Where the axis is to be then, as a share of the window.
    pub share: f64,
}

impl ScriptActions<'_> {
    /// The position in the script of an unrolled one, in s.
    #[must_use]
    pub fn folded_s(&self, unrolled_s: f64) -> f64 {
        self.part.map_or(unrolled_s, |part| part.folded(unrolled_s).0)
    }

    /// The first action behind an unrolled position. None behind the last one.
    #[must_use]
    pub fn behind(&self, unrolled_s: f64) -> Option<ComingAction> {
        let Some(part) = self.part else { return self.first(unrolled_s, f64::INFINITY, 0.0) };
        let (position_s, laps_s) = part.folded(unrolled_s);
        // The first action of the part is played in each lap, and one at its very end belongs to the next lap.
        self.first(position_s, part.to_s, laps_s).or_else(|| {
            let before_s = part.from_s - f64::EPSILON.max(part.from_s * f64::EPSILON);
            self.first(before_s, part.to_s, laps_s + part.length_s())
        })
    }

    /// The first action behind `position_s` and before `end_s`, played `laps_s` later than its time.
    fn first(&self, position_s: f64, end_s: f64, laps_s: f64) -> Option<ComingAction> {
        let index = self.all.partition_point(|action| time_s(action) <= position_s);
        let action = self.all.get(index).filter(|action| time_s(action) < end_s)?;
        Some(ComingAction { position_s: time_s(action) + laps_s, share: f64::from(action.pos) / 100.0 })
    }
}

fn time_s(action: &Action) -> f64 {
    f64::from(action.at_ms) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actions() -> Vec<Action> {
        [(0, 0.0), (1000, 100.0), (1500, 50.0), (2000, 0.0), (4000, 80.0)]
            .map(|(at_ms, pos)| Action { at_ms, pos })
            .to_vec()
    }

    fn played(part: Option<RepeatedPart>, from_s: f64, count: usize) -> Vec<(f64, f64)> {
        let all = actions();
        let actions = ScriptActions { all: &all, part };
        let next = |position_s: &f64| actions.behind(*position_s).map(|action| action.position_s);
        let times = std::iter::successors(next(&from_s), next).take(count);
        times.map(|at_s| (at_s, actions.folded_s(at_s))).collect()
    }

    #[test]
    fn a_clock_and_its_positions_are_inverse() {
        let line = ScriptClock { at_ns: 5 * SECOND_NS, position_s: 10.0, rate: 2.0 };
        assert_eq!(line.position_s(6 * SECOND_NS), 12.0);
        assert_eq!(line.position_s(4 * SECOND_NS), 8.0);
        assert_eq!(line.due_ns(12.0), 6 * SECOND_NS);
        assert_eq!(line.due_ns(-1e9), 0);
        let slower = line.at_rate(6 * SECOND_NS, 0.5);
        assert_eq!((slower.position_s(6 * SECOND_NS), slower.position_s(8 * SECOND_NS)), (12.0, 13.0));
    }

    #[test]
    fn without_a_part_each_action_comes_once() {
        let times: Vec<f64> = played(None, -1.0, 9).into_iter().map(|(at_s, _)| at_s).collect();
        assert_eq!(times, [0.0, 1.0, 1.5, 2.0, 4.0]);
        assert_eq!(played(None, 4.0, 9), []);
    }

    #[test]
    fn a_part_is_repeated_without_its_end() {
        let part = RepeatedPart { from_s: 1.0, to_s: 2.0 };
        let times = played(Some(part), 0.0, 5);
        assert_eq!(times, [(1.0, 1.0), (1.5, 1.5), (2.0, 1.0), (2.5, 1.5), (3.0, 1.0)]);
        // A part without an action has none to come.
        assert_eq!(played(Some(RepeatedPart { from_s: 2.5, to_s: 3.0 }), 2.6, 5), []);
        let late = RepeatedPart { from_s: 0.0, to_s: 5.0 };
        assert_eq!(played(Some(late), 3.0, 3), [(4.0, 4.0), (5.0, 0.0), (6.0, 1.0)]);
    }
}
