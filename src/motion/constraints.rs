//! Constraints of one control cycle: which accelerations at its end keep the axis inside speed bounds and range.
//!
//! The tracker asks `permitted_acceleration` for the permitted acceleration nearest to the one that it wants. Without
//! any it follows the stop tail.

use super::kinematics::{Kinematics, Piece};
use super::limits::RampLimits;
use super::stop;

/// Decay rate of the distance of the speed from its bound, per second.
const SPEED_POLE_PER_S: f64 = 300.0;
/// A turn before the end of the range is planned with this share of the acceleration, and with at most this share of
/// the jerk.
const TURN_SHARE: f64 = 0.97;
const TURN_JERK_SHARE: f64 = 0.9;
/// Bisections for a border: 2⁻³⁰ of the range of choice of one cycle is far below a thousandth of a step.
const BISECTIONS: u32 = 30;
/// Tolerance of the range check, far below a step, far above the rounding of a metre.
const RANGE_SLACK_MM: f64 = 1e-6;

/// Bounds on position and speed for one cycle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CycleBounds {
    /// Lowest position, in mm.
    pub low_mm: f64,
    /// Highest position, in mm.
    pub high_mm: f64,
    /// Highest speed toward the front, in mm/s.
    pub forward_mm_s: f64,
    /// Highest speed toward the back, in mm/s.
    pub backward_mm_s: f64,
    /// Highest wanted speed in mm/s, either way: an axis that is faster slows down gently.
    pub pace_mm_s: f64,
}

/// A control cycle: its start state, its limits and its bounds.
pub(super) struct CycleConstraints<'a> {
    pub start: Kinematics,
    pub cycle_s: f64,
    /// Limits in force: those of a wave, or the firm ones during a firm braking.
    pub normal: RampLimits,
    /// Limits after a firm braking, while one is under way.
    pub afterwards: Option<RampLimits>,
    /// Limits of a firm stop.
    pub stop: RampLimits,
    pub bounds: &'a CycleBounds,
    /// Highest speed by the settings, in mm/s. A bound below it is due to a force.
    pub max_speed_mm_s: f64,
    /// Extent of the stop tail from the start state: the range check never demands more than this.
    pub reach: (f64, f64),
}

impl CycleConstraints<'_> {
    /// State at the end of the cycle, with the acceleration `a` there.
    pub fn end(&self, a: f64) -> Kinematics {
        self.start.after((a - self.start.a) / self.cycle_s, self.cycle_s)
    }

    /// Nearest acceleration to `a` that leads to no speed beyond these bounds. If they cannot be kept, the hardest
    /// braking that the cycle can do.
    fn limit_speed(&self, a: f64, (least, most): (f64, f64), forward_mm_s: f64, backward_mm_s: f64) -> f64 {
        let forward = |a: f64| a <= self.acceleration_toward_bound(forward_mm_s - self.end(a).v);
        let backward = |a: f64| -a <= self.acceleration_toward_bound(backward_mm_s + self.end(a).v);
        if !forward(a) {
            if forward(least) { bisect(least, a, forward) } else { least }
        } else if !backward(a) {
            if backward(most) { bisect(most, a, backward) } else { most }
        } else {
            a
        }
    }

    /// Largest acceleration toward a speed bound that is `left_mm_s` away: the root law of a release with half the jerk
    /// limit, and below it a linear law, so that the bound is met without ripple. Where the two meet, at `J/λ`, the
    /// linear law demands exactly the whole jerk limit.
    fn acceleration_toward_bound(&self, left_mm_s: f64) -> f64 {
        let left = left_mm_s.abs();
        let magnitude = (SPEED_POLE_PER_S * left).min(libm::sqrt(self.normal.jerk * left));
        libm::copysign(magnitude, left_mm_s)
    }

    /// Lowest and highest position of the cycle and of a firm stop behind it.
    fn extent(&self, a: f64) -> (f64, f64) {
        let piece = Piece { jerk: (a - self.start.a) / self.cycle_s, duration_s: self.cycle_s };
        let (low, high) = self.start.extent(piece);
        let (stop_low, stop_high) = stop::extent(self.end(a), self.stop);
        (low.min(stop_low), high.max(stop_high))
    }

    /// Highest position of a turn (braking to zero speed, and back) that begins at `end`. Against a force the axis must
    /// not come back faster than is allowed there.
    fn turn(&self, end: Kinematics, normal: RampLimits, way_back_mm_s: f64) -> f64 {
        let gentle = turn_limits(normal, self.cycle_s, -end.a);
        if way_back_mm_s < self.max_speed_mm_s {
            stop::turn_extent_within(end, gentle, self.stop, way_back_mm_s)
        } else {
            stop::turn_extent(end, gentle, self.stop)
        }
    }

    /// The same for a turn with the limits `gentle` behind a firm braking: acceleration beyond them is released firmly.
    fn turn_behind_firm(&self, end: Kinematics, gentle: RampLimits, way_back_mm_s: f64) -> f64 {
        let release_s = ((end.a.abs() - gentle.acceleration) / self.stop.jerk).max(0.0);
        let released = end.after(-libm::copysign(self.stop.jerk, end.a), release_s);
        self.turn(released, gentle, way_back_mm_s)
    }

    /// Highest position of the turn behind this cycle. The end of the range that the axis approaches while it brakes
    /// firmly is met gently: if the braking were released as far as a firm turn permits, another firm braking would
    /// have to follow there.
    fn next_turn(&self, end: Kinematics, approaches: bool, way_back_mm_s: f64) -> f64 {
        match self.afterwards {
            Some(gentle) if approaches => self.turn_behind_firm(end, gentle, way_back_mm_s),
            _ => self.turn(end, self.normal, way_back_mm_s),
        }
    }

    fn turns_below_high(&self, a: f64) -> bool {
        let CycleBounds { high_mm, backward_mm_s, .. } = *self.bounds;
        self.next_turn(self.end(a), self.start.v > 0.0, backward_mm_s) <= high_mm
    }

    fn turns_above_low(&self, a: f64) -> bool {
        let CycleBounds { low_mm, forward_mm_s, .. } = *self.bounds;
        self.next_turn(self.end(a).mirrored(), self.start.v < 0.0, forward_mm_s) <= -low_mm
    }

    /// Nearest acceleration to `a` with which a firm braking ends at rest, if a turn behind it would leave the range: the
    /// way back is gentle, and with a small jerk the acceleration of a turn lasts too long for a short range.
    ///
    /// A state with `v ≥ a²/2J`, where `J` is the jerk of a firm stop, can end at rest, as the last part of a stop tail does.
    fn rest_or_return(&self, a: f64, least: f64, most: f64) -> f64 {
        let Some(gentle) = self.afterwards else { return a };
        let forward = self.start.v > 0.0;
        let end = |a: f64| if forward { self.end(a).mirrored() } else { self.end(a) };
        let CycleBounds { low_mm, high_mm, forward_mm_s, backward_mm_s, .. } = *self.bounds;
        let (farthest_mm, way_back_mm_s) =
            if forward { (-low_mm, forward_mm_s) } else { (high_mm, backward_mm_s) };
        let returns = |a: f64| self.turn_behind_firm(end(a), gentle, way_back_mm_s) <= farthest_mm;
        let rests = |a: f64| {
            let end = end(a);
            end.a <= 0.0 || -end.v >= end.a * end.a / (2.0 * self.stop.jerk)
        };
        if returns(a) || rests(a) {
            return a;
        }
        let released = if forward { most } else { least };
        if rests(released) { bisect(released, a, rests) } else { released }
    }

    fn stops_below_high(&self, a: f64) -> bool {
        self.extent(a).1 <= self.reach.1.max(self.bounds.high_mm + RANGE_SLACK_MM)
    }

    fn stops_above_low(&self, a: f64) -> bool {
        self.extent(a).0 >= self.reach.0.min(self.bounds.low_mm - RANGE_SLACK_MM)
    }
}

