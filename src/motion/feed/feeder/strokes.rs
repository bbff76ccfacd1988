//! Path of a pattern: half strokes in the place of targets, planned one at a time.
//!
//! A half stroke is planned when the one before it ends, and anew when something changes: the drive, the limits. So a cycle plans at
//! most a few moves. At the begin the axis meets the place at which the program begins (promise S32); from then on the pattern goes
//! on from wherever its path is.

use super::{Afterwards, BRAKE_SHARE, EQUAL_MM, Feeder, LIMIT_SHARE, Phase, SHORTEST_S};
use crate::motion::feed::segment::Segment;
use crate::motion::feed::target::FeedWindow;
use crate::motion::kinematics::Kinematics;
use crate::motion::limits::ProfileLimits;
use crate::motion::pattern::cursor::PaceLimits;
use crate::motion::pattern::leg::{Leg, LegLimits, leg, shape};
use crate::motion::pattern::{StrokeCursor, StrokeDrive, StrokeReport};
use crate::motion::plan::{MovePlan, Target};
use crate::motion::stop;

/// Time of a half stroke without length, in s.
const NO_LENGTH_S: f64 = 0.05;
/// Slower than this, a path has no direction, in mm/s.
const STANDS_MM_S: f64 = 0.1;

/// The pattern of a feed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StrokePath {
    cursor: StrokeCursor,
    /// Where the present half stroke began, in mm.
    start: f64,
    /// Where the path led to before the drive was changed last, or began, in mm: a brake goes no further out than that.
    led_to: f64,
    /// Length of the present rest, and how much of it is over, in s.
    rest_s: f64,
    rested_s: f64,
    /// True if the axis could not follow the path to here, as a force holds it back.
    is_ahead: bool,
    /// Strokes a minute and highest speed, as planned.
    planned: (f64, f64),
}

impl Feeder {
    /// What strokes from now on, and how. The first one begins a pattern.
    pub fn drive(&mut self, drive: StrokeDrive) {
        if matches!(
            self.phase,
            Phase::Over | Phase::Brakes(Afterwards::End) | Phase::BrakesAxis(Afterwards::End)
        ) {
            return;
        }
        self.counts.taken = self.counts.taken.wrapping_add(1);
        let path = self.segment.at(self.now_s);
        let at = self.window.share(path.p);
        let direction = if path.v.abs() < STANDS_MM_S { 0.0 } else { path.v.signum() };
        let led_to = self.goal;
        if let Some(strokes) = &mut self.strokes {
            strokes.led_to = led_to;
            strokes.cursor.change(drive, at, direction);
            strokes.rest_s = strokes.cursor.rest_s();
        } else {
            let cursor = if self.has_met() {
                StrokeCursor::leading_on(drive, at, direction)
            } else {
                StrokeCursor::new(drive)
            };
            self.points.clear();
            self.script = None;
            self.clock.restart();
            self.delay_s = None;
            self.strokes = Some(StrokePath {
                cursor,
                start: path.p,
                led_to: path.p,
                rest_s: 0.0,
                rested_s: 0.0,
                is_ahead: false,
                planned: (0.0, 0.0),
            });
        }
        self.set_stroke_goal();
        if self.has_strokes_to_do() { self.go_on_with_strokes() } else { self.hold() }
    }

    /// True if the axis has met the feed, and its path is the one to go on from.
    fn has_met(&self) -> bool {
        matches!(
            self.phase,
            Phase::Follows
                | Phase::Returns
                | Phase::Brakes(Afterwards::GoOn)
                | Phase::BrakesAxis(Afterwards::GoOn)
        )
    }

    /// True if a pattern is to move the axis.
    pub(super) fn has_strokes_to_do(&self) -> bool {
        self.strokes.as_ref().is_some_and(|strokes| strokes.cursor.drive().moves())
    }

    fn set_stroke_goal(&mut self) {
        if let Some(strokes) = &self.strokes {
            self.goal_share = strokes.cursor.goal();
            self.goal = self.window.place(self.goal_share);
        }
    }

    fn go_on_with_strokes(&mut self) {
        if self.go_on() {
            self.replan_strokes();
        }
    }

    /// Goes on behind a hold, or begins. True if the path goes on from where it is.
    pub(super) fn go_on(&mut self) -> bool {
        match self.phase {
            Phase::Waits => self.phase = Phase::Meets,
            Phase::Brakes(Afterwards::Wait) => self.phase = Phase::Brakes(Afterwards::Meet),
            Phase::BrakesAxis(Afterwards::Wait) => self.phase = Phase::BrakesAxis(Afterwards::Meet),
            Phase::Follows
            | Phase::Returns
            | Phase::Brakes(Afterwards::GoOn)
            | Phase::BrakesAxis(Afterwards::GoOn) => {
                self.phase = Phase::Follows;
                return true;
            }
            Phase::Meets | Phase::Brakes(_) | Phase::BrakesAxis(_) | Phase::Over => {}
        }
        false
    }

