//! Feeder: the path of one feed, cycle by cycle.

mod script;
mod settle;
mod strokes;
mod targets;

use super::super::kinematics::Kinematics;
use super::super::limits::ProfileLimits;
use super::super::plan::{MovePlan, Target};
use super::super::stop;
use super::clock::SenderClock;
use super::points::PathPoints;
use super::segment::{Segment, slope};
use super::stroke::stroke;
use super::target::FeedWindow;
use script::ScriptPath;
use strokes::StrokePath;

/// Share of the limits that the path uses; the rest is for the tracker.
const LIMIT_SHARE: f64 = 0.96;
/// The same for the brake of a path that has no more points.
const BRAKE_SHARE: f64 = 0.8;
/// The axis has met the feed within this share of its window, and always within this length in mm.
const MET_SHARE: f64 = 0.03;
const MET_MM: f64 = 0.3;
/// A rest that lasts longer makes the next motion begin slowly, in s.
const PAUSE_S: f64 = 1.0;
/// A path that rests beside its goal goes there when nothing came for so long, in s.
const GRACE_S: f64 = 0.06;
/// An axis that would rest so far outside of its window rests at its end, in mm.
const SLACK_MM: f64 = 0.01;
/// Shortest segment, in s.
const SHORTEST_S: f64 = 0.001;
/// Lengths that differ by less are equal, in mm.
const EQUAL_MM: f64 = 1e-6;

/// What becomes of a path that brakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Afterwards {
    /// The axis meets the feed.
    Meet,
    /// The path goes to its goal.
    GoOn,
    /// The feed waits as it did before its first target.
    Wait,
    /// The feed is over.
    End,
}

/// What the feeder does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No target came yet.
    Waits,
    /// The axis goes to the goal at the approach speed.
    Meets,
    /// The path leads through the points.
    Follows,
    /// The path goes to the goal by itself: nothing more came.
    Returns,
    /// It is to brake from the state of the axis, which may not be on it; then so.
    BrakesAxis(Afterwards),
    /// It brakes; then so.
    Brakes(Afterwards),
    /// The feed is over.
    Over,
}

/// Counters of a feed, which wrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FeedCounts {
    /// Targets that were taken.
    pub taken: u32,
    /// Targets that were too old, or too many.
    pub dropped: u32,
    /// Targets that the axis cannot reach in their time.
    pub shortened: u32,
}

/// Limits of a path, in mm and s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeedLimits {
    /// Those of the axis.
    pub most: ProfileLimits,
    /// Highest speed of an axis that has not met the feed.
    pub approach_mm_s: f64,
    /// Between the instant at which a state is planned and that of its pulses, in s.
    pub ahead_s: f64,
}

/// Makes the path of one feed.
#[derive(Debug, Clone)]
pub struct Feeder {
    window: FeedWindow,
    limits: FeedLimits,
    /// What the limits of the axis were before they were narrowed, while the path moves: it may have built up more than the narrower
    /// ones release in time.
    former: Option<ProfileLimits>,
    clock: SenderClock,
    points: PathPoints,
    phase: Phase,
    segment: Segment,
    /// The axis at `now_s`, which may have left a path that it cannot follow.
    axis: Kinematics,
    /// Instant up to which the path was given out.
    now_s: f64,
    /// The newest target: where the axis rests if no other comes.
    goal: f64,
    /// Its share of the window, which a window without length does not show.
    goal_share: f64,
    /// Since when the path rests.
    rests_since_s: f64,
    /// Delay of the buffer of a dense stream, in s.
    delay_s: Option<f64>,
    counts: FeedCounts,
    /// The pattern, if that moves the axis in place of targets.
    strokes: Option<StrokePath>,
    /// The script, if that moves it.
    script: Option<ScriptPath>,
}

