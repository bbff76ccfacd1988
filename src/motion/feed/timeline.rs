//! The points of a script that are known ahead, each with its instant, and the state in which the path passes each of them.
//!
//! Where a script turns, the path stands for an instant. Between two turns it passes the points with the speeds and accelerations of
//! the cubic spline through them, as far as it does not swing beyond a point by that: no faster than 2.5 times the slower side, and
//! with no more bend than its own length asks for. So points that lie close together on a smooth curve are passed as by that curve.
//! The usual slopes between two sides (Fritsch and Butland, 1984) are too slow next to a turn, and bend such a curve there.

use heapless::{Deque, Vec};

use super::super::kinematics::Kinematics;
use super::target::FeedWindow;
use super::within_reach::is_turn;
use crate::units::{Nanos, seconds};

/// Most points ahead: more than a player sends.
pub const POINTS_MAX: usize = 32;
/// Bound on the speed at a point, in speeds of the slower side: with more, a curve of fifth degree turns round.
const STEEPEST: f64 = 2.5;
/// Bound on the acceleration at a point, in speeds of a side over its time.
const BEND: f64 = 2.0;
/// Points with less between them, in s, are due at once.
const AT_ONCE_S: f64 = 1e-3;
/// The first point of a script is awaited at rest if it is due so late, in s.
const AWAITED_S: f64 = 0.3;
/// Shares of the window that differ by less are equal.
const EQUAL_SHARE: f64 = 1e-9;
/// A correction of the script's clock shifts its points by no more, in s.
const CORRECTION_S: f64 = 0.2;
/// A point that the path has passed may come again with a correction, later by no more, in s: it is past.
const PAST_S: f64 = 0.02;

/// A point of a script: where its path is at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScriptPoint {
    /// The instant on the machine's clock at which the pulses are to be there.
    pub due_ns: Nanos,
    /// Share of the window, from 0 at its back to 1 at its front.
    pub share: f64,
}

/// The same in s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimedShare {
    /// When it is due.
    pub due_s: f64,
    /// Share of the window.
    pub share: f64,
}

/// True if one point is the other one, due earlier or later by at most `by_s`.
fn is_moved(point: &TimedShare, other: &TimedShare, by_s: f64) -> bool {
    (point.share - other.share).abs() <= EQUAL_SHARE && (point.due_s - other.due_s).abs() <= by_s
}

/// What is known of a script.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    ahead: Deque<TimedShare, POINTS_MAX>,
    /// The last point that is past, and the speed of the path there, in mm/s.
    past: Option<TimedShare>,
    past_mm_s: f64,
    /// True if that is where the path was when it began, and no point.
    begins: bool,
    /// What was ahead when all became void.
    void: [Option<TimedShare>; 2],
}

impl Timeline {
    /// Adds a point behind all others. False if it is not behind them, or if there is no room.
    pub fn push(&mut self, point: ScriptPoint) -> bool {
        let added = TimedShare { due_s: seconds(point.due_ns), share: point.share };
        match self.ahead.back() {
            Some(last) if added.due_s < last.due_s + AT_ONCE_S => return false,
            Some(_) => {}
            None if self.past.is_some_and(|past| is_moved(&past, &added, PAST_S)) => {
                self.past = Some(added);
                return true;
            }
            None => self.find_past_anew(added),
        }
        self.ahead.push_back(added).is_ok()
    }

    /// The first point behind a void: what was past stays so, shifted as the others are, if it is one of those that were ahead.
    fn find_past_anew(&mut self, first: TimedShare) {
        let [next, over_next] = core::mem::take(&mut self.void);
        let is_same = |void: &TimedShare| is_moved(void, &first, CORRECTION_S);
        if let Some(void) = next.filter(is_same) {
            let shift_s = first.due_s - void.due_s;
            self.past = self.past.map(|past| TimedShare { due_s: past.due_s + shift_s, ..past });
        } else if let (Some(before), Some(void)) = (next, over_next.filter(is_same)) {
            let shift_s = first.due_s - void.due_s;
            (self.past, self.past_mm_s) = (Some(TimedShare { due_s: before.due_s + shift_s, ..before }), 0.0);
        } else if next.is_some() {
            self.past = None;
        }
    }

    /// What is ahead is void.
    pub fn clear(&mut self) {
        if !self.ahead.is_empty() {
            self.void = [self.ahead.front().copied(), self.ahead.get(1).copied()];
            self.ahead.clear();
        }
    }

    /// Takes the first point off if it is due at `now_s`.
    pub fn pass(&mut self, now_s: f64) -> Option<TimedShare> {
        let passed = self.ahead.pop_front_if(|first| first.due_s <= now_s)?;
        (self.past, self.past_mm_s, self.begins) = (Some(passed), 0.0, false);
        Some(passed)
    }

    /// With which speed the path was at the last point that is past.
    pub fn set_past_speed(&mut self, mm_s: f64) {
        self.past_mm_s = mm_s;
    }

