//! A whole move at once: from any velocity and acceleration to a place, arriving with a given velocity.
//!
//! Method. Call *transition* the quickest change to the target velocity ([`super::stop`], in the frame that moves
//! with that velocity). From the start state, the transition alone leads to some place `e₀`. If the target lies
//! beyond it, the axis must push first: with full jerk, then with full acceleration, for a time `τ`, and make the
//! transition from there. Where that ends, `e(τ)`, grows with `τ`, so exactly one `τ` hits the target; a bracketed
//! search finds it. If the push would coast beyond the speed limit, it ends just there (closed form), and the rest of
//! the way is cruised. A target on the near side of `e₀` is the same in the mirror.
//!
//! (When the axis arrives moving backward, `e(τ)` has a dip first; see `early` and `detour`.)
//!
//! This is the bang-bang solution of time-optimal control for one axis with bounded jerk, acceleration and speed, in
//! one family instead of the usual case by case.
//!
//! Inside, all numbers are in the natural units of the limits (time `A/J`, length `A³/J²`), where acceleration and
//! jerk limit are 1: nothing depends on the unit of length, which is where other planners fail.
//!
//! The exact extent of every plan is known from the roots of its pieces ([`Plan::extent`]), and checked against the
//! range before anyone sees the plan.

use heapless::Vec;

use super::kinematics::{Kinematics, Piece};
use super::stop::{self, Firmness};

/// Limits of one plan, all positive, in one unit of length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Highest speed.
    pub speed: f64,
    /// Highest acceleration.
    pub acceleration: f64,
    /// Highest jerk.
    pub jerk: f64,
}

/// Where to, and how fast on arrival; the acceleration there is zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// The place.
    pub p: f64,
    /// The velocity there, within the speed limit.
    pub v: f64,
}

/// Why there is no plan.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum NoPlan {
    /// A number is not finite, a limit not positive, or the target velocity beyond the speed limit.
    #[error("the move cannot be planned: a value is not finite or beyond its limit")]
    BadInput,
    /// The quickest way leads out of the range.
    #[error("the move would lead to {low} … {high}, out of the range")]
    LeavesRange {
        /// Lowest place on the way.
        low: f64,
        /// Highest place on the way.
        high: f64,
    },
}

/// Most pieces of a plan: a brake, a push and a plateau, a release, a cruise, three of a transition, and the spare
/// piece of an interrupted brake.
pub const PIECES: usize = 10;

/// A planned move.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    start: Kinematics,
    pieces: Vec<Piece, PIECES>,
}

impl Plan {
    /// The quickest move from `start` to `target` whose whole way is inside `range`.
    ///
    /// # Errors
    /// [`NoPlan`].
    pub fn new(start: Kinematics, target: Target, rates: Rates, range: (f64, f64)) -> Result<Plan, NoPlan> {
        let finite = [start.p, start.v, start.a, target.p, target.v].into_iter().all(f64::is_finite);
        let positive =
            [rates.speed, rates.acceleration, rates.jerk].into_iter().all(|x| x > 0.0 && x.is_finite());
        if !finite || !positive || target.v.abs() > rates.speed {
            return Err(NoPlan::BadInput);
        }
        let plan = Plan { start, pieces: pieces(start, target, rates) };
        let (low, high) = plan.extent();
        if low < range.0 || high > range.1 { Err(NoPlan::LeavesRange { low, high }) } else { Ok(plan) }
    }

    /// The pieces, in order.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// How long it takes, in seconds.
    #[must_use]
    pub fn duration_s(&self) -> f64 {
        duration_s(&self.pieces)
    }

    /// Lowest and highest place on the way, exactly.
    #[must_use]
    pub fn extent(&self) -> (f64, f64) {
        let mut at = self.start;
        let mut extent = (at.p, at.p);
        for piece in &self.pieces {
            let (low, high) = at.extent(*piece);
            extent = (extent.0.min(low), extent.1.max(high));
            at = at.after_piece(*piece);
        }
        extent
    }