impl Feeder {
    /// A feed in this window. Nothing moves before its first target.
    pub fn new(window: FeedWindow, limits: FeedLimits) -> Feeder {
        Feeder {
            window,
            limits,
            former: None,
            clock: SenderClock::default(),
            points: PathPoints::default(),
            phase: Phase::Waits,
            segment: Segment::Rest { p: 0.0 },
            axis: Kinematics::at_rest(0.0),
            now_s: 0.0,
            goal: 0.0,
            goal_share: 0.0,
            rests_since_s: f64::NEG_INFINITY,
            delay_s: None,
            counts: FeedCounts::default(),
            strokes: None,
            script: None,
        }
    }

    /// Sets the limits. The path keeps some of them for the tracker.
    pub fn set_limits(&mut self, limits: FeedLimits) {
        if limits != self.limits {
            self.former = (!self.is_still()).then(|| self.brake_limits());
            self.limits = limits;
            self.replan_strokes();
            self.replan_script();
        }
    }

    /// Moves the window: the axis goes to the same share of the new one, from a gentle stop, at the approach speed.
    pub fn set_window(&mut self, window: FeedWindow) {
        if window == self.window {
            return;
        }
        self.window = window;
        self.points.clear();
        self.clock.restart();
        self.goal = window.place(self.goal_share);
        if self.strokes.is_some() {
            self.move_strokes_into_window();
        } else if self.script.is_some() {
            self.move_script_into_window();
        } else {
            self.brake(Afterwards::Meet);
        }
    }

    /// Where the path may lead the axis, back and front in mm: the window, and of that the stroke of a pattern.
    pub fn room_mm(&self) -> (f64, f64) {
        let FeedWindow { back_mm, front_mm } = self.window;
        let (back, front) = self.stroke_room_mm().unwrap_or((back_mm, front_mm));
        (back.clamp(back_mm, front_mm), front.clamp(back_mm, front_mm))
    }

    /// The window.
    pub fn window(&self) -> FeedWindow {
        self.window
    }

    /// Brakes gently, for good.
    pub fn finish(&mut self) {
        self.points.clear();
        self.brake(Afterwards::End);
    }

    fn brake(&mut self, afterwards: Afterwards) {
        self.phase = match self.phase {
            Phase::Over | Phase::Brakes(Afterwards::End) | Phase::BrakesAxis(Afterwards::End) => return,
            Phase::Waits if afterwards == Afterwards::End => Phase::Over,
            Phase::Waits => Phase::Waits,
            Phase::Meets if afterwards == Afterwards::Meet => Phase::Meets,
            Phase::Meets | Phase::Follows | Phase::Returns | Phase::Brakes(_) | Phase::BrakesAxis(_) => {
                Phase::BrakesAxis(afterwards)
            }
        };
    }

    /// The way from `state` to rest: softer than the axis can brake, unless that would lead out of the window.
    fn braking(&self, state: Kinematics, at_s: f64) -> Segment {
        let most = self.brake_limits();
        let state = within(state, most);
        let rest = |limits: ProfileLimits| state.p + stop::displacement(state.v, state.a, limits.ramp());
        let soft = most.scaled(self.brake_share(&state));
        let window = self.window.back_mm - SLACK_MM..=self.window.front_mm + SLACK_MM;
        if window.contains(&rest(most)) && !window.contains(&rest(soft)) {
            let end = rest(soft).clamp(self.window.back_mm, self.window.front_mm);
            self.planned(state, end, most, at_s)
        } else {
            self.planned(state, rest(soft), soft, at_s)
        }
    }

    /// The state, with speed and acceleration as the axis can have them: a cubic through points that are too far apart has more,
    /// and a move that is planned from there would take long to release it.
    fn feasible(&self, state: Kinematics) -> Kinematics {
        within(state, self.limits.most)
    }

    /// The limits for a brake: while the path moves also those from before they were narrowed, with which it came to be as fast.
    fn brake_limits(&self) -> ProfileLimits {
        let most = self.limits.most;
        let Some(former) = self.former else { return most };
        ProfileLimits {
            speed: most.speed.max(former.speed),
            acceleration: most.acceleration.max(former.acceleration),
            jerk: most.jerk.max(former.jerk),
        }
    }

