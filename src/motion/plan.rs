//! Time-optimal point-to-point move, from any velocity and acceleration to a position with a given velocity.
//!
//! Method. The *transition* is the quickest change to the target velocity: [`super::stop`] in the frame that moves with
//! that velocity. From the start state, the transition alone leads to some position. If the target lies beyond it, the
//! axis must first push, with full jerk and then with full acceleration, and make the transition from there. The harder
//! it pushes, the farther it comes. So one number, the peak of the push, parametrises a family of moves of which
//! exactly one hits the target (`Family` has the formulas). If that one would coast beyond the speed limit, the push
//! ends there, and the axis cruises the rest of the distance. A target on the near side is handled in mirrored
//! coordinates.
//!
//! This is the bang-bang solution of time-optimal control for one axis with bounded jerk, acceleration and speed, as
//! one family instead of the usual case distinctions.
//!
//! All internal numbers are in the natural units of the limits (time `A/J`, length `A³/J²`), in which acceleration and
//! jerk limit are 1. So the numerical accuracy does not depend on the unit of length.
//!
//! The exact extent of every plan follows from the roots of its pieces ([`MovePlan::extent`]). It is checked against
//! the range before the plan is returned.

use heapless::Vec;

use super::kinematics::{Kinematics, Piece};
use super::limits::{ProfileLimits, RampLimits};
use super::stop;

/// Target position, and the velocity on arrival; the acceleration there is zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// Position.
    pub p: f64,
    /// Velocity on arrival, within the speed limit.
    pub v: f64,
}

/// Reason why a move cannot be planned.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// A number is not finite, a limit not positive, or the target velocity beyond the speed limit.
    #[error("the move cannot be planned: a value is not finite or beyond its limit")]
    BadInput,
    /// The time-optimal move leaves the range.
    #[error("the move would lead to {low} … {high}, out of the range")]
    LeavesRange {
        /// Lowest position of the move.
        low: f64,
        /// Highest position of the move.
        high: f64,
    },
}

/// Largest number of pieces of a plan: a brake, a push and a plateau, a release, a cruise, three of a transition, and
/// the spare piece of an interrupted brake.
pub const PIECES: usize = 10;

/// A planned move.
#[derive(Debug, Clone, PartialEq)]
pub struct MovePlan {
    start: Kinematics,
    end: f64,
    pieces: Vec<Piece, PIECES>,
}

impl MovePlan {
    /// Plans the time-optimal move from `start` to `target` and checks that all of it is inside `range`.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn new(
        start: Kinematics,
        target: Target,
        limits: ProfileLimits,
        range: (f64, f64),
    ) -> Result<MovePlan, PlanError> {
        let finite = [start.p, start.v, start.a, target.p, target.v].into_iter().all(f64::is_finite);
        let positive =
            [limits.speed, limits.acceleration, limits.jerk].into_iter().all(|x| x > 0.0 && x.is_finite());
        if !finite || !positive || target.v.abs() > limits.speed {
            return Err(PlanError::BadInput);
        }
        let plan = MovePlan { start, end: target.p, pieces: pieces(start, target, limits) };
        let (low, high) = plan.extent();
        if low < range.0 || high > range.1 { Err(PlanError::LeavesRange { low, high }) } else { Ok(plan) }
    }

    /// Pieces of the move, in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Duration of the move, in seconds.
    pub fn duration_s(&self) -> f64 {
        duration_s(&self.pieces)
    }

    /// Position of the target.
    pub fn end(&self) -> f64 {
        self.end
    }

    /// Exact lowest and highest position of the move.
    pub fn extent(&self) -> (f64, f64) {
        let mut at = self.start;
        let mut extent = (at.p, at.p);
        for piece in &self.pieces {
            let end = at.after_piece(*piece);
            let (low, high) = at.extent_until(*piece, &end);
            extent = (extent.0.min(low), extent.1.max(high));
            at = end;
        }
        extent
    }

    /// State `t_s` seconds after the start. After the end, the axis keeps its last velocity.
    pub fn at(&self, t_s: f64) -> Kinematics {
        let mut at = self.start;
        let mut left_s = t_s;
        for piece in &self.pieces {
            if left_s <= piece.duration_s {
                return at.after(piece.jerk, left_s);
            }
            at = at.after_piece(*piece);
            left_s -= piece.duration_s;
        }
        Kinematics { a: 0.0, ..at }.after(0.0, left_s)
    }
}