    /// Brings a pattern or a script to rest where the axis is, also outside of the window.
    pub(super) fn hold(&mut self) {
        match self.phase {
            Phase::Follows | Phase::Returns => self.brake(Afterwards::GoOn),
            Phase::Meets | Phase::Brakes(Afterwards::Meet) | Phase::BrakesAxis(Afterwards::Meet) => {
                self.brake(Afterwards::Wait);
            }
            Phase::Waits | Phase::Brakes(_) | Phase::BrakesAxis(_) | Phase::Over => {}
        }
    }

    /// Share of the limits for a brake: a half stroke that brakes with more itself would go beyond its end.
    pub(super) fn brake_share(&self, state: &Kinematics) -> f64 {
        let rest =
            state.p + stop::displacement(state.v, state.a, self.brake_limits().scaled(BRAKE_SHARE).ramp());
        let leads_beyond = (rest - self.goal) * state.v > 0.0;
        let leads_out = rest < self.window.back_mm || rest > self.window.front_mm;
        if self.strokes.is_some() && leads_beyond || self.script.is_some() && leads_out {
            LIMIT_SHARE
        } else {
            BRAKE_SHARE
        }
    }

    /// The window has moved: a pattern meets its half stroke in it. One that is paused goes nowhere until it goes on.
    pub(super) fn move_strokes_into_window(&mut self) {
        self.set_stroke_goal();
        if self.has_strokes_to_do() {
            self.brake(Afterwards::Meet);
        } else if self.phase == Phase::Follows && self.is_still() {
            self.phase = Phase::Waits;
        } else {
            self.brake(Afterwards::Wait);
        }
    }

    /// A target or a script takes the axis over from the pattern, or a target from the script.
    pub(super) fn leave_strokes(&mut self) {
        let left = (self.strokes.take(), self.script.take());
        if matches!(left, (None, None)) {
            return;
        }
        self.clock.restart();
        match self.phase {
            Phase::Brakes(Afterwards::Wait) => self.phase = Phase::Brakes(Afterwards::Meet),
            Phase::BrakesAxis(Afterwards::Wait) => self.phase = Phase::BrakesAxis(Afterwards::Meet),
            Phase::Waits
            | Phase::Meets
            | Phase::Follows
            | Phase::Returns
            | Phase::Brakes(_)
            | Phase::BrakesAxis(_)
            | Phase::Over => {}
        }
    }

    /// Plans the rest of what is under way anew, from where the path is.
    pub(super) fn replan_strokes(&mut self) {
        if self.phase == Phase::Follows && self.has_strokes_to_do() && !self.is_still() {
            self.segment = Segment::at_once(self.segment.at(self.now_s), self.now_s);
        }
    }

    /// Takes notice of where the axis is.
    pub(super) fn observe_axis(&mut self, axis: &Kinematics, met_mm: f64) {
        let path = self.segment.at(self.now_s).p;
        if let Some(strokes) = &mut self.strokes {
            strokes.is_ahead = (axis.p - path).abs() > met_mm;
        }
    }

    /// A pattern whose path rests in `state` until now: goes on behind a rest.
    pub(super) fn wake_strokes(&mut self, state: Kinematics, until_s: f64) {
        let (lasts_s, moves) = (until_s - self.now_s, self.has_strokes_to_do());
        let Some(strokes) = &mut self.strokes else { return };
        if !moves || strokes.is_ahead {
            return;
        }
        strokes.rested_s += lasts_s;
        if strokes.rested_s >= strokes.rest_s {
            self.segment = self.next_leg(self.now_s, state);
        }
    }