    fn planned(&self, from: Kinematics, to: f64, limits: ProfileLimits, at_s: f64) -> Segment {
        match MovePlan::new(from, Target { p: to, v: 0.0 }, limits, (f64::NEG_INFINITY, f64::INFINITY)) {
            Ok(plan) => Segment::Planned { span_s: (at_s, plan.duration_s()), plan },
            // Values that are not numbers, which the types of units exclude.
            Err(_) => Segment::Rest { p: from.p },
        }
    }

    /// The path goes to its goal by itself.
    fn return_from(&mut self, state: Kinematics) {
        self.points.clear();
        self.phase = Phase::Returns;
        self.segment = self.planned(state, self.goal, self.slow(), self.now_s);
    }

    /// So near to each other two places are the same for a feed, in mm.
    fn met_mm(&self) -> f64 {
        (MET_SHARE * self.window.length_mm()).max(MET_MM)
    }

    /// The state in which a planned move begins: that of the path, `state` at `at_s`; or that of the axis, if it would come to rest
    /// elsewhere. A path that demands more than the axis can do is only a wish: a move that began with its speed would lead the axis
    /// far beyond the target.
    fn begins(&self, state: Kinematics, at_s: f64) -> Kinematics {
        let path = self.feasible(state);
        let axis = self.axis.after(0.0, at_s - self.now_s);
        let ramp = self.limits.most.ramp();
        let rest = |from: &Kinematics| from.p + stop::displacement(from.v, from.a, ramp);
        if (rest(&path) - rest(&axis)).abs() > self.met_mm() { self.feasible(axis) } else { path }
    }

    fn slow(&self) -> ProfileLimits {
        let most = self.limits.most.scaled(LIMIT_SHARE);
        ProfileLimits { speed: most.speed.min(self.limits.approach_mm_s), ..most }
    }

    /// Advances the path to `until_s`.
    pub fn advance(&mut self, until_s: f64) {
        self.prepare_script(until_s);
        match self.phase {
            Phase::Follows | Phase::Returns | Phase::Brakes(_) => self.advance_path(until_s),
            Phase::Waits | Phase::Meets | Phase::BrakesAxis(_) | Phase::Over => {}
        }
        self.now_s = until_s;
        if self.is_still() {
            self.former = None;
        }
        if !self.is_still() || self.phase == Phase::Meets {
            self.rests_since_s = until_s;
        }
    }

    fn advance_path(&mut self, until_s: f64) {
        // A motion that began anew while the path braked has nothing left to brake.
        if let (Phase::Brakes(afterwards), true) = (self.phase, self.is_still()) {
            self.phase = behind_brake(afterwards);
        }
        // A segment is not shorter than a millisecond, so this ends.
        while self.segment.end_s() <= until_s {
            let at_s = self.segment.end_s().max(self.now_s);
            let state = self.segment.at(at_s);
            self.segment = match self.phase {
                Phase::Brakes(afterwards) => {
                    self.phase = behind_brake(afterwards);
                    Segment::Rest { p: state.p }
                }
                Phase::Returns => {
                    self.phase = Phase::Follows;
                    Segment::Rest { p: state.p }
                }
                Phase::Follows | Phase::Waits | Phase::Meets | Phase::BrakesAxis(_) | Phase::Over => {
                    self.next_segment(at_s, state)
                }
            };
        }
        if self.phase == Phase::Follows && self.is_still() {
            let state = self.segment.at(self.now_s);
            if self.strokes.is_some() {
                self.wake_strokes(state, until_s);
            } else if self.script.is_some() {
                self.wake_script(state, until_s);
            } else if !self.points.is_empty() {
                self.segment = self.next_segment(self.now_s, state);
            } else if (state.p - self.goal).abs() > EQUAL_MM && until_s - self.rests_since_s > GRACE_S {
                self.return_from(self.begins(state, self.now_s));
            }
        }
    }