fn duration_s(pieces: &[Piece]) -> f64 {
    pieces.iter().map(|piece| piece.duration_s).sum()
}

/// The limits in natural units.
const UNIT: RampLimits = RampLimits { acceleration: 1.0, jerk: 1.0 };

/// Time to gain `velocity` from no acceleration to none, and its derivative, in natural units. The acceleration grows
/// in one half of the time and falls in the other, with a plateau between if it reaches its limit.
fn speed_change_time(velocity: f64) -> (f64, f64) {
    if velocity <= 1.0 {
        let peak = libm::sqrt(velocity);
        (2.0 * peak, 1.0 / peak)
    } else {
        (velocity + 1.0, 1.0)
    }
}

/// Distance of the quickest change from `v` and `a` to velocity `to`, in natural units.
///
/// A change from no acceleration to none is symmetrical, so its distance is its time at the mean of both velocities. A
/// start with an acceleration is a point on the way from a start without one: at `v + a²/2` if the axis slows down (the
/// jerk is negative first), at `v - a²/2` if it speeds up, and the distance to there is `a (v ± a²/3)`.
fn transition_distance(v: f64, a: f64, to: f64) -> f64 {
    let side = if v + a * a.abs() / 2.0 >= to { 1.0 } else { -1.0 };
    let from = v + side * a * a / 2.0;
    side * a * (from - side * a * a / 6.0) + f64::midpoint(from, to) * speed_change_time(side * (from - to)).0
}

/// Family of all moves that push toward larger positions and then make the transition, parametrised by the peak of the
/// push. In natural units.
///
/// Let `v*` be the velocity at which the acceleration is zero on the jerk line through the start state, `v - a²/2`, and
/// `p*` its position, `-a (v* + a²/6)`. A push to the peak `c ≤ 1` coasts at `x = v* + c²`; with a plateau, at `x = v*
/// + Δ`, `Δ > 1`. With the times of [`speed_change_time`], the move ends at
///
/// ```text
/// e = p* + (v* + x)/2 T(x - v*) + (x + v₁)/2 T(x - v₁),     T(c²) = 2c
/// ```
///
/// for the target velocity `v₁`. It also holds for negative `c`, a brake that is not released entirely before it is
/// applied again. The parameter in the code is the peak that belongs to the larger one of `v*` and `v₁`, up to one, and
/// the gain of velocity above: this makes both roots smooth. Where both have a plateau, `e` is quadratic and solved
/// directly.
///
/// If the axis arrives moving backward, `e` has a dip first: pushing takes time, in which the target velocity counts
/// (see [`Draft::first_rise`] and [`Draft::detour`]). Otherwise it only rises.
struct Family {
    start_position: f64,
    /// `v*`
    start_v: f64,
    /// The larger and the smaller one of `v*` and `v₁`.
    high: f64,
    low: f64,
    /// Parameter of the transition alone.
    least: f64,
}

impl Family {
    fn new(at: &Kinematics, target_v: f64) -> Family {
        let half = at.a * at.a / 2.0;
        let start_v = at.v - half;
        let least = if start_v >= target_v {
            at.a
        } else if at.a > 0.0 {
            libm::sqrt((at.v + half - target_v).max(0.0))
        } else {
            0.0
        };
        Family {
            start_position: at.p - at.a * (start_v + half / 3.0),
            start_v,
            high: start_v.max(target_v),
            low: start_v.min(target_v),
            least,
        }
    }

    /// Parameter of the move that coasts at `speed`.
    fn parameter_at_speed(&self, speed: f64) -> f64 {
        let gain = speed - self.high;
        if gain <= 1.0 { libm::sqrt(gain.max(0.0)) } else { gain }
    }

    /// End position of the move, and its derivative with respect to the parameter.
    fn end_position(&self, parameter: f64) -> (f64, f64) {
        let k = parameter;
        let (gain, by, time, longer) =
            if k <= 1.0 { (k * k, 2.0 * k, 2.0 * k, 2.0) } else { (k, 1.0, k + 1.0, 1.0) };
        let coasting = self.high + gain;
        let (other_time, other_longer) = speed_change_time(coasting - self.low);
        let (twice_mean, other_mean) = (self.high + coasting, self.low + coasting);
        let position = self.start_position + (twice_mean * time + other_mean * other_time) / 2.0;
        let slope = (by * (time + other_time + other_mean * other_longer) + twice_mean * longer) / 2.0;
        (position, slope)
    }