    /// The segment behind `state`, in which the path is at `at_s`.
    pub(super) fn next_leg(&mut self, at_s: f64, state: Kinematics) -> Segment {
        let rests = state.v == 0.0 && state.a == 0.0;
        let (window, limits, slow) = (self.window, self.limits, self.slow());
        let moves = self.has_strokes_to_do();
        if !moves && rests {
            return Segment::Rest { p: state.p };
        }
        if !moves {
            self.phase = Phase::Brakes(Afterwards::GoOn);
            return self.braking(state, at_s);
        }
        let Some(strokes) = &mut self.strokes else { return Segment::Rest { p: state.p } };
        if rests {
            if !strokes.cursor.has_begun() {
                if (state.p - self.goal).abs() > EQUAL_MM {
                    return self.planned(state, self.goal, slow, at_s);
                }
                strokes.cursor.begin();
                strokes.start = state.p;
            } else if strokes.is_done(state.p, window.place(strokes.cursor.goal())) {
                strokes.cursor.complete();
                strokes.led_to = state.p;
                (strokes.start, strokes.rest_s, strokes.rested_s) = (state.p, strokes.cursor.rest_s(), 0.0);
                if strokes.rest_s > 0.0 || strokes.is_ahead {
                    self.set_stroke_goal();
                    return Segment::Rest { p: state.p };
                }
            }
            if strokes.is_done(state.p, window.place(strokes.cursor.goal())) {
                (strokes.rest_s, strokes.rested_s) = (NO_LENGTH_S, 0.0);
                self.set_stroke_goal();
                return Segment::Rest { p: state.p };
            }
        }
        let most = limits.most.scaled(LIMIT_SHARE);
        let speeds = PaceLimits {
            in_force_mm_s: limits.most.speed,
            path_mm_s: most.speed,
            approach_mm_s: limits.approach_mm_s,
        };
        let made = strokes.shaped((window.share(strokes.start), window.length_mm()), &speeds, most);
        let target = window.place(strokes.cursor.goal());
        let room = LegLimits {
            firm: most,
            gentle: limits.most.scaled(BRAKE_SHARE).ramp(),
            room_mm: strokes.room_mm(&window),
        };
        self.set_stroke_goal();
        match leg(self.feasible(state), target, made, &room) {
            Some(Leg::Move(plan)) => {
                Segment::Planned { span_s: (at_s, plan.duration_s().max(SHORTEST_S)), plan }
            }
            Some(Leg::Change { tail, to_mm_s }) => {
                let lasts_s: f64 = tail.iter().map(|piece| piece.duration_s).sum();
                let span_s = (at_s, lasts_s.max(SHORTEST_S));
                Segment::Change { from: self.feasible(state), tail, to: to_mm_s, span_s }
            }
            // Values that are not numbers, which the types of units exclude.
            None => Segment::Rest { p: state.p },
        }
    }

    /// The stroke of the pattern, and where its path led to before it was changed, in mm; none while something else moves the axis.
    pub(super) fn stroke_room_mm(&self) -> Option<(f64, f64)> {
        let strokes = self.strokes.as_ref()?;
        Some(strokes.room_mm(&self.window))
    }

    /// What is reported of the pattern.
    pub fn strokes(&self) -> Option<StrokeReport> {
        let strokes = self.strokes.as_ref()?;
        let (per_min, peak_mm_s) = if self.has_strokes_to_do() { strokes.planned } else { (0.0, 0.0) };
        let rests = matches!(self.phase, Phase::Waits | Phase::Follows | Phase::Over) && self.is_still();
        Some(StrokeReport { strokes: strokes.cursor.strokes(), per_min, peak_mm_s, rests })
    }
}

impl StrokePath {
    /// Where a gentle brake may lead: the stroke, and where the path led to before it was changed.
    fn room_mm(&self, window: &FeedWindow) -> (f64, f64) {
        let place = |share: f64| window.place(self.cursor.drive().window_share(share));
        (place(0.0).min(self.led_to), place(1.0).max(self.led_to))
    }

    /// True if an axis at rest at `p` has nothing left to do of its half stroke, which ends at `target`: it is there, or beyond it as
    /// the target has moved.
    fn is_done(&self, p: f64, target: f64) -> bool {
        (target - p) * self.cursor.half().direction() <= EQUAL_MM
    }

    /// The limits of the present half stroke, which began at the share `start` of the window; takes notice of its time and speed.
    fn shaped(
        &mut self,
        (start, window_mm): (f64, f64),
        speeds: &PaceLimits,
        most: ProfileLimits,
    ) -> ProfileLimits {
        let half = self.cursor.half();
        let (length_mm, speed_mm_s) = self.cursor.pace(start, window_mm, speeds);
        let made = shape(length_mm, speed_mm_s, half.ramp, most);
        let range = (f64::NEG_INFINITY, f64::INFINITY);
        let whole = MovePlan::new(Kinematics::at_rest(0.0), Target { p: length_mm, v: 0.0 }, made, range);
        if let Ok(plan) = whole {
            let lasts_s = plan.duration_s().max(SHORTEST_S);
            self.planned = (60.0 * half.portion / lasts_s, plan.at(lasts_s / 2.0).v);
        }
        made
    }
}