/// Nearest point to `bad` for which `holds`, by bisection between `good`, which is taken to hold, and `bad`.
pub(super) fn bisect(good: f64, bad: f64, holds: impl Fn(f64) -> bool) -> f64 {
    let (mut good, mut bad) = (good, bad);
    for _ in 0..BISECTIONS {
        let middle = f64::midpoint(good, bad);
        if holds(middle) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    good
}

/// Limits for planning a turn before the end of the range: softer than the given ones, so that the cycle grid can keep
/// them and correct.
///
/// A plan reaches the full acceleration `A` in the middle of a cycle; on the grid, whose jerk is constant over a cycle,
/// only its end can. With `δ` left to the planned acceleration `sA`, the mean of the plan over the cycle is `sA -
/// δ²/2JT`, and that of the grid up to `A - (δ + (1 - s) A)/2`. The grid is stronger for every `δ` if `JT ≤ 4 (1 - s)
/// A`.
///
/// An axis whose acceleration `push` is beyond the planned one keeps it. If the plan fell back instead, the mean
/// acceleration of each cycle would have to be the planned one, and the acceleration would oscillate around it from
/// cycle to cycle.
pub(super) fn turn_limits(
    RampLimits { acceleration, jerk }: RampLimits,
    cycle_s: f64,
    push: f64,
) -> RampLimits {
    let grid_jerk = 4.0 * (1.0 - TURN_SHARE) * acceleration / cycle_s;
    RampLimits {
        acceleration: push.min(acceleration).max(TURN_SHARE * acceleration),
        jerk: (TURN_JERK_SHARE * jerk).min(grid_jerk),
    }
}

/// Permitted acceleration nearest to `wish`; none if only the stop tail is left.
pub(super) fn permitted_acceleration(
    cycle: &CycleConstraints<'_>,
    wish: f64,
    least: f64,
    most: f64,
) -> Option<f64> {
    let CycleBounds { forward_mm_s, backward_mm_s, pace_mm_s, .. } = *cycle.bounds;
    let (forward_mm_s, backward_mm_s) = (forward_mm_s.min(pace_mm_s), backward_mm_s.min(pace_mm_s));
    let mut a = cycle.limit_speed(wish, (least, most), forward_mm_s, backward_mm_s);
    // Turning before the ends of the range with the limits of a wave.
    if !cycle.turns_below_high(a) {
        a = if cycle.turns_below_high(least) {
            bisect(least, a, |a| cycle.turns_below_high(a))
        } else {
            least
        };
    } else if !cycle.turns_above_low(a) {
        a = if cycle.turns_above_low(most) { bisect(most, a, |a| cycle.turns_above_low(a)) } else { most };
    }
    a = cycle.rest_or_return(a, least, most);
    // A firm stop inside the range takes precedence over everything else.
    if !cycle.stops_below_high(a) {
        if !cycle.stops_below_high(least) {
            return None;
        }
        a = bisect(least, a, |a| cycle.stops_below_high(a));
        return cycle.stops_above_low(a).then_some(a);
    }
    if !cycle.stops_above_low(a) {
        if !cycle.stops_above_low(most) {
            return None;
        }
        a = bisect(most, a, |a| cycle.stops_above_low(a));
        return cycle.stops_below_high(a).then_some(a);
    }
    Some(a)
}
