//! Path of a script: points that are known ahead in the place of targets.
//!
//! The way to the next point is planned when the path is at the one before it, and anew when something changes: the points, the
//! limits. What changes nothing leaves the path as it is: a script is sent anew for each correction of its clock. At the begin, and
//! behind a rest, the axis goes to where the script is at the approach speed while its clock runs, and joins it there (promise S32).

use super::{Afterwards, EQUAL_MM, Feeder, GRACE_S, PAUSE_S, Phase};
use crate::motion::feed::script_way::{ScriptWay, script_way};
use crate::motion::feed::segment::Segment;
use crate::motion::feed::timeline::{ScriptKnot, ScriptPoint, TimedShare, Timeline};
use crate::motion::kinematics::Kinematics;

/// What is void is sent anew at once, or not at all: after so long, in s.
const ANEW_S: f64 = 0.0025;
/// A point that is due earlier or later by less, in s, and with another speed by less, in mm/s, is the same.
const SAME_S: f64 = 2e-4;
const SAME_MM_S: f64 = 2.0;
/// A stroke at the limits ends as planned if its point moves by less, in s: what comes behind it makes up for that.
const NEAR_S: f64 = 0.01;
/// A point is reached if the path is so near to it at its instant, in mm.
const REACHED_MM: f64 = 0.1;

/// The script of a feed.
#[derive(Debug, Clone, Default)]
pub(super) struct ScriptPath {
    timeline: Timeline,
    /// Where the axis rests when no point is ahead, as a share of the window; none if it is where the path comes to rest.
    end: Option<f64>,
    /// To which point the present segment leads.
    aim: Option<ScriptKnot>,
    /// The points or the limits have changed.
    has_changed: bool,
    /// Since when what was sent is void.
    void_since_s: Option<f64>,
    /// True if nothing came in place of what was void.
    is_paused: bool,
}

impl Feeder {
    /// Takes a point that came at `at_s`. The first one begins a script.
    pub fn push_point(&mut self, point: ScriptPoint, at_s: f64) {
        if matches!(
            self.phase,
            Phase::Over | Phase::Brakes(Afterwards::End) | Phase::BrakesAxis(Afterwards::End)
        ) {
            return;
        }
        if self.script.is_none() {
            self.leave_strokes();
            self.points.clear();
            self.delay_s = None;
            self.script = Some(ScriptPath::default());
        }
        let Some(script) = &mut self.script else { return };
        let is_behind = script.timeline.push(point);
        if is_behind {
            (script.end, script.has_changed, script.void_since_s) = (Some(point.share), true, None);
            script.is_paused = false;
            self.counts.taken = self.counts.taken.wrapping_add(1);
        } else {
            self.count_dropped();
        }
        let pauses = self.phase == Phase::Follows && self.is_still() && at_s - self.rests_since_s > PAUSE_S;
        if pauses && self.has_points_ahead() {
            self.phase = Phase::Brakes(Afterwards::Meet);
        }
        self.go_on();
        self.set_script_goal();
    }

    /// The points that were sent and are not reached are void.
    pub fn clear_points(&mut self) {
        let (now_s, is_still) = (self.now_s, self.is_still());
        if let Some(script) = &mut self.script
            && !(is_still && script.timeline.is_empty())
        {
            script.timeline.clear();
            script.void_since_s = script.void_since_s.or(Some(now_s));
        }
    }

    /// True if points of a script are ahead.
    pub(super) fn has_points_ahead(&self) -> bool {
        self.script.as_ref().is_some_and(|script| !script.timeline.is_empty())
    }

    /// True if the script is paused.
    pub(super) fn is_script_paused(&self) -> bool {
        self.script.as_ref().is_some_and(|script| script.is_paused)
    }

    /// A script that is paused rests wherever its path comes to rest.
    pub(super) fn forget_script_end(&mut self) {
        if let Some(script) = &mut self.script {
            script.end = None;
        }
    }

    /// The limits have changed.
    pub(super) fn replan_script(&mut self) {
        if let Some(script) = &mut self.script {
            (script.aim, script.has_changed) = (None, true);
        }
    }

    /// While the axis has not met the script, it goes to where that is.
    fn set_script_goal(&mut self) {
        let Some(script) = &self.script else { return };
        if let Some(share) = script.timeline.share_at(self.now_s).or(script.end) {
            (self.goal, self.goal_share) = (self.window.place(share), share);
        }
    }

    /// The axis is where the script is: the path goes on from there.
    pub(super) fn join_script(&mut self, axis: Kinematics) {
        self.phase = Phase::Follows;
        self.segment = Segment::at_once(axis, self.now_s);
    }

