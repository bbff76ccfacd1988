//! A script while it is played: its clock, and the points that the machine is told ahead of time.

use std::collections::VecDeque;
use std::sync::Arc;

use super::script_clock::{ComingAction, RepeatedPart, ScriptActions, ScriptClock};
use crate::motion::ScriptPoint;
use crate::scripts::Script;
use crate::units::{Nanos, SECOND_NS};

/// Points are sent so long before they are due, in s: far longer than a busy computer keeps a task waiting.
const AHEAD_S: f64 = 1.0;
/// And at least so many of them, by which the machine sees what it can reach; at most so many.
const POINTS_AHEAD: (usize, usize) = (14, 24);
/// The script of another clock that differs by less is left as it is, in s.
const IN_STEP_S: f64 = 0.004;

/// A script that is played.
#[derive(Debug, Clone)]
pub struct Playing {
    /// Its name.
    pub name: String,
    script: Arc<Script>,
    clock: ScriptClock,
    /// Whether its clock runs.
    runs: bool,
    part: Option<RepeatedPart>,
    offset_s: f64,
    is_inverted: bool,
    /// Unrolled position of the newest point that was sent, in s.
    sent_until_s: f64,
    /// When the points that were sent and are not past are due.
    sent: VecDeque<Nanos>,
    /// True if what was sent is void.
    is_void: bool,
}

/// What the machine is told next.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NextPoints {
    /// True if what was sent before is void.
    pub clears: bool,
    /// The points.
    pub points: Vec<ScriptPoint>,
}

impl Playing {
    /// A script that stands at `position_s`.
    #[must_use]
    pub fn new(name: &str, script: Arc<Script>, (now_ns, position_s): (Nanos, f64), rate: f64) -> Playing {
        Playing {
            name: name.to_owned(),
            script,
            clock: ScriptClock { at_ns: now_ns, position_s, rate },
            runs: false,
            part: None,
            offset_s: 0.0,
            is_inverted: false,
            sent_until_s: position_s,
            sent: VecDeque::new(),
            is_void: true,
        }
    }

    /// The script.
    #[must_use]
    pub fn script(&self) -> Arc<Script> {
        Arc::clone(&self.script)
    }