    /// Parameter of the move to `target`, which lies between the moves of the least parameter and of `most`.
    fn parameter_to(&self, target: f64, most: f64) -> f64 {
        if most > 1.0 && self.end_position(1.0).0 <= target {
            let own = |v: f64| v * (v - 1.0) / 2.0;
            let square = target - self.start_position + own(self.high) + own(self.low);
            let coasting = libm::sqrt((0.25 + square).max(0.0)) - 0.5;
            return (coasting - self.high).clamp(1.0, most);
        }
        root(self.least, most.min(1.0), |k| {
            let (position, slope) = self.end_position(k);
            (position - target, slope)
        })
    }

    /// Duration of the push, from the acceleration `a` on.
    fn push_duration(&self, parameter: f64, a: f64) -> f64 {
        let k = parameter;
        if self.start_v >= self.high && k <= 1.0 {
            return k - a;
        }
        let gain = self.high - self.start_v + if k <= 1.0 { k * k } else { k };
        if gain <= 1.0 { libm::sqrt(gain) - a } else { gain - a }
    }
}

/// A move under construction, in natural units, mirrored so that the push is toward larger positions.
#[derive(Clone)]
struct Draft {
    at: Kinematics,
    target_v: f64,
    pieces: Vec<Piece, PIECES>,
}

impl Draft {
    fn append(&mut self, jerk: f64, duration_s: f64) {
        if duration_s > 0.0 {
            let piece = Piece { jerk, duration_s };
            self.at = self.at.after_piece(piece);
            // `PIECES` is the longest sequence that `complete` makes.
            let _ = self.pieces.push(piece);
        }
    }

    /// The same start, mirrored if `side` is -1.
    fn on_side(&self, side: f64) -> Draft {
        let at = Kinematics { p: side * self.at.p, v: side * self.at.v, a: side * self.at.a };
        Draft { at, target_v: side * self.target_v, pieces: Vec::new() }
    }

    fn duration(&self) -> f64 {
        duration_s(&self.pieces)
    }

    fn transition(&mut self, to_v: f64) {
        for piece in stop::tail(self.at.v - to_v, self.at.a, UNIT) {
            self.append(piece.jerk, piece.duration_s);
        }
        // The rounding remainder of the acceleration is dropped.
        self.at.a = 0.0;
    }

    /// End position of the transition to the target velocity from here.
    fn landing(&self) -> f64 {
        self.at.p + transition_distance(self.at.v, self.at.a, self.target_v)
    }

    fn push(&mut self, tau: f64) {
        let rising = tau.min(1.0 - self.at.a);
        self.append(1.0, rising);
        self.append(0.0, tau - rising);
    }

    /// Completes a move to `target`, which is not before the landing from here.
    fn complete(&mut self, target: f64, speed: f64) {
        let coasting = self.at.v + self.at.a * self.at.a.abs() / 2.0;
        if coasting < speed {
            let family = Family::new(&self.at, self.target_v);
            let most = family.parameter_at_speed(speed);
            let chosen = self.first_rise(&family, target).unwrap_or_else(|| {
                if family.end_position(most).0 <= target { most } else { family.parameter_to(target, most) }
            });
            self.push(family.push_duration(chosen, self.at.a));
            if chosen >= most {
                self.transition(speed);
                self.cruise(target, speed);
            }
        } else {
            self.brake_then_cruise(target, speed);
        }
        self.transition(self.target_v);
    }

    /// Parameter of a target on the first rise of the family. If the axis arrives moving backward and is braking
    /// already, the family rises before it falls, and the first rise is the quickest move.
    fn first_rise(&self, family: &Family, target: f64) -> Option<f64> {
        if self.target_v >= 0.0 || family.least >= 0.0 {
            return None;
        }
        let highest = minimum(family.least, 0.0, |k| -family.end_position(k).0);
        (family.end_position(highest).0 >= target).then(|| {
            root(family.least, highest, |k| {
                let (position, slope) = family.end_position(k);
                (position - target, slope)
            })
        })
    }