    /// The window has moved. A script that rests does so inside it.
    pub(super) fn move_script_into_window(&mut self) {
        self.replan_script();
        if self.has_points_ahead() || self.phase == Phase::Meets {
            self.set_script_goal();
            self.brake(Afterwards::Meet);
            return;
        }
        let rest = self.segment.at(self.segment.end_s().max(self.now_s)).p;
        let share = self.window.share(rest);
        let Some(script) = &mut self.script else { return };
        script.end = Some(share);
        (self.goal, self.goal_share) = (self.window.place(share), share);
        if (self.goal - rest).abs() > EQUAL_MM {
            self.brake(Afterwards::Meet);
        }
    }

    /// What is to be done before the path of a script advances to `until_s`.
    pub(super) fn prepare_script(&mut self, until_s: f64) {
        self.pass_points(self.now_s);
        if self.phase == Phase::Meets {
            self.set_script_goal();
        }
        let Some(script) = &mut self.script else { return };
        if script.void_since_s.is_some_and(|since_s| until_s - since_s > ANEW_S) {
            (script.void_since_s, script.end, script.aim) = (None, None, None);
            script.is_paused = true;
            self.hold();
            return;
        }
        let has_changed = core::mem::take(&mut script.has_changed);
        if has_changed && self.phase == Phase::Follows && !self.is_still() && self.has_points_ahead() {
            self.review_script();
        }
    }

    /// Points that are past, and whether they were reached.
    fn pass_points(&mut self, until_s: f64) {
        while let Some(TimedShare { due_s, share }) =
            self.script.as_mut().and_then(|script| script.timeline.pass(until_s))
        {
            if self.phase != Phase::Follows {
                continue;
            }
            let passed = self.segment.at(due_s);
            if let Some(script) = &mut self.script {
                script.timeline.set_past_speed(passed.v);
            }
            if (passed.p - self.window.place(share)).abs() > REACHED_MM {
                self.count_shortened();
            }
        }
    }

    /// Plans the rest of the way to the next point anew, unless it leads there already.
    fn review_script(&mut self) {
        let state = self.segment.at(self.now_s);
        let Some(script) = &self.script else { return };
        let same = script.aim.and_then(|aim| {
            let knots = script.timeline.run((self.now_s, state), self.window);
            let mut moved = knots.into_iter().map(|knot| (knot, (knot.due_s - aim.due_s).abs()));
            moved.find(|(knot, by_s)| {
                *by_s <= NEAR_S
                    && (knot.state.p - aim.state.p).abs() <= EQUAL_MM
                    && (knot.state.v - aim.state.v).abs() <= SAME_MM_S
            })
        });
        if same.is_some_and(|(_, by_s)| by_s <= SAME_S) {
            return;
        }
        let way = script_way(&script.timeline, (self.now_s, state), self.limits.most, self.window);
        if same.is_none() || !matches!(way, Some(ScriptWay::Stroke(..))) {
            self.segment = self.take_way(way, self.now_s, state);
        }
    }

    fn take_way(&mut self, way: Option<ScriptWay>, at_s: f64, state: Kinematics) -> Segment {
        let (segment, aim) = match way {
            Some(ScriptWay::Curve(curve, knot)) => (Segment::Curve { curve, start_s: at_s }, Some(knot)),
            Some(ScriptWay::Stroke(plan, turn)) => {
                let lasts_s = plan.duration_s().max(turn.due_s - at_s).max(super::SHORTEST_S);
                (Segment::Planned { span_s: (at_s, lasts_s), plan }, Some(turn))
            }
            None => (Segment::Rest { p: state.p }, None),
        };
        if let Some(script) = &mut self.script {
            script.aim = aim;
            script.timeline.begin(at_s, &state, self.window);
        }
        segment
    }

    /// The segment behind `state`, in which the path is at `at_s`.
    pub(super) fn next_script_segment(&mut self, at_s: f64, state: Kinematics) -> Segment {
        self.pass_points(at_s + super::SHORTEST_S / 2.0);
        let Some(script) = &self.script else { return Segment::Rest { p: state.p } };
        if !script.timeline.is_empty() {
            let way = script_way(&script.timeline, (at_s, state), self.limits.most, self.window);
            return self.take_way(way, at_s, state);
        }
        if state.v == 0.0 && state.a == 0.0 {
            return Segment::Rest { p: state.p };
        }
        self.phase = Phase::Brakes(Afterwards::GoOn);
        self.braking(state, at_s)
    }

    /// A script whose path rests in `state` until now: goes on, or to where it ends.
    pub(super) fn wake_script(&mut self, state: Kinematics, until_s: f64) {
        if self.has_points_ahead() {
            self.segment = self.next_script_segment(self.now_s, state);
            return;
        }
        let here = self.window.share(state.p);
        let Some(script) = &mut self.script else { return };
        if script.void_since_s.is_some() {
            return;
        }
        let share = *script.end.get_or_insert(here);
        (self.goal, self.goal_share) = (self.window.place(share), share);
        if (state.p - self.goal).abs() > EQUAL_MM && until_s - self.rests_since_s > GRACE_S {
            self.segment = self.planned(state, self.goal, self.slow(), self.now_s);
        }
    }
}
