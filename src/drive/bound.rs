//! Bound on the position of an axis that cannot stop before it any more, since it was moved.

use crate::motion::{Kinematics, MotionLimits, RampLimits, stop};

/// Tolerance for rounding, in mm.
const ROUNDING_MM: f64 = 1e-5;

/// Upper bound on the position of the axis, in mm. The one that is asked for holds for an axis that
/// can still stop there. An axis that cannot, because the bound was moved, goes no farther than a `gentle` stop
/// leads it, nor than the bound `before`. On its way back only a firm stop bounds it: a gentle release of a firm
/// braking would lead it outward again.
pub fn high_mm(
    start: &Kinematics,
    asked_mm: f64,
    before_mm: f64,
    (limits, gentle): (&MotionLimits, RampLimits),
) -> f64 {
    let firmly_mm = stop::extent(*start, limits.firm_stop()).1;
    if firmly_mm <= asked_mm + ROUNDING_MM {
        return asked_mm;
    }
    if start.v <= 0.0 {
        return firmly_mm.min(before_mm);
    }
    asked_mm.max(stop::extent(*start, gentle).1).min(before_mm)
}
