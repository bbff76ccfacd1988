//! How large a wave can be in its period.
//!
//! An axis that is asked for more than it can do would chase the wave from wherever it happens to be, and wander. So a
//! wave that is too fast is made smaller, round its middle, until the axis has the time that it needs: it keeps its
//! period, and the same place in every period.

use core::f64::consts::PI;

use super::limits::ProfileLimits;
use crate::wave::cubics::Seams;
use crate::wave::{Graph, Shape, Stroke};

/// The share of its limits that a sine may ask for. The rest is for coming back to it after a disturbance.
const SINE_SHARE: f64 = 0.95;
/// How many times the time of the quickest way a stroke gets. The tracker does not know where the wave will turn.
const GRANTED: f64 = 1.2;
/// The same where the slope jumps: the axis goes beyond each corner, and has to come back before the next one.
const GRANTED_WITH_CORNERS: f64 = 1.7;

impl ProfileLimits {
    /// By how much the speed can change in `time_s`, from no acceleration to none.
    ///
    /// The acceleration grows and falls with the jerk `j`: as a triangle in less than `2a/j`, else as a trapezoid with
    /// the height `a`.
    fn speed_within(&self, time_s: f64) -> f64 {
        let onset_s = self.acceleration / self.jerk;
        if time_s >= 2.0 * onset_s {
            self.acceleration * (time_s - onset_s)
        } else {
            self.jerk * time_s * time_s / 4.0
        }
    }

    /// The time in which the speed can change by `speed_mm_s`: the inverse of [`ProfileLimits::speed_within`].
    fn time_for(&self, speed_mm_s: f64) -> f64 {
        let onset_s = self.acceleration / self.jerk;
        if speed_mm_s >= self.acceleration * onset_s {
            speed_mm_s / self.acceleration + onset_s
        } else {
            2.0 * libm::sqrt(speed_mm_s / self.jerk)
        }
    }

    /// The longest way from rest to rest in `time_s`: half of it faster, half of it slower, and where that is too fast
    /// the highest speed in between. Either half is symmetrical, so its mean speed is half of the peak.
    fn way_within(&self, time_s: f64) -> f64 {
        let peak = self.speed_within(time_s / 2.0);
        if peak <= self.speed {
            peak * time_s / 2.0
        } else {
            self.speed * (time_s - self.time_for(self.speed))
        }
    }

    /// How long a way `graph` may have from its back to its front in mm, at one period in `period_s`.
    ///
    /// A sine that goes `A` to and fro has the highest speed `πA/T`, acceleration `2π²A/T²` and jerk `4π³A/T³`. Of every
    /// other graph each stroke gets the time that the quickest way takes, and some more.
    #[must_use]
    pub fn amplitude_mm(&self, graph: &Graph, period_s: f64) -> f64 {
        if *self == ProfileLimits::UNBOUNDED {
            return f64::INFINITY;
        }
        if let Graph::Shape(Shape::Sine) = graph {
            let w = PI / period_s;
            let by_speed = self.speed / w;
            let by_acceleration = self.acceleration / (2.0 * w * w);
            let by_jerk = self.jerk / (4.0 * w * w * w);
            return SINE_SHARE * by_speed.min(by_acceleration).min(by_jerk);
        }
        let granted = match graph.seams() {
            Seams::Corners => GRANTED_WITH_CORNERS,
            Seams::Smooth | Seams::Jumps => GRANTED,
        };
        let most = |stroke: &Stroke| self.way_within(stroke.share * period_s / granted) / stroke.way;
        graph.strokes().iter().map(most).fold(f64::INFINITY, f64::min)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::motion::Kinematics;
    use crate::motion::plan::{MovePlan, Target};

    proptest! {
        /// The planner is the oracle.
        #[test]
        fn the_way_within_a_time_takes_that_time(
            time_s in 0.01..3.0f64, v in 50.0..1_000.0f64, a in 500.0..15_000.0f64, onset_s in 0.005..0.1f64
        ) {
            let limits = ProfileLimits { speed: v, acceleration: a, jerk: a / onset_s };
            let way_mm = limits.way_within(time_s);
            let target = Target { p: way_mm, v: 0.0 };
            let plan = MovePlan::new(Kinematics::at_rest(0.0), target, limits, (f64::MIN, f64::MAX)).unwrap();
            prop_assert!((plan.duration_s() - time_s).abs() < 1e-6 * time_s, "{} {time_s}", plan.duration_s());
        }
    }

    #[test]
    fn what_is_slow_enough_has_no_bound_below_its_part() {
        let limits = ProfileLimits { speed: 500.0, acceleration: 5_000.0, jerk: 200_000.0 };
        let most = |shape: Shape, period_s: f64| limits.amplitude_mm(&shape.into(), period_s);
        assert!(most(Shape::Sine, 1.0) > 145.0 && most(Shape::Square, 1.2) > 145.0);
        // The speed is the bound, then the acceleration, then the jerk.
        assert!((most(Shape::Sine, 0.9) - 0.95 * 500.0 * 0.9 / PI).abs() < 1e-9);
        assert!((most(Shape::Sine, 0.5) - 0.95 * 5_000.0 * 0.25 / (2.0 * PI * PI)).abs() < 1e-9);
        assert!((most(Shape::Sine, 0.05) - 0.95 * 25.0 / (4.0 * PI * PI * PI)).abs() < 1e-9);
        assert_eq!(ProfileLimits::UNBOUNDED.amplitude_mm(&Shape::Square.into(), 0.05), f64::INFINITY);
    }
}