    /// The state `t_s` seconds after the start; after the end, the axis goes on with its last velocity.
    #[must_use]
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

/// In natural units the limits are these.
const UNIT: Firmness = Firmness { acceleration: 1.0, jerk: 1.0 };

/// A move under construction, in natural units, mirrored so that the push is toward larger positions.
#[derive(Clone)]
struct Draft {
    at: Kinematics,
    target_v: f64,
    pieces: Vec<Piece, PIECES>,
}

impl Draft {
    fn go(&mut self, jerk: f64, duration_s: f64) {
        if duration_s > 0.0 {
            let piece = Piece { jerk, duration_s };
            self.at = self.at.after_piece(piece);
            // `PIECES` is the longest sequence that `complete` makes.
            let _ = self.pieces.push(piece);
        }
    }

    /// Turns everything round if `side` is -1.
    fn mirror(&mut self, side: f64) {
        self.at = Kinematics { p: side * self.at.p, v: side * self.at.v, a: side * self.at.a };
        self.target_v *= side;
        for piece in &mut self.pieces {
            piece.jerk *= side;
        }
    }

    fn duration(&self) -> f64 {
        duration_s(&self.pieces)
    }

    fn transition(&mut self, to_v: f64) {
        for piece in stop::tail(self.at.v - to_v, self.at.a, UNIT) {
            self.go(piece.jerk, piece.duration_s);
        }
        // What rounding left of the acceleration is not carried on.
        self.at.a = 0.0;
    }

    /// Where the transition to the target velocity leads from `state`.
    fn landing(&self, state: &Kinematics) -> f64 {
        let relative_v = state.v - self.target_v;
        let duration_s: f64 =
            stop::tail(relative_v, state.a, UNIT).iter().map(|piece| piece.duration_s).sum();
        state.p + stop::displacement(relative_v, state.a, UNIT) + self.target_v * duration_s
    }

    /// The state after pushing for `tau`: first with full jerk, then with full acceleration.
    fn pushed(&self, tau: f64) -> Kinematics {
        let rising = tau.min(1.0 - self.at.a);
        self.at.after(1.0, rising).after(0.0, tau - rising)
    }

    /// The push after which the axis would coast at `speed`; zero if it would already.
    fn push_to_speed(&self, speed: f64) -> f64 {
        let Kinematics { v, a, .. } = self.at;
        if v + a * a.abs() / 2.0 >= speed {
            return 0.0;
        }
        // Rising to `peak` and releasing it gains peak² - a²/2.
        let peak = libm::sqrt((speed - v + a * a / 2.0).max(0.0));
        if peak <= 1.0 { peak - a } else { (1.0 - a) + (speed - v + a * a / 2.0 - 1.0) }
    }

    fn push(&mut self, tau: f64) {
        let rising = tau.min(1.0 - self.at.a);
        self.go(1.0, rising);
        self.go(0.0, tau - rising);
    }

    /// Completes a move to `target`, which is not before the landing from here.
    fn complete(&mut self, target: f64, speed: f64) {
        let cap = self.push_to_speed(speed);
        if let Some(tau) = self.early(target, cap) {
            self.push(tau);
            self.transition(self.target_v);
            return;
        }
        let capped = self.landing(&self.pushed(cap));
        let coasting = self.at.v + self.at.a * self.at.a.abs() / 2.0;
        if target < capped {
            let tau = root(0.0, cap, |tau| self.landing(&self.pushed(tau)) - target);
            self.push(tau);
        } else if coasting <= speed {
            self.push(cap);
            self.transition(speed);
            self.cruise(target, speed);
        } else {
            self.brake_then_cruise(target, speed);
        }
        self.transition(self.target_v);
    }

    /// Arriving backward while already braking, `e(τ)` rises before it falls: the first rise is the quickest way.
    fn early(&self, target: f64, cap: f64) -> Option<f64> {
        let release = cap.min(-self.at.a);
        if self.target_v >= 0.0 || release <= 0.0 {
            return None;
        }
        let landing = |tau: f64| self.landing(&self.pushed(tau));
        let highest = lowest_point(0.0, release, |tau| -landing(tau));
        (landing(highest) >= target).then(|| root(0.0, highest, |tau| landing(tau) - target))
    }