    /// Where and how fast the path is now stands for the point before, if none is past.
    pub fn begin(&mut self, at_s: f64, state: &Kinematics, window: FeedWindow) {
        if self.past.is_none() {
            self.past = Some(TimedShare { due_s: at_s, share: window.share(state.p) });
            (self.past_mm_s, self.begins) = (state.v, true);
        }
    }

    /// How many points are ahead.
    pub fn len(&self) -> usize {
        self.ahead.len()
    }

    /// True if none is ahead.
    pub fn is_empty(&self) -> bool {
        self.ahead.is_empty()
    }

    /// A point ahead, from 0 on: when it is due, and where.
    pub fn point(&self, index: usize, window: FeedWindow) -> Option<(f64, f64)> {
        self.ahead.get(index).map(|point| (point.due_s, window.place(point.share)))
    }

    /// Where the script is at `now_s`, as a share: on a straight line between two points, and at the first one before it begins.
    pub fn share_at(&self, now_s: f64) -> Option<f64> {
        let next = self.ahead.front()?;
        let Some(past) = self.past else { return Some(next.share) };
        let gone = ((now_s - past.due_s) / (next.due_s - past.due_s).max(AT_ONCE_S)).clamp(0.0, 1.0);
        Some(past.share + gone * (next.share - past.share))
    }

    /// When and where the point before the first one ahead is, and the speed of the path there; `from` if none is past.
    fn before(&self, (at_s, state): (f64, Kinematics), window: FeedWindow) -> (f64, f64, f64) {
        let here = (at_s, state.p, state.v);
        self.past.map_or(here, |past| (past.due_s, window.place(past.share), self.past_mm_s))
    }

    /// True if the path turns or rests at a point ahead, or if it is the last one. The first one of all it awaits at rest.
    pub fn is_turn(&self, index: usize, from: (f64, Kinematics), window: FeedWindow) -> bool {
        let place = |index| self.point(index, window).map(|point| point.1);
        let before = match index.checked_sub(1) {
            Some(before) => place(before),
            None => Some(self.before(from, window).1),
        };
        let begin = self.before(from, window);
        let awaits = (self.begins || self.past.is_none())
            && index == 0
            && self.point(0, window).is_some_and(|first| first.0 - begin.0 >= AWAITED_S);
        match (before, place(index), place(index + 1)) {
            _ if awaits => true,
            (Some(before), Some(here), Some(behind)) => is_turn(before, here, behind),
            _ => true,
        }
    }

    /// The points up to the first turn, as a path passes them that is in the state `from`.
    pub fn run(&self, from: (f64, Kinematics), window: FeedWindow) -> Vec<ScriptKnot, POINTS_MAX> {
        let before = self.before(from, window);
        let mut sides: Vec<Side, POINTS_MAX> = Vec::new();
        let mut last = (before.0, before.1);
        for index in 0..self.len() {
            let Some(point) = self.point(index, window) else { break };
            let _ = sides.push(Side::between(last, point));
            last = point;
            if self.is_turn(index, from, window) {
                break;
            }
        }
        let behind = self.point(sides.len(), window).map(|point| Side::between(last, point));
        let end_mm_s = if behind.is_some() { 0.0 } else { sides.last().map_or(0.0, |side| side.mm_s) };
        let mut knots: Vec<ScriptKnot, POINTS_MAX> = Vec::new();
        // Thomas' algorithm: upward each speed as a share of the one behind it, downward the speeds.
        let mut shares: Vec<(f64, f64), POINTS_MAX> = Vec::new();
        let (mut share, mut rest) = (0.0, before.2);
        for pair in sides.windows(2) {
            let (came, goes) = (pair[0], pair[1]);
            let all = 2.0 * (came.time_s + goes.time_s) - goes.time_s * share;
            let asked = 3.0 * (goes.time_s * came.mm_s + came.time_s * goes.mm_s);
            (share, rest) = (came.time_s / all, (asked - goes.time_s * rest) / all);
            let _ = shares.push((share, rest));
        }
        let mut behind_mm_s = end_mm_s;
        for (share, rest) in shares.iter_mut().rev() {
            behind_mm_s = *rest - *share * behind_mm_s;
            *rest = behind_mm_s;
        }
        let mut came_mm_s = before.2;
        for (index, side) in sides.iter().enumerate() {
            let Some((due_s, p)) = self.point(index, window) else { break };
            let state = match (shares.get(index), sides.get(index + 1), behind) {
                (Some((_, mm_s)), Some(goes), _) => {
                    let goes_mm_s = shares.get(index + 1).map_or(end_mm_s, |share| share.1);
                    let slowest = STEEPEST * side.mm_s.abs().min(goes.mm_s.abs());
                    let v = mm_s.clamp(-slowest, slowest);
                    // The mean of both sides, which differ if the speed was bounded.
                    let bends = (2.0 * came_mm_s + 4.0 * v - 6.0 * side.mm_s) / side.time_s
                        + (6.0 * goes.mm_s - 4.0 * v - 2.0 * goes_mm_s) / goes.time_s;
                    Kinematics { p, v, a: bounded_bend(bends / 2.0, side, goes) }
                }
                (_, _, Some(goes)) if side.mm_s * goes.mm_s < 0.0 => {
                    let a = 2.0 * (goes.mm_s - side.mm_s) / (side.time_s + goes.time_s);
                    Kinematics { p, v: 0.0, a: bounded_bend(a, side, &goes) }
                }
                _ => Kinematics::at_rest(p),
            };
            came_mm_s = state.v;
            let _ = knots.push(ScriptKnot { due_s, state });
        }
        knots
    }
}