    /// The segment behind `state`, in which the path is at `at_s`.
    fn next_segment(&mut self, at_s: f64, state: Kinematics) -> Segment {
        if self.strokes.is_some() {
            return self.next_leg(at_s, state);
        }
        if self.script.is_some() {
            return self.next_script_segment(at_s, state);
        }
        let Some((point, behind)) = self.points.take(at_s + SHORTEST_S) else {
            if state.v == 0.0 && state.a == 0.0 || matches!(self.segment, Segment::Planned { .. }) {
                return Segment::Rest { p: state.p };
            }
            // Starved: the path brakes, and goes to its goal afterwards.
            self.phase = Phase::Brakes(Afterwards::GoOn);
            return self.braking(self.begins(state, at_s), at_s);
        };
        let lasts_s = (point.due_s - at_s).max(SHORTEST_S);
        let most = self.limits.most.scaled(LIMIT_SHARE);
        if point.dense {
            let reach = most.speed * lasts_s;
            let p = point.p.clamp(state.p - reach, state.p + reach);
            let to_s = at_s + lasts_s;
            let here = (to_s, p);
            let v = match behind {
                // At an end of the window the path turns or rests.
                _ if !self.is_inside(p) => 0.0,
                Some(after) if after.due_s > to_s => slope((at_s, state.p), here, (after.due_s, after.p)),
                Some(_) | None => (p - state.p) / lasts_s,
            };
            let cubic = Segment::Cubic {
                from: state,
                to: (p, v.clamp(-most.speed, most.speed)),
                span_s: (at_s, lasts_s),
            };
            // There is no room behind an end of the window for an axis that cannot brake as hard as the cubic does.
            let is_too_hard = !self.is_inside(p) && cubic.at(to_s).a.abs() > most.acceleration;
            return if is_too_hard {
                self.planned(self.begins(state, at_s), p, self.limits.most, at_s)
            } else {
                cubic
            };
        }
        let Some(made) = stroke(self.begins(state, at_s), point.p, lasts_s, most) else {
            return Segment::Rest { p: state.p };
        };
        if made.is_shortened {
            self.count_shortened();
        }
        Segment::Planned { span_s: (at_s, made.plan.duration_s().max(lasts_s)), plan: made.plan }
    }

    fn is_inside(&self, p: f64) -> bool {
        p > self.window.back_mm + EQUAL_MM && p < self.window.front_mm - EQUAL_MM
    }

    /// Reference at the instant up to which the path was given out.
    pub fn reference(&self) -> Kinematics {
        if self.is_slow() { Kinematics::at_rest(self.goal) } else { self.segment.at(self.now_s) }
    }

    /// True while the axis has not met the feed, and may be no faster than the approach speed.
    pub fn is_slow(&self) -> bool {
        self.phase == Phase::Meets
    }

    /// True if the path rests and nothing is due.
    pub fn rests(&self) -> bool {
        match self.phase {
            Phase::Waits | Phase::Over => true,
            Phase::Meets | Phase::Returns | Phase::Brakes(_) | Phase::BrakesAxis(_) => false,
            Phase::Follows if self.strokes.is_some() => self.is_still() && !self.has_strokes_to_do(),
            Phase::Follows => {
                let at_goal = (self.segment.at(self.now_s).p - self.goal).abs() <= EQUAL_MM;
                self.is_still() && self.points.is_empty() && !self.has_points_ahead() && at_goal
            }
        }
    }

