//! Reach: the largest amplitude of a wave that the axis can follow in its period.
//!
//! An axis that cannot follow would chase the wave from an arbitrary position and wander. So a wave that is too fast is
//! reduced around its middle until the axis has the time that it needs. It keeps its period and its phase.

use core::f64::consts::PI;

use super::limits::ProfileLimits;
use crate::wave::cubics::Seams;
use crate::wave::{Graph, Shape, Stroke};

/// Share of the limits that a sine may demand. The rest is for catching up after a disturbance.
const SINE_SHARE: f64 = 0.95;
/// Time that a stroke gets, relative to its time-optimal duration. The tracker does not know where the wave will turn.
const GRANTED: f64 = 1.2;
/// The same where the slope jumps: the axis overshoots each corner, and has to come back before the next one.
const GRANTED_WITH_CORNERS: f64 = 1.7;

impl ProfileLimits {
    /// Largest change of speed in `time_s`, from no acceleration to none.
    ///
    /// The acceleration grows and falls with the jerk `j`: as a triangle in less than `2a/j`, else as a trapezoid of
    /// height `a`.
    fn speed_change_within(&self, time_s: f64) -> f64 {
        let onset_s = self.acceleration / self.jerk;
        if time_s >= 2.0 * onset_s {
            self.acceleration * (time_s - onset_s)
        } else {
            self.jerk * time_s * time_s / 4.0
        }
    }

    /// Shortest time for a change of speed: the inverse of [`ProfileLimits::speed_change_within`].
    fn speed_change_time(&self, speed_mm_s: f64) -> f64 {
        let onset_s = self.acceleration / self.jerk;
        if speed_mm_s >= self.acceleration * onset_s {
            speed_mm_s / self.acceleration + onset_s
        } else {
            2.0 * libm::sqrt(speed_mm_s / self.jerk)
        }
    }

    /// Longest distance from rest to rest in `time_s`: half of the time accelerating, half braking, and where that
    /// would be too fast the highest speed in between. Either half is symmetrical, so its mean speed is half of the
    /// peak.
    fn distance_within(&self, time_s: f64) -> f64 {
        let peak = self.speed_change_within(time_s / 2.0);
        if peak <= self.speed {
            peak * time_s / 2.0
        } else {
            self.speed * (time_s - self.speed_change_time(self.speed))
        }
    }

    /// Largest amplitude of `graph` at one period in `period_s`, in the unit of length of the limits, from its back to
    /// its front.
    ///
    /// A sine with the stroke `A` has the highest speed `πA/T`, acceleration `2π²A/T²` and jerk `4π³A/T³`. Each stroke
    /// of any other graph gets its time-optimal duration and a margin.
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
        let most = |stroke: &Stroke| self.distance_within(stroke.share * period_s / granted) / stroke.way;
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
            let way_mm = limits.distance_within(time_s);
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