    fn actions(&self) -> ScriptActions<'_> {
        ScriptActions { all: &self.script.actions, part: self.part }
    }

    /// Length of the script, in s.
    #[must_use]
    pub fn duration_s(&self) -> f64 {
        f64::from(self.script.duration_ms()) / 1000.0
    }

    /// Position in the script, in s.
    #[must_use]
    pub fn position_s(&self, now_ns: Nanos) -> f64 {
        self.actions().folded_s(self.unrolled_s(now_ns))
    }

    fn unrolled_s(&self, now_ns: Nanos) -> f64 {
        if self.runs { self.clock.position_s(now_ns) } else { self.clock.position_s }
    }

    /// Seconds of the script for each second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.clock.rate
    }

    /// The part that is repeated.
    #[must_use]
    pub fn part(&self) -> Option<RepeatedPart> {
        self.part
    }

    /// True if back and front are exchanged.
    #[must_use]
    pub fn is_inverted(&self) -> bool {
        self.is_inverted
    }

    /// Lets its clock run, or stand.
    pub fn set_running(&mut self, runs: bool, now_ns: Nanos) {
        if runs != self.runs {
            let position_s = self.unrolled_s(now_ns);
            self.clock = ScriptClock { at_ns: now_ns, position_s, ..self.clock };
            (self.runs, self.is_void) = (runs, true);
        }
    }

    /// Goes to another position of the script.
    pub fn seek(&mut self, position_s: f64, now_ns: Nanos) {
        self.clock = ScriptClock { at_ns: now_ns, position_s, ..self.clock };
        self.is_void = true;
    }

    /// Plays at another rate from here on.
    pub fn set_rate(&mut self, rate: f64, now_ns: Nanos) {
        if rate != self.clock.rate {
            let position_s = self.unrolled_s(now_ns);
            self.clock = ScriptClock { at_ns: now_ns, position_s, rate };
            self.is_void = true;
        }
    }

    /// Follows another clock, by which the position is `position_s` now.
    pub fn follow(&mut self, position_s: f64, now_ns: Nanos) {
        let error_s = position_s - self.position_s(now_ns);
        if error_s.abs() > IN_STEP_S {
            let to_s = self.unrolled_s(now_ns) + error_s;
            self.clock = ScriptClock { at_ns: now_ns, position_s: to_s, ..self.clock };
            self.is_void = true;
        }
    }

    /// The axis is so much later than the script, in s.
    pub fn set_offset(&mut self, offset_s: f64) {
        self.is_void |= offset_s != self.offset_s;
        self.offset_s = offset_s;
    }

    /// Exchanges back and front, or not.
    pub fn set_inverted(&mut self, is_inverted: bool) {
        self.is_void |= is_inverted != self.is_inverted;
        self.is_inverted = is_inverted;
    }

    /// Repeats a part, or nothing, and goes on where it is; at the beginning of the part, if it is behind it.
    pub fn set_part(&mut self, part: Option<RepeatedPart>, now_ns: Nanos) {
        if part == self.part {
            return;
        }
        let position_s = self.position_s(now_ns);
        self.part = part;
        let is_behind = part.is_some_and(|part| position_s >= part.to_s);
        self.seek(if is_behind { part.map_or(0.0, |part| part.from_s) } else { position_s }, now_ns);
    }

    /// What was sent is void, for a reason of the machine's.
    pub fn send_anew(&mut self) {
        self.is_void = true;
    }

    /// True if no action is to come, and the last one is past.
    #[must_use]
    pub fn is_over(&self, now_ns: Nanos) -> bool {
        self.runs
            && self.actions().behind(self.sent_until_s).is_none()
            && self.sent.back().is_none_or(|due_ns| *due_ns <= now_ns)
    }

    /// The points that are to be sent now.
    pub fn next_points(&mut self, now_ns: Nanos) -> NextPoints {
        let clears = core::mem::take(&mut self.is_void);
        if clears {
            self.sent.clear();
            // An action that is past by its own time may still be to come by the offset.
            self.sent_until_s = self.unrolled_s(now_ns) - self.offset_s * self.clock.rate;
        }
        let mut next = NextPoints { clears, points: Vec::new() };
        if !self.runs {
            return next;
        }
        while self.sent.front().is_some_and(|due_ns| *due_ns <= now_ns) {
            self.sent.pop_front();
        }
        let horizon_ns = now_ns + (AHEAD_S * SECOND_NS as f64) as Nanos;
        while self.sent.len() < POINTS_AHEAD.1 {
            let Some(ComingAction { position_s, share }) = self.actions().behind(self.sent_until_s) else {
                break;
            };
            let due_ns = self.clock.due_ns(position_s + self.offset_s * self.clock.rate);
            if due_ns > horizon_ns && self.sent.len() >= POINTS_AHEAD.0 {
                break;
            }
            self.sent_until_s = position_s;
            self.sent.push_back(due_ns);
            let share = if self.is_inverted { 1.0 - share } else { share };
            next.points.push(ScriptPoint { due_ns, share });
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripts::Action;

    const MS: Nanos = 1_000_000;

    /// A stroke each half second, for `count` of them.
    fn script(count: u32) -> Arc<Script> {
        let action = |index: u32| Action {
            at_ms: index * 500,
            pos: if index.is_multiple_of(2) { 0.0 } else { 100.0 },
        };
        let actions = (0..count).map(action).collect();
        Arc::new(Script { actions, title: None, chapters: Vec::new(), notes: Vec::new() })
    }

    fn dues_ms(next: &NextPoints) -> Vec<Nanos> {
        next.points.iter().map(|point| point.due_ns / MS).collect()
    }

    fn playing(count: u32) -> Playing {
        let mut playing = Playing::new("a", script(count), (1_000 * MS, 0.6), 1.0);
        playing.set_running(true, 1_000 * MS);
        playing
    }

    #[test]
    fn points_are_sent_once_and_ahead_of_time() {
        let mut playing = playing(100);
        let first = playing.next_points(1_000 * MS);
        assert!(first.clears && first.points.len() == POINTS_AHEAD.0);
        assert_eq!(dues_ms(&first)[..3], [1_400, 1_900, 2_400]);
        assert_eq!(first.points[0].share, 0.0);
        assert_eq!(playing.next_points(1_020 * MS), NextPoints::default());
        let later = playing.next_points(1_401 * MS);
        assert_eq!((later.clears, dues_ms(&later)), (false, vec![1_400 + 14 * 500]));
        assert!((playing.position_s(1_401 * MS) - 1.001).abs() < 1e-9);
    }

    #[test]
    fn a_change_sends_what_is_to_come_anew() {
        let mut playing = playing(100);
        playing.next_points(1_000 * MS);
        playing.set_rate(2.0, 1_100 * MS);
        let next = playing.next_points(1_100 * MS);
        assert_eq!((next.clears, &dues_ms(&next)[..2]), (true, &[1_250, 1_500][..]));
        playing.set_offset(0.2);
        let next = playing.next_points(1_100 * MS);
        assert_eq!(dues_ms(&next)[..2], [1_200, 1_450]);
        playing.set_inverted(true);
        assert_eq!(playing.next_points(1_100 * MS).points[1].share, 1.0);
        playing.seek(10.1, 1_100 * MS);
        let next = playing.next_points(1_100 * MS);
        // 9.5 s is past by the offset, 10 s is not.
        assert_eq!(dues_ms(&next)[..2], [1_250, 1_500]);
    }

    #[test]
    fn it_stands_while_it_is_paused_and_goes_on_there() {
        let mut playing = playing(100);
        playing.next_points(1_000 * MS);
        playing.set_running(false, 1_200 * MS);
        assert_eq!(playing.next_points(1_200 * MS), NextPoints { clears: true, points: vec![] });
        assert!((playing.position_s(9_000 * MS) - 0.8).abs() < 1e-9);
        playing.set_running(true, 9_000 * MS);
        assert_eq!(dues_ms(&playing.next_points(9_000 * MS))[0], 9_200);
    }

    #[test]
    fn another_clock_is_followed_and_small_differences_are_not() {
        let mut playing = playing(100);
        playing.next_points(1_000 * MS);
        playing.follow(0.703, 1_100 * MS);
        assert!(!playing.next_points(1_100 * MS).clears);
        playing.follow(0.75, 1_100 * MS);
        assert_eq!(dues_ms(&playing.next_points(1_100 * MS))[0], 1_350);
    }

    #[test]
    fn it_is_over_behind_its_last_action_and_never_with_a_part() {
        let mut over = playing(4);
        over.next_points(1_000 * MS);
        assert!(!over.is_over(1_899 * MS) && over.is_over(1_900 * MS));
        let mut part = playing(4);
        part.set_part(Some(RepeatedPart { from_s: 0.5, to_s: 1.5 }), 1_000 * MS);
        let next = part.next_points(1_000 * MS);
        assert_eq!(dues_ms(&next)[..4], [1_400, 1_900, 2_400, 2_900]);
        let shares: Vec<f64> = next.points.iter().map(|point| point.share).take(4).collect();
        assert_eq!(shares, [0.0, 1.0, 0.0, 1.0]);
        assert!(!part.is_over(60_000 * MS));
    }
}
