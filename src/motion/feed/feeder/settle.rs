//! What the path makes of where the axis is, before each cycle: whether it has met the feed, and what is to become of an axis that
//! could not follow, as a force holds it.

use super::{Afterwards, BRAKE_SHARE, EQUAL_MM, Feeder, Phase, SHORTEST_S};
use crate::motion::feed::segment::Segment;
use crate::motion::kinematics::Kinematics;

/// An axis that is farther than this from a way that nobody asked for has left it, in mm.
const LEFT_MM: f64 = 0.1;
/// Slower than this, an axis is at rest, in mm/s.
const AT_REST_MM_S: f64 = 0.01;

impl Feeder {
    /// What has to change before the next cycle, for an axis in the state `axis`. `is_held` says that a force holds it back.
    pub fn settle(&mut self, axis: &Kinematics, is_held: bool) {
        let met_mm = self.met_mm();
        self.axis = *axis;
        self.observe_axis(axis, met_mm);
        match self.phase {
            // Firm braking is released before a way begins.
            Phase::Meets if self.would_turn(axis) => {}
            Phase::Meets if self.script.is_some() && (axis.p - self.goal).abs() <= met_mm => {
                self.join_script(*axis);
            }
            Phase::Meets if (axis.p - self.goal).abs() <= met_mm => {
                if self.points.last().is_some_and(|last| last.due_s > self.now_s + SHORTEST_S) {
                    self.phase = Phase::Follows;
                    self.segment = Segment::at_once(*axis, self.now_s);
                } else {
                    self.return_from(*axis);
                }
            }
            Phase::BrakesAxis(afterwards) => {
                self.segment = self.braking(*axis, self.now_s);
                self.phase = Phase::Brakes(afterwards);
            }
            // An axis that could not follow its path may still be fast when that rests.
            Phase::Brakes(Afterwards::Meet) if self.is_still() && self.may_approach(axis) => {
                self.phase = Phase::Meets;
            }
            // What the path makes up by itself is for the axis: it begins anew where an axis is that has left it. An axis that was to
            // catch up would be as fast as before, or faster, when the path is at rest already.
            Phase::Brakes(_) if self.is_left() && !self.would_turn(axis) => {
                self.segment = self.braking(*axis, self.now_s);
            }
            // A pause is rest: what a force held back is not made up for when it lets go.
            Phase::Waits if is_held && self.is_elsewhere() => {
                self.phase = Phase::BrakesAxis(Afterwards::Wait)
            }
            Phase::Follows if is_held && self.is_paused() => {
                if self.is_elsewhere() {
                    self.phase = Phase::BrakesAxis(Afterwards::GoOn);
                    self.forget_script_end();
                }
            }
            // Whoever holds the axis must not set it free for a leap.
            Phase::Follows if is_held && self.may_approach(axis) => {
                if self.away_mm() > met_mm {
                    self.phase = Phase::Meets;
                }
            }
            Phase::Returns if self.is_left() && !self.would_turn(axis) => {
                if is_held && self.may_approach(axis) {
                    self.phase = Phase::Meets;
                } else {
                    self.return_from(*axis);
                }
            }
            Phase::Waits
            | Phase::Meets
            | Phase::Follows
            | Phase::Returns
            | Phase::Brakes(_)
            | Phase::Over => {}
        }
    }

    /// True if the axis is no faster than the approach speed, and will not be while it releases its acceleration: an approach that
    /// began sooner would have to brake it firmly.
    fn may_approach(&self, axis: &Kinematics) -> bool {
        axis.v.abs().max(self.coasting_mm_s(axis).abs()) <= self.limits.approach_mm_s
    }

    /// True if the axis brakes so firmly that it would turn while a way that begins now releases the brake.
    fn would_turn(&self, axis: &Kinematics) -> bool {
        axis.v * self.coasting_mm_s(axis) < 0.0
    }

    /// Speed of the axis when it has released its acceleration as softly as a way does.
    fn coasting_mm_s(&self, axis: &Kinematics) -> f64 {
        axis.v + axis.a * axis.a.abs() / (2.0 * BRAKE_SHARE * self.limits.most.jerk)
    }

    /// How far the axis is from its path.
    fn away_mm(&self) -> f64 {
        (self.axis.p - self.segment.at(self.now_s).p).abs()
    }

