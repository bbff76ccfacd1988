//! The move that is left of a half stroke, from any state of the path.
//!
//! From rest a half stroke has a trapezoid of speed: the share `x` of its time for speeding up, and as much for braking, each with a
//! quarter of it to build the acceleration up and as much to release it. With the speed `v` over the length `s` that is
//!
//! ```text
//! t = s / ((1 - x) v),   a = 4 v / (3 x t),   j = 4 a / (x t)
//! ```
//!
//! or the limits of the axis where they are less. From a motion the rest of it has the gentlest acceleration and jerk between those
//! and the limits with which it is possible without turning round. If it is not, as the axis is too fast for it or moves away from
//! it, the speed changes first.

use super::super::kinematics::Kinematics;
use super::super::limits::{ProfileLimits, RampLimits};
use super::super::plan::{MovePlan, Target};
use super::super::stop::{self, Tail};

/// Bisections for acceleration and jerk.
const BISECTIONS: u32 = 10;
/// Rounding: lengths in mm, and shares.
const EQUAL_MM: f64 = 1e-6;
const EQUAL: f64 = 1e-6;
/// No half stroke is slower, in mm/s: it would not end.
const SLOWEST_MM_S: f64 = 0.01;

/// What comes next on the path.
#[derive(Debug, Clone, PartialEq)]
pub enum Leg {
    /// The move to the end of the half stroke.
    Move(MovePlan),
    /// Another speed first.
    Change {
        /// How it is reached.
        tail: Tail,
        /// That speed.
        to_mm_s: f64,
    },
}

/// Limits of a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LegLimits {
    /// The hardest.
    pub firm: ProfileLimits,
    /// Those of a change of the speed, where there is room for it.
    pub gentle: RampLimits,
    /// The room, in mm.
    pub room_mm: (f64, f64),
}

/// Limits of a half stroke of `length_mm` with the highest speed `speed_mm_s` that speeds up for the share `ramp` of its time.
pub fn shape(length_mm: f64, speed_mm_s: f64, ramp: f64, most: ProfileLimits) -> ProfileLimits {
    let speed = speed_mm_s.clamp(SLOWEST_MM_S, most.speed);
    let ramp_s = ramp * length_mm.max(EQUAL_MM) / ((1.0 - ramp) * speed);
    let acceleration = 4.0 * speed / (3.0 * ramp_s);
    let jerk = 4.0 * acceleration / ramp_s;
    ProfileLimits { speed, acceleration: acceleration.min(most.acceleration), jerk: jerk.min(most.jerk) }
}

/// The way from `state` to rest at `target`, as a half stroke of that `shape`. None for values that are not finite.
pub fn leg(state: Kinematics, target: f64, shape: ProfileLimits, limits: &LegLimits) -> Option<Leg> {
    let side = if target < state.p { -1.0 } else { 1.0 };
    let (v, a, way) = (side * state.v, side * state.a, side * (target - state.p));
    let speed = shape.speed * (1.0 + EQUAL);
    let fits = |most: &ProfileLimits| {
        let coasting = v + a * a.abs() / (2.0 * most.jerk);
        v >= -EQUAL
            && v <= speed
            && coasting <= speed
            && a.abs() <= most.acceleration * (1.0 + EQUAL)
            && stop::displacement(v, a, most.ramp()) <= way + EQUAL_MM
    };
    let between = |share: f64| {
        let mix = |low: f64, high: f64| low + share * (high - low);
        ProfileLimits {
            speed: shape.speed,
            acceleration: mix(shape.acceleration, limits.firm.acceleration),
            jerk: mix(shape.jerk, limits.firm.jerk),
        }
    };
    let chosen = if fits(&shape) {
        shape
    } else if fits(&between(1.0)) {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..BISECTIONS {
            let middle = f64::midpoint(low, high);
            if fits(&between(middle)) { high = middle } else { low = middle }
        }
        between(high)
    } else {
        return Some(change(state, side, way, shape.speed, limits));
    };
    let range = (f64::NEG_INFINITY, f64::INFINITY);
    MovePlan::new(state, Target { p: target, v: 0.0 }, chosen, range).ok().map(Leg::Move)
}

/// Change to the speed of the half stroke if there is way left to brake from it, else to rest.
fn change(state: Kinematics, side: f64, way: f64, speed: f64, limits: &LegLimits) -> Leg {
    let (low, high) = stop::extent(state, limits.gentle);
    let has_room = low >= limits.room_mm.0 - EQUAL_MM && high <= limits.room_mm.1 + EQUAL_MM;
    let ramp = if has_room { limits.gentle } else { limits.firm.ramp() };
    let to_mm_s = side * speed;
    let tail = stop::tail(state.v - to_mm_s, state.a, ramp);
    let lasts_s: f64 = tail.iter().map(|piece| piece.duration_s).sum();
    let covered = side * (stop::displacement(state.v - to_mm_s, state.a, ramp) + to_mm_s * lasts_s);
    let left = way - covered - stop::displacement(speed, 0.0, limits.firm.ramp());
    if side * state.v > 0.0 && left >= 0.0 {
        return Leg::Change { tail, to_mm_s };
    }
    Leg::Change { tail: stop::tail(state.v, state.a, ramp), to_mm_s: 0.0 }
}
