//! Third-order low-pass filter without overshoot: a number that moves smoothly to a changing target.
//!
//! Three equal poles. With the distance `e` from the target,
//!
//! ```text
//! e''' = -3w e'' - 3w² e' - w³ e,   so   e(t) = (k₀ + k₁ t + k₂ t²) exp(-wt)
//! ```
//!
//! with `k₀ = e`, `k₁ = e' + w e`, `k₂ = (e'' + 2w e' + w² e) / 2` at `t = 0`; each cycle is solved exactly. Value,
//! speed and acceleration stay continuous when the target jumps. The impulse response is nowhere negative, so the value
//! is always a mean of its past targets and never overshoots them.

use super::kinematics::Kinematics;

/// Filtered value with its first two derivatives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ease {
    now: Kinematics,
}

impl Ease {
    /// A filter at rest at `value`.
    pub const fn at_rest(value: f64) -> Ease {
        Ease { now: Kinematics::at_rest(value) }
    }

    /// A filter in motion, in the state `now`.
    pub const fn moving(now: Kinematics) -> Ease {
        Ease { now }
    }

    /// The value with its first and second time derivative.
    pub const fn now(&self) -> Kinematics {
        self.now
    }

    /// True if the value rests at `target`.
    pub fn is_at(&self, target: f64) -> bool {
        self.now == Kinematics::at_rest(target)
    }

    /// Moves toward `target` for `time_s`, with three poles at `pole_per_s`, and returns the integral of the value over
    /// that time. Within `near` of the target the value is set to it.
    pub fn advance(&mut self, target: f64, time_s: f64, pole_per_s: f64, near: f64) -> f64 {
        if self.is_at(target) {
            return target * time_s;
        }
        let w = pole_per_s;
        let Kinematics { p, v, a } = self.now;
        let e = p - target;
        let (k0, k1, k2) = (e, v + w * e, (a + 2.0 * w * v + w * w * e) / 2.0);
        let fade = libm::exp(-w * time_s);
        let sum = k0 + time_s * (k1 + time_s * k2);
        let rise = k1 + 2.0 * time_s * k2;
        let end = Kinematics {
            p: fade * sum,
            v: fade * (rise - w * sum),
            a: fade * (2.0 * k2 - 2.0 * w * rise + w * w * sum),
        };
        // Integral of the differential equation above.
        let over = ((end.a - a) + 3.0 * w * (end.v - v) + 3.0 * w * w * (end.p - e)) / -(w * w * w);
        let arrived = end.p.abs() <= near && end.v.abs() <= near * w && end.a.abs() <= near * w * w;
        self.now =
            if arrived { Kinematics::at_rest(target) } else { Kinematics { p: target + end.p, ..end } };
        target * time_s + over
    }
}

/// Product of two numbers, with its time derivatives.
pub fn product(x: Kinematics, y: Kinematics) -> Kinematics {
    Kinematics { p: x.p * y.p, v: x.v * y.p + x.p * y.v, a: x.a * y.p + 2.0 * x.v * y.v + x.p * y.a }
}

/// Smooth step from 0 to 1 for `x` in `[0, 1]`, at rest at both ends (`6x⁵ - 15x⁴ + 10x³`), with its derivatives by
/// `x`.
pub fn smooth_step(x: f64) -> Kinematics {
    let y = x * (1.0 - x);
    Kinematics {
        p: x * x * x * (10.0 + x * (6.0 * x - 15.0)),
        v: 30.0 * y * y,
        a: 60.0 * y * (1.0 - 2.0 * x),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_stays_among_its_targets_and_never_jumps(
            targets in prop::collection::vec((0.0..1.0f64, 1u32..400), 1..20), pole in 5.0..30.0f64
        ) {
            let h = 1e-3;
            let mut ease = Ease::at_rest(targets[0].0);
            let (mut low, mut high) = (targets[0].0, targets[0].0);
            for (target, cycles) in targets {
                (low, high) = (low.min(target), high.max(target));
                for _ in 0..cycles {
                    let before = ease.now();
                    let area = ease.advance(target, h, pole, 1e-9);
                    let after = ease.now();
                    prop_assert!(after.p >= low - 1e-9 && after.p <= high + 1e-9);
                    prop_assert!((after.a - before.a).abs() <= 1.01 * h * pole.powi(3) * 3.0);
                    // Simpson's rule with the corrections of the end slopes is exact to the fourth order.
                    let mean = (before.p + after.p) / 2.0 + h * (before.v - after.v) / 12.0;
                    prop_assert!((area - h * mean).abs() < 1e-10);
                    let risen = h * ((before.v + after.v) / 2.0 + h * (before.a - after.a) / 12.0);
                    prop_assert!((after.p - before.p - risen).abs() < 2e-9);
                }
            }
        }
    }

    #[test]
    fn it_arrives_and_stays() {
        let mut ease = Ease::at_rest(0.0);
        let cycles = (1..)
            .find(|_| {
                ease.advance(2.0, 1e-3, 10.0, 1e-9);
                ease.is_at(2.0)
            })
            .unwrap();
        assert!((1_500..3_500).contains(&cycles), "{cycles}");
        assert_eq!(ease.advance(2.0, 0.5, 10.0, 1e-9), 1.0);
        assert!(ease.is_at(2.0));
    }

    #[test]
    fn the_derivatives_of_step_and_product_are_right() {
        let h = 1e-5;
        let made = |x: f64| product(smooth_step(x), Kinematics { p: 2.0 + x * x, v: 2.0 * x, a: 2.0 });
        for i in 1..100 {
            let x = f64::from(i) / 100.0;
            let [before, here, after] = [x - h, x, x + h].map(made);
            assert!((here.v - (after.p - before.p) / (2.0 * h)).abs() < 1e-7);
            assert!((here.a - (after.v - before.v) / (2.0 * h)).abs() < 1e-6);
        }
        assert_eq!(smooth_step(0.0), Kinematics::at_rest(0.0));
        assert_eq!(smooth_step(1.0), Kinematics::at_rest(1.0));
    }
}