    /// Appends a push away from the target, and returns whether that hits it. If the axis arrives moving backward, a
    /// short push lands *farther back*: it takes time, in which the target velocity counts. So a target slightly before
    /// the landing may be reached in this way.
    fn detour(&mut self, target: f64, speed: f64) -> bool {
        let coasting = self.at.v + self.at.a * self.at.a.abs() / 2.0;
        if self.target_v >= 0.0 || coasting >= speed {
            return false;
        }
        let family = Family::new(&self.at, self.target_v);
        let lowest = minimum(family.least, family.parameter_at_speed(speed), |k| family.end_position(k).0);
        if family.end_position(lowest).0 > target || target > self.landing() {
            return false;
        }
        let chosen = root(family.least, lowest, |k| {
            let (position, slope) = family.end_position(k);
            (target - position, -slope)
        });
        self.push(family.push_duration(chosen, self.at.a));
        self.transition(self.target_v);
        true
    }

    fn cruise(&mut self, target: f64, speed: f64) {
        self.append(0.0, (target - self.landing()) / speed);
    }

    /// Too fast at the start: brakes to the speed limit and cruises, or, if the target is too near for that, brakes
    /// longer before the release.
    fn brake_then_cruise(&mut self, target: f64, speed: f64) {
        let Kinematics { p, v, a } = self.at;
        let slowed_to =
            |to_v: f64| p + transition_distance(v, a, to_v) + transition_distance(to_v, 0.0, self.target_v);
        let to_v = if slowed_to(speed) <= target {
            speed
        } else {
            // There is no slope that is right everywhere, so this root is found by bisection; it is rarely needed.
            root(self.target_v, speed, |to_v| (slowed_to(to_v) - target, f64::NAN))
        };
        self.transition(to_v);
        self.cruise(target, to_v);
    }
}

/// Largest number of rounds of [`root`]: as many bisections as separate two neighbouring numbers.
const ROUNDS: u32 = 80;
/// Newton's method doubles the digits in each round: after a relative correction of this size nothing is left to
/// correct.
const EXACT_SHARE: f64 = 1e-9;

/// Root of `f`, which is not above zero at `low` and not below at `high`, and which returns its slope too: Newton's
/// method, with bisection wherever a step leaves the bracket.
fn root(low: f64, high: f64, f: impl Fn(f64) -> (f64, f64)) -> f64 {
    let (mut low, mut high) = (low, high);
    let mut at = f64::midpoint(low, high);
    for _ in 0..ROUNDS {
        let (value, slope) = f(at);
        if value <= 0.0 {
            low = at;
        } else {
            high = at;
        }
        let newton = at - value / slope;
        let next = if newton > low && newton < high { newton } else { f64::midpoint(low, high) };
        if (newton - at).abs() <= EXACT_SHARE * at.abs() {
            return newton.clamp(low, high);
        }
        if next <= low || next >= high {
            return next;
        }
        at = next;
    }
    at
}

/// Minimum of a unimodal function between `low` and `high`: golden-section search.
fn minimum(low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_8;
    let (mut low, mut high) = (low, high);
    for _ in 0..64 {
        let (left, right) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
        if f(left) <= f(right) {
            high = right;
        } else {
            low = left;
        }
    }
    f64::midpoint(low, high)
}

fn pieces(start: Kinematics, target: Target, limits: ProfileLimits) -> Vec<Piece, PIECES> {
    let time = limits.acceleration / limits.jerk;
    let speed_unit = limits.acceleration * time;
    let length = speed_unit * time;
    let speed = limits.speed / speed_unit;
    let mut begun = Draft {
        at: Kinematics { p: 0.0, v: start.v / speed_unit, a: start.a / limits.acceleration },
        target_v: target.v / speed_unit,
        pieces: Vec::new(),
    };
    // An acceleration beyond its limit is released first.
    begun.append(-begun.at.a.signum(), begun.at.a.abs() - 1.0);
    let distance = (target.p - start.p) / length;
    let mut side = if distance >= begun.landing() { 1.0 } else { -1.0 };
    let mut best = begun.on_side(side);
    best.complete(side * distance, speed);

    let mut other = begun.on_side(-side);
    if other.detour(-side * distance, speed) && other.duration() < best.duration() {
        (best, side) = (other, -side);
    }

    let mut pieces = begun.pieces;
    for Piece { jerk, duration_s } in best.pieces {
        // `PIECES` is the longest sequence, including the pieces begun with.
        let _ = pieces.push(Piece { jerk: side * jerk, duration_s });
    }
    for piece in &mut pieces {
        piece.jerk *= limits.jerk;
        piece.duration_s *= time;
    }
    pieces
}