    /// True if the axis is no longer on its path, as a bound of its speed keeps it back, or came so to it.
    fn is_left(&self) -> bool {
        self.away_mm() > LEFT_MM
    }

    /// True if a pattern or a script that the path follows is paused.
    fn is_paused(&self) -> bool {
        let is_idle = self.strokes.is_some() && !self.has_strokes_to_do();
        is_idle || self.is_script_paused()
    }

    /// True if the path rests, and the axis does so somewhere else, or will not come to it. One that is on its last way to the path is
    /// left to it: a brake of its own would lead beyond.
    fn is_elsewhere(&self) -> bool {
        let away_mm = self.away_mm();
        let rests = self.axis.v.abs() < AT_REST_MM_S && away_mm > EQUAL_MM;
        self.is_still() && (rests || away_mm > self.met_mm())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::motion::feed::feeder::FeedLimits;
    use crate::motion::feed::target::{FeedTarget, FeedWindow, Pace};
    use crate::motion::feed::timeline::ScriptPoint;
    use crate::motion::limits::ProfileLimits;
    use crate::motion::pattern::{PatternKind, StrokeDrive, StrokeProgram, StrokeSpeed};

    const CYCLE_S: f64 = 0.001;

    fn feeder() -> Feeder {
        let most = ProfileLimits { speed: 500.0, acceleration: 5_000.0, jerk: 200_000.0 };
        let limits = FeedLimits { most, approach_mm_s: 60.0, ahead_s: 0.006 };
        let mut feeder = Feeder::new(FeedWindow { back_mm: 0.0, front_mm: 100.0 }, limits);
        feeder.begin(0.0, 0.0);
        feeder
    }

    fn drive(is_paused: bool) -> StrokeDrive {
        StrokeDrive {
            program: StrokeProgram::Kind(PatternKind::Simple),
            speed: StrokeSpeed::Share(0.5),
            depth: 1.0,
            stroke: 1.0,
            sensation: 0.0,
            is_paused,
            seed: 0,
        }
    }

    /// So many cycles of an axis that follows, or is held at rest by a force; where the path is then.
    fn cycles(feeder: &mut Feeder, held_mm: Option<f64>, count: usize) -> Kinematics {
        for _ in 0..count {
            let axis = held_mm.map_or_else(|| feeder.reference(), Kinematics::at_rest);
            feeder.settle(&axis, held_mm.is_some());
            feeder.advance(feeder.now_s + CYCLE_S);
        }
        feeder.reference()
    }

    /// Seed 2572 of the simulation: an axis that a force had stopped 0.07 mm before its place went there when it was let go.
    #[test]
    fn a_pattern_that_is_paused_rests_where_a_force_holds_the_axis() {
        for behind_mm in [0.01, 0.07, 2.0, 30.0] {
            let mut feeder = feeder();
            feeder.drive(drive(false));
            let moving = cycles(&mut feeder, None, 300);
            assert!(moving.v.abs() > 1.0, "{moving:?}");
            feeder.drive(drive(true));
            let held_mm = moving.p - behind_mm;
            let rest = cycles(&mut feeder, Some(held_mm), 500);
            assert_eq!(rest, Kinematics::at_rest(held_mm), "{behind_mm} mm");
            assert_eq!(cycles(&mut feeder, None, 500), rest, "it is let go, {behind_mm} mm behind");
            assert!(feeder.rests());
            // And goes on from there.
            feeder.drive(drive(false));
            assert!((cycles(&mut feeder, None, 300).p - held_mm).abs() > 1.0, "{behind_mm} mm");
        }
    }

    /// Seed 6888 of the simulation: an axis that a force had held back sped up to 62 of 70 mm/s when it was to meet its path at the
    /// approach speed, and had to release its acceleration with the jerk of a stop.
    #[test]
    fn an_axis_that_speeds_up_meets_its_path_once_it_will_not_be_too_fast() {
        for (v, a, meets) in
            [(59.0, 0.0, true), (59.0, -5_000.0, true), (59.0, 5_000.0, false), (-59.0, -5_000.0, false)]
        {
            let mut feeder = feeder();
            feeder.drive(drive(false));
            let path = cycles(&mut feeder, None, 300);
            feeder.settle(&Kinematics { p: path.p - 20.0, v, a }, true);
            assert_eq!(feeder.phase == Phase::Meets, meets, "{v} mm/s, {a} mm/s²");
        }
    }

    /// A feeder whose path brakes for good, and one whose path is on its way to the last target; both move.
    fn ways_of_their_own() -> [Feeder; 2] {
        let mut braking = feeder();
        braking.drive(drive(false));
        let moving = cycles(&mut braking, None, 300);
        braking.finish();
        braking.settle(&moving, false);
        braking.advance(braking.now_s + CYCLE_S);
        assert_eq!(braking.phase, Phase::Brakes(Afterwards::End));

        let mut returning = feeder();
        returning.begin(52.5, 0.0);
        returning.push(FeedTarget { share: 0.5, pace: Pace::Within { time_s: 0.01 } }, 0.0);
        returning.advance(0.1);
        returning.settle(&Kinematics::at_rest(52.5), false);
        returning.advance(0.12);
        assert_eq!(returning.phase, Phase::Returns);
        assert!(returning.reference().v < -5.0);
        [braking, returning]
    }

    /// Seeds 9780 and 9713 of the simulation: a narrowed speed made the axis leave the path of a brake, and it went on with 109 mm/s
    /// to catch up with a path that had come to rest; an axis beside its way back swung beyond the target.
    #[test]
    fn a_way_of_its_own_begins_anew_where_the_axis_is_that_has_left_it() {
        for mut feeder in ways_of_their_own() {
            let (phase, path) = (feeder.phase, feeder.reference());
            feeder.settle(&Kinematics { p: path.p - 0.09, ..path }, false);
            assert_eq!((feeder.phase, feeder.reference()), (phase, path));
            let axis = Kinematics { p: path.p - 0.2, v: 0.5 * path.v, a: 0.0 };
            feeder.settle(&axis, false);
            assert_eq!((feeder.phase, feeder.reference()), (phase, axis));
        }
    }

    /// Seed 7716 of the simulation: a way that begins while a firm brake lasts releases it softly, and leads back.
    #[test]
    fn a_way_begins_once_the_axis_will_not_turn() {
        for mut feeder in ways_of_their_own() {
            let (phase, path) = (feeder.phase, feeder.reference());
            let v = libm::copysign(5.0, path.v);
            let brakes = |a: f64| Kinematics { p: path.p - 0.2, v, a: -libm::copysign(a, v) };
            // Releasing 5 000 mm/s² takes 78 mm/s, 1 000 mm/s² take 3.
            feeder.settle(&brakes(5_000.0), false);
            assert_eq!((feeder.phase, feeder.reference()), (phase, path));
            feeder.settle(&brakes(1_000.0), false);
            assert_eq!((feeder.phase, feeder.reference()), (phase, brakes(1_000.0)));
        }
        // So does the way behind an approach.
        let mut meets = feeder();
        meets.push(FeedTarget { share: 0.5, pace: Pace::Within { time_s: 0.01 } }, 0.0);
        meets.advance(0.1);
        let near = |a: f64| Kinematics { p: 49.0, v: 5.0, a };
        meets.settle(&near(-5_000.0), false);
        assert_eq!(meets.phase, Phase::Meets);
        meets.settle(&near(-1_000.0), false);
        assert_eq!((meets.phase, meets.reference()), (Phase::Returns, near(-1_000.0)));
    }

    #[test]
    fn a_script_that_is_paused_rests_where_a_force_holds_the_axis() {
        let mut feeder = feeder();
        for number in 0..4_u32 {
            let point = ScriptPoint {
                due_ns: 20_000_000 + 500_000_000 * u64::from(number),
                share: f64::from(number % 2),
            };
            feeder.push_point(point, 0.0);
        }
        let moving = cycles(&mut feeder, None, 300);
        assert!(moving.v.abs() > 1.0, "{moving:?}");
        feeder.clear_points();
        let held_mm = moving.p - 2.0;
        let rest = cycles(&mut feeder, Some(held_mm), 700);
        assert_eq!(rest, Kinematics::at_rest(held_mm));
        assert_eq!(cycles(&mut feeder, None, 700), rest, "it is let go");
    }
}
