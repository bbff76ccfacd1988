//! The way of a script's path up to its next turn: curves through its points where the limits allow them, else one stroke to the
//! turn, or as near to it as the time allows (see [`super::within_reach`]). In both cases it is at the turn in time.

use super::super::kinematics::Kinematics;
use super::super::limits::ProfileLimits;
use super::quintic::Quintic;
use super::stroke::stroke;
use super::target::FeedWindow;
use super::timeline::{POINTS_MAX, ScriptKnot, Timeline};
use super::within_reach::{SCRIPT_SHARE, reached_turn, way_within};
use crate::motion::plan::MovePlan;

/// Highest acceleration at a point, as a share of the limit: a corner has more.
const BEND_SHARE: f64 = 0.9;
/// The curves of a script that goes on behind its last known point need not stop there, if they lead on for so long, in s.
const OPEN_S: f64 = 0.1;
/// So far beside a point the way may pass before it rests at points instead, in mm.
const NEAR_MM: f64 = 1.0;
/// No curve is shorter, in s.
const SHORTEST_S: f64 = 0.001;
/// Lengths that differ by less are equal, in mm.
const EQUAL_MM: f64 = 1e-6;
/// Slower than this, in mm/s, the path stands.
const STANDS_MM_S: f64 = 1e-3;

/// How the path goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum ScriptWay {
    /// On a curve to this knot, where it may also rest.
    Curve(Quintic, ScriptKnot),
    /// With a stroke that ends at this knot, or short of it.
    Stroke(MovePlan, ScriptKnot),
}

/// The way of the path from `state` at `at_s`. None without points ahead, or for values that are not finite.
pub fn script_way(
    timeline: &Timeline,
    (at_s, state): (f64, Kinematics),
    limits: ProfileLimits,
    window: FeedWindow,
) -> Option<ScriptWay> {
    let most = limits.scaled(SCRIPT_SHARE);
    let mut knots = timeline.run((at_s, state), window);
    for knot in &mut knots {
        let bend = BEND_SHARE * most.acceleration;
        knot.state.a = knot.state.a.clamp(-bend, bend);
    }
    let turn = *knots.last()?;
    let reached = reached(timeline, knots.len() - 1, (at_s, state), limits, window);
    if (reached - turn.state.p).abs() <= EQUAL_MM {
        let is_open = knots.len() == timeline.len();
        let here = (at_s, state);
        // With a rest at each of the points it may be possible to be there.
        let mut rests = knots.clone();
        for knot in &mut rests {
            knot.state = Kinematics::at_rest(knot.state.p);
        }
        let way = through(&knots, (is_open, NEAR_MM), here, most, window)
            .or_else(|| through(&rests, (false, NEAR_MM), here, most, window))
            .or_else(|| through(&knots, (is_open, f64::INFINITY), here, most, window));
        match way {
            Some((Lead::Curve(curve), index)) => return Some(ScriptWay::Curve(curve, *knots.get(index)?)),
            Some((Lead::Stroke, index)) => {
                let to = *knots.get(index)?;
                return stroke_to(to.state.p, to, here, most);
            }
            None => {}
        }
    }
    stroke_to(reached, turn, (at_s, state), most)
}

/// The stroke that is at the turn in time, and as near to `end` as it can.
fn stroke_to(
    end: f64,
    turn: ScriptKnot,
    (at_s, state): (f64, Kinematics),
    most: ProfileLimits,
) -> Option<ScriptWay> {
    let ProfileLimits { speed, acceleration, .. } = most;
    let from = Kinematics {
        v: state.v.clamp(-speed, speed),
        a: state.a.clamp(-acceleration, acceleration),
        ..state
    };
    let made = stroke(from, end, (turn.due_s - at_s).max(SHORTEST_S), most)?;
    Some(ScriptWay::Stroke(made.plan, turn))
}