/// The way from one point to the next.
#[derive(Debug, Clone, Copy)]
struct Side {
    time_s: f64,
    mm_s: f64,
}

impl Side {
    fn between(from: (f64, f64), to: (f64, f64)) -> Side {
        let time_s = (to.0 - from.0).max(AT_ONCE_S);
        Side { time_s, mm_s: (to.1 - from.1) / time_s }
    }
}

fn bounded_bend(a: f64, came: &Side, goes: &Side) -> f64 {
    let most = BEND * (came.mm_s / came.time_s).abs().min((goes.mm_s / goes.time_s).abs());
    a.clamp(-most, most)
}

/// A point, as the path passes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScriptKnot {
    /// When.
    pub due_s: f64,
    /// In which state.
    pub state: Kinematics,
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: FeedWindow = FeedWindow { back_mm: 0.0, front_mm: 100.0 };

    fn timeline(points: &[(u64, f64)]) -> Timeline {
        let mut timeline = Timeline::default();
        for (due_ms, share) in points {
            assert!(timeline.push(ScriptPoint { due_ns: due_ms * 1_000_000, share: *share }));
        }
        timeline
    }

    #[test]
    fn the_path_stands_where_it_turns_and_passes_without_a_swing() {
        let timeline = timeline(&[(1_500, 0.2), (1_700, 1.0), (1_900, 0.5), (2_900, 0.5)]);
        let run = timeline.run((1.25, Kinematics::at_rest(10.0)), WINDOW);
        let [passes, turns] = run[..] else { panic!("{run:?}") };
        // Not 300 mm/s, with which the slow side would turn round.
        assert!((passes.state.v - 100.0).abs() < 1e-9 && passes.state.a <= 320.0, "{passes:?}");
        assert!(turns.state.v == 0.0 && turns.state.a < -1_000.0, "{turns:?}");
        // The last one, and that of a rest.
        let rests = timeline.is_turn(2, (1.0, Kinematics::at_rest(0.0)), WINDOW)
            && timeline.is_turn(3, (1.0, Kinematics::at_rest(0.0)), WINDOW);
        assert!(rests && timeline.point(4, WINDOW).is_none());
    }

    #[test]
    fn a_point_in_the_middle_of_a_stroke_does_not_slow_it() {
        let timeline = timeline(&[(1_100, 0.2), (1_200, 0.4), (1_400, 0.1)]);
        let run = timeline.run((1.0, Kinematics::at_rest(0.0)), WINDOW);
        // The cubic through both ends has the 1.5-fold mean speed there.
        assert!((run[0].state.v - 300.0).abs() < 1e-9 && run[0].state.a.abs() < 1e-6, "{run:?}");
    }

    #[test]
    fn a_correction_of_the_clock_keeps_what_is_past_and_a_seek_does_not() {
        let before = [(1_000, 0.0), (1_500, 1.0), (2_000, 0.0)];
        let mut moved = timeline(&before);
        moved.pass(1.2);
        assert_eq!(moved.share_at(1.25), Some(0.5));
        moved.clear();
        assert_eq!(moved.share_at(1.25), None);
        moved.push(ScriptPoint { due_ns: 1_550_000_000, share: 1.0 });
        assert!((moved.share_at(1.3).unwrap() - 0.5).abs() < 1e-9);
        // The next one is past meanwhile.
        moved.push(ScriptPoint { due_ns: 2_050_000_000, share: 0.0 });
        moved.clear();
        moved.push(ScriptPoint { due_ns: 2_000_000_000, share: 0.0 });
        assert!((moved.share_at(1.75).unwrap() - 0.5).abs() < 1e-9);
        moved.clear();
        moved.push(ScriptPoint { due_ns: 1_900_000_000, share: 0.7 });
        assert_eq!(moved.share_at(1.8), Some(0.7));
    }

    #[test]
    fn points_come_in_order_and_not_without_bound() {
        let mut timeline = timeline(&[(1_000, 0.0)]);
        assert!(!timeline.push(ScriptPoint { due_ns: 1_000_000_000, share: 1.0 }));
        for index in 0..100u64 {
            timeline.push(ScriptPoint { due_ns: 2_000_000_000 + index * 10_000_000, share: 1.0 });
        }
        assert_eq!(timeline.len(), POINTS_MAX);
        assert_eq!(timeline.pass(0.9), None);
        assert_eq!(timeline.pass(1.0).map(|point| point.share), Some(0.0));
    }
}