    /// True if the feed is over.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    fn is_still(&self) -> bool {
        matches!(self.segment, Segment::Rest { .. })
    }

    /// Begins a motion of the axis from rest at `p`, at `now_s`.
    pub fn begin(&mut self, p: f64, now_s: f64) {
        (self.segment, self.now_s) = (Segment::Rest { p }, now_s);
        self.axis = Kinematics::at_rest(p);
        // What was left of its way back is not the way from here.
        if self.phase == Phase::Returns {
            self.phase = Phase::Follows;
        }
    }

    /// Delay of the path behind the sender's clock, in s.
    pub fn delay_s(&self) -> f64 {
        self.delay_s.unwrap_or(0.0)
    }

    /// Counters.
    pub fn counts(&self) -> FeedCounts {
        self.counts
    }

    /// Counts a target that is dropped.
    pub fn count_dropped(&mut self) {
        self.counts.dropped = self.counts.dropped.wrapping_add(1);
    }

    fn count_shortened(&mut self) {
        self.counts.shortened = self.counts.shortened.wrapping_add(1);
    }
}

/// The state with no more speed and acceleration than these limits allow.
fn within(state: Kinematics, ProfileLimits { speed, acceleration, .. }: ProfileLimits) -> Kinematics {
    Kinematics { v: state.v.clamp(-speed, speed), a: state.a.clamp(-acceleration, acceleration), ..state }
}

/// What comes when the path has braked. An axis that is to meet the feed has to be slow itself.
const fn behind_brake(afterwards: Afterwards) -> Phase {
    match afterwards {
        Afterwards::Meet => Phase::Brakes(Afterwards::Meet),
        Afterwards::GoOn => Phase::Follows,
        Afterwards::Wait => Phase::Waits,
        Afterwards::End => Phase::Over,
    }
}

#[cfg(test)]
mod tests {
    use super::super::target::{FeedTarget, Pace};
    use super::*;

    #[test]
    fn a_path_that_brakes_for_good_is_over_even_if_its_motion_begins_anew() {
        let most = ProfileLimits { speed: 500.0, acceleration: 5_000.0, jerk: 200_000.0 };
        let limits = FeedLimits { most, approach_mm_s: 60.0, ahead_s: 0.006 };
        let mut feeder = Feeder::new(FeedWindow { back_mm: 0.0, front_mm: 100.0 }, limits);
        feeder.begin(50.0, 0.0);
        let target = |share| FeedTarget { share, pace: Pace::Within { time_s: 0.5 } };
        feeder.push(target(0.5), 0.0);
        feeder.settle(&Kinematics::at_rest(50.0), false);
        feeder.push(target(1.0), 0.1);
        feeder.advance(0.3);
        feeder.finish();
        feeder.settle(&feeder.reference().clone(), false);
        feeder.advance(0.301);
        assert!(!feeder.is_over());
        // The step loop ran out of motion, and the axis rests somewhere.
        feeder.begin(70.0, 1.0);
        feeder.settle(&Kinematics::at_rest(70.0), false);
        feeder.advance(1.001);
        assert!(feeder.is_over() && feeder.rests());
    }

    #[test]
    fn a_path_on_its_way_back_gets_there_even_if_its_motion_begins_anew() {
        let most = ProfileLimits { speed: 500.0, acceleration: 5_000.0, jerk: 200_000.0 };
        let limits = FeedLimits { most, approach_mm_s: 60.0, ahead_s: 0.006 };
        let mut feeder = Feeder::new(FeedWindow { back_mm: 0.0, front_mm: 100.0 }, limits);
        feeder.begin(49.0, 0.0);
        feeder.push(FeedTarget { share: 0.5, pace: Pace::Within { time_s: 0.01 } }, 0.0);
        feeder.advance(0.1);
        feeder.settle(&Kinematics::at_rest(49.0), false);
        feeder.advance(0.101);
        assert_eq!(feeder.phase, Phase::Returns);
        feeder.begin(45.0, 1.0);
        for ms in 1..500 {
            let axis = feeder.reference();
            feeder.settle(&axis, false);
            feeder.advance(1.0 + f64::from(ms) * 0.001);
        }
        assert!(feeder.rests() && (feeder.reference().p - 50.0).abs() < 1e-6, "{:?}", feeder.reference());
    }
}