/// The first part of the way through the knots to the last one: through all of them where the limits allow it, else past those for
/// which they do not, by at most `beside_mm`. Where the points end without a turn `is_open`, it has to lead on for a while only: a
/// script whose points come one by one, close together, goes on. Also says to which knot that part leads.
fn through(
    knots: &[ScriptKnot],
    (is_open, beside_mm): (bool, f64),
    (at_s, state): (f64, Kinematics),
    most: ProfileLimits,
    window: FeedWindow,
) -> Option<(Lead, usize)> {
    let room_mm = (window.back_mm - EQUAL_MM, window.front_mm + EQUAL_MM);
    let lead = |from_s: f64, from: &Kinematics, passed: &[ScriptKnot], to: &ScriptKnot| {
        let time_s = (to.due_s - from_s).max(SHORTEST_S);
        let curve = Quintic::new(from, &to.state, time_s);
        let passes = |knot: &ScriptKnot| (curve.at(knot.due_s - from_s).p - knot.state.p).abs() <= beside_mm;
        if passed.iter().all(passes) && curve.fits(most, room_mm) {
            return Some(Lead::Curve(curve));
        }
        let is_still = from.v.abs() <= STANDS_MM_S && to.state.v == 0.0;
        let is_near = (to.state.p - from.p).abs() <= way_within(time_s, most);
        (is_still && is_near && passed.is_empty()).then_some(Lead::Stroke)
    };
    // From which knots it leads on to the end, from the end backward.
    let mut leads_on = [false; POINTS_MAX];
    let next = |from_s: f64, from: &Kinematics, behind: usize, leads_on: &[bool]| {
        (behind..knots.len())
            .filter(|index| leads_on[*index])
            .find_map(|index| Some((lead(from_s, from, &knots[behind..index], &knots[index])?, index)))
    };
    for index in (0..knots.len()).rev() {
        let from = &knots[index];
        leads_on[index] = index + 1 == knots.len()
            || is_open && from.due_s >= at_s + OPEN_S
            || next(from.due_s, &from.state, index + 1, &leads_on).is_some();
    }
    next(at_s, &state, 0, &leads_on)
}

/// A part of the way, up to a knot.
enum Lead {
    Curve(Quintic),
    Stroke,
}

/// Where the turn with the number `first` ahead is reached.
fn reached(
    timeline: &Timeline,
    first: usize,
    (at_s, state): (f64, Kinematics),
    limits: ProfileLimits,
    window: FeedWindow,
) -> f64 {
    // Only from rest is it known how far the first way may be; a stroke from a motion finds it out.
    let is_still = state.v.abs() <= STANDS_MM_S;
    let (mut last_s, mut is_first) = (at_s, true);
    // Whether the last point is a turn is not known before the one behind it.
    let known = timeline.len().saturating_sub(1).max(first + 1);
    let turns = (first..known).filter_map(|index| {
        if !timeline.is_turn(index, (at_s, state), window) {
            return None;
        }
        let (due_s, place) = timeline.point(index, window)?;
        let time_s = if is_first && !is_still { f64::INFINITY } else { due_s - last_s };
        (last_s, is_first) = (due_s, false);
        Some((time_s, place))
    });
    reached_turn(state.p, turns, limits)
}

#[cfg(test)]
mod tests {
    use super::super::timeline::ScriptPoint;
    use super::*;

    const LIMITS: ProfileLimits = ProfileLimits { speed: 500.0, acceleration: 5_000.0, jerk: 200_000.0 };
    const WINDOW: FeedWindow = FeedWindow { back_mm: 0.0, front_mm: 100.0 };

    fn way(points: impl Iterator<Item = (f64, f64)>, state: Kinematics) -> ScriptWay {
        let mut timeline = Timeline::default();
        for (due_s, mm) in points {
            assert!(timeline.push(ScriptPoint { due_ns: (due_s * 1e9) as u64, share: mm / 100.0 }));
        }
        script_way(&timeline, (0.0, state), LIMITS, WINDOW).unwrap()
    }

    #[test]
    fn points_close_together_are_all_passed_and_a_corner_is_cut() {
        let sine = (1..30).map(|index| {
            let at_s = f64::from(index) * 0.02;
            (at_s, 50.0 - 40.0 * (std::f64::consts::TAU * at_s).cos())
        });
        let ScriptWay::Curve(_, knot) = way(sine, Kinematics { p: 10.0, v: 0.0, a: 1_579.0 }) else {
            panic!()
        };
        assert!((knot.due_s - 0.02).abs() < 1e-9, "{knot:?}");
        // A triangle: its corner asks for more acceleration than there is.
        let triangle =
            (1..20).map(|index| (f64::from(index) * 0.05, 100.0 - 10.0 * (10.0 - f64::from(index)).abs()));
        let ScriptWay::Curve(_, knot) = way(triangle, Kinematics { p: 0.0, v: 200.0, a: 0.0 }) else {
            panic!()
        };
        assert!((0.049..0.3).contains(&knot.due_s), "{knot:?}");
    }

    #[test]
    fn too_far_is_a_stroke_round_the_middle_that_is_in_time() {
        let far = (1..15).map(|index| (f64::from(index) * 0.2, if index % 2 == 0 { 0.0 } else { 100.0 }));
        let ScriptWay::Stroke(plan, knot) = way(far, Kinematics::at_rest(25.0)) else { panic!() };
        assert!((knot.due_s - 0.2).abs() < 1e-9 && plan.duration_s() <= 0.2001, "{knot:?}");
        assert!((60.0..75.0).contains(&plan.end()), "{}", plan.end());
    }
}