    /// Arriving backward, a short push lands *farther back*: it takes time, in which the target velocity counts. So
    /// a target a little before the landing may be reached by a push away from it. This finds that push.
    fn detour(&self, target: f64, speed: f64) -> Option<f64> {
        if self.target_v >= 0.0 {
            return None;
        }
        let landing = |tau: f64| self.landing(&self.pushed(tau));
        let lowest = lowest_point(0.0, self.push_to_speed(speed), landing);
        (landing(lowest) <= target && target <= landing(0.0))
            .then(|| root(0.0, lowest, |tau| target - landing(tau)))
    }

    fn cruise(&mut self, target: f64, speed: f64) {
        self.go(0.0, (target - self.landing(&self.at)) / speed);
    }

    /// Too fast at the start: brake to the speed limit and cruise, or, if the target is too near for that, brake
    /// farther before letting go.
    fn brake_then_cruise(&mut self, target: f64, speed: f64) {
        let slowed = |to_v: f64| {
            let mut draft = Draft { at: self.at, target_v: self.target_v, pieces: Vec::new() };
            draft.transition(to_v);
            draft
        };
        let at_speed = slowed(speed);
        let to_v = if self.landing(&at_speed.at) <= target {
            speed
        } else {
            root(self.target_v, speed, |to_v| self.landing(&slowed(to_v).at) - target)
        };
        self.transition(to_v);
        self.cruise(target, to_v);
    }
}

/// Root of `f`, which is not above zero at `low` and not below at `high`: the false position method, with Illinois'
/// halving so that both ends move, and now and then a bisection, which bounds the number of rounds.
fn root(low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (low, high);
    let (mut at_low, mut at_high) = (f(low), f(high));
    if at_low >= 0.0 {
        return low;
    }
    if at_high <= 0.0 {
        return high;
    }
    let (mut best, mut error) = if -at_low < at_high { (low, -at_low) } else { (high, at_high) };
    for round in 0..200 {
        let secant = (low * at_high - high * at_low) / (at_high - at_low);
        let next = if round % 4 == 3 || !(secant > low && secant < high) {
            f64::midpoint(low, high)
        } else {
            secant
        };
        if next <= low || next >= high {
            break;
        }
        let at_next = f(next);
        if at_next.abs() < error {
            (best, error) = (next, at_next.abs());
        }
        if at_next <= 0.0 {
            (low, at_low, at_high) = (next, at_next, at_high / 2.0);
        } else {
            (high, at_high, at_low) = (next, at_next, at_low / 2.0);
        }
        if error == 0.0 {
            break;
        }
    }
    best
}

/// Where `f`, which first falls and then rises, is lowest between `low` and `high`: golden section.
fn lowest_point(low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
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

fn pieces(start: Kinematics, target: Target, rates: Rates) -> Vec<Piece, PIECES> {
    let time = rates.acceleration / rates.jerk;
    let speed_unit = rates.acceleration * time;
    let length = speed_unit * time;
    let mut draft = Draft {
        at: Kinematics { p: 0.0, v: start.v / speed_unit, a: start.a / rates.acceleration },
        target_v: target.v / speed_unit,
        pieces: Vec::new(),
    };
    // An acceleration beyond its limit is let go of first.
    draft.go(-draft.at.a.signum(), draft.at.a.abs() - 1.0);
    let distance = (target.p - start.p) / length;
    let side = if distance >= draft.landing(&draft.at) { 1.0 } else { -1.0 };
    let mut straight = draft.clone();
    straight.mirror(side);
    straight.complete(side * distance, rates.speed / speed_unit);
    straight.mirror(side);

    draft.mirror(-side);
    if let Some(tau) = draft.detour(-side * distance, rates.speed / speed_unit) {
        draft.push(tau);
        draft.transition(draft.target_v);
        draft.mirror(-side);
        if draft.duration() < straight.duration() {
            straight = draft;
        }
    }

    let mut pieces = straight.pieces;
    for piece in &mut pieces {
        piece.jerk *= rates.jerk;
        piece.duration_s *= time;
    }
    pieces
}
