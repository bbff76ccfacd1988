//! Targets of another program: the point of the path that each becomes, and when it is due.

use super::{Afterwards, EQUAL_MM, Feeder, LIMIT_SHARE, PAUSE_S, Phase, SHORTEST_S};
use crate::motion::feed::clock::DENSE_S;
use crate::motion::feed::points::PathPoint;
use crate::motion::feed::segment::Segment;
use crate::motion::feed::target::{FeedTarget, LONGEST_S, Pace};

/// Longest interval of a dense stream if its intervals are equal, in s.
const STEADY_DENSE_S: f64 = 0.11;
/// Margin of the buffer of a dense stream beyond the jitter seen, in s.
const MARGIN_S: f64 = 0.002;
/// Correction of the buffer's delay per target, as a share of its time.
const DELAY_SLEW: f64 = 0.02;
/// In a window that is narrower, in mm, the axis rests at each target: a stroke limit may have left it no length.
const NARROW_MM: f64 = 1.0;

impl Feeder {
    /// Takes a target that came at `at_s`.
    pub fn push(&mut self, target: FeedTarget, at_s: f64) {
        self.leave_strokes();
        let pauses = self.phase == Phase::Follows && self.is_still() && at_s - self.rests_since_s > PAUSE_S;
        match self.phase {
            Phase::Over | Phase::Brakes(Afterwards::End) | Phase::BrakesAxis(Afterwards::End) => return,
            Phase::Waits => self.phase = Phase::Meets,
            Phase::Follows if pauses => self.phase = Phase::Brakes(Afterwards::Meet),
            Phase::Meets | Phase::Follows | Phase::Returns | Phase::Brakes(_) | Phase::BrakesAxis(_) => {}
        }
        self.counts.taken = self.counts.taken.wrapping_add(1);
        let place = self.window.place(target.share);
        if matches!(self.phase, Phase::Returns | Phase::Brakes(Afterwards::GoOn)) {
            // What the path does by itself ends with the first target that comes: it goes on from where it is.
            self.phase = Phase::Follows;
            self.segment = Segment::at_once(self.segment.at(self.now_s), self.now_s);
        }
        let (from_s, from) = match self.points.last() {
            Some(last) => (last.due_s, last.p),
            None => (self.segment.end_s().min(self.now_s.max(at_s)), self.segment.at(self.segment.end_s()).p),
        };
        self.clock.arrive(at_s);
        let time_s = self.time_s(target.pace, (place - from).abs());
        let slot = self.clock.place(at_s, time_s);
        (self.goal, self.goal_share) = (place, target.share);
        let follows = self.phase == Phase::Follows;
        if slot.replaces || !follows {
            self.points.clear();
        }
        let streams = time_s <= DENSE_S || time_s <= STEADY_DENSE_S && self.clock.is_steady();
        let dense = streams && self.window.length_mm() >= NARROW_MM;
        let due_s = slot.due_s + self.buffer_s(time_s, dense);
        if follows && slot.replaces && !self.is_still() {
            // What is under way is void: the path goes on from where it is.
            self.segment = Segment::at_once(self.segment.at(self.now_s), self.now_s);
        }
        let reach = LIMIT_SHARE * self.limits.most.speed * (due_s - from_s.min(due_s)).max(SHORTEST_S);
        let p =
            if dense && follows && !slot.replaces { place.clamp(from - reach, from + reach) } else { place };
        if (p - place).abs() > EQUAL_MM {
            self.count_shortened();
        }
        if !self.points.push(PathPoint { due_s, p, dense }) {
            self.count_dropped();
        }
    }

    fn time_s(&self, pace: Pace, way_mm: f64) -> f64 {
        let at_speed = |mm_s: f64| way_mm / mm_s.max(f64::MIN_POSITIVE);
        let time_s = match pace {
            Pace::Within { time_s } => time_s,
            Pace::AtSpeed { per_s } => at_speed(per_s * self.window.length_mm()),
            Pace::Live => self.clock.live_s().unwrap_or_else(|| at_speed(self.limits.approach_mm_s)),
        };
        if time_s.is_nan() { SHORTEST_S } else { time_s.clamp(SHORTEST_S, LONGEST_S) }
    }

    /// Delay of a point behind the sender's clock: for a dense stream one interval, so that the point behind it is known when
    /// the way to it is planned, and the jitter seen.
    fn buffer_s(&mut self, time_s: f64, dense: bool) -> f64 {
        if !dense {
            self.delay_s = None;
            return 0.0;
        }
        let interval_s = self.clock.interval_s().unwrap_or(time_s).clamp(time_s, STEADY_DENSE_S.max(time_s));
        let wanted_s = interval_s + self.clock.jitter_s() + MARGIN_S + self.limits.ahead_s;
        let most_s = DELAY_SLEW * time_s;
        let delay_s =
            self.delay_s.map_or(wanted_s, |before_s| before_s + (wanted_s - before_s).clamp(-most_s, most_s));
        self.delay_s = Some(delay_s);
        delay_s
    }
}
