//! Machine configuration: the checked numbers of the settings, ready to use at 1 kHz.

use super::geometry::Geometry;
use crate::motion::{Allowance, MotionLimits};
use crate::units::Mm;

/// All settings about motion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// Geometry of the rail.
    pub geometry: Geometry,
    /// Longest stroke of waves: they fill this much of the usable range, from the back.
    pub stroke_limit: Mm,
    /// Limits of speed, acceleration and jerk.
    pub limits: MotionLimits,
    /// Allowed speed as a function of the force.
    pub allowance: Allowance,
}

impl Config {
    /// Longest stroke of waves in a usable range of `range_mm`, in mm.
    pub fn stroke_mm(&self, range_mm: f64) -> f64 {
        range_mm.min(self.stroke_limit.get())
    }

    /// These settings with every narrower value of `new`: the part of a change that takes effect before rest (S21). The
    /// result is wider neither than these settings nor than the new ones; rail and stop deceleration stay as they are.
    #[must_use]
    pub fn narrowed_by(&self, new: &Config) -> Config {
        Config {
            geometry: self.geometry,
            stroke_limit: if new.stroke_limit < self.stroke_limit {
                new.stroke_limit
            } else {
                self.stroke_limit
            },
            limits: self.limits.narrowed_by(&new.limits),
            allowance: self.allowance.narrowed_by(&new.allowance),
        }
    }

    /// True if this lets the axis do more than `envelope` and more than `before` in any one respect: a change to it widens beyond
    /// the envelope.
    pub fn exceeds(&self, envelope: &Config, before: &Config) -> bool {
        let most = |limits: &MotionLimits| {
            let MotionLimits { max_speed, max_acceleration, max_jerk, approach_speed, .. } = limits;
            [max_speed.get(), max_acceleration.get(), max_jerk.get(), approach_speed.get()]
        };
        let all = |config: &Config| {
            let [speed, acceleration, jerk, approach] = most(&config.limits);
            let Geometry { max_stroke, nominal, .. } = config.geometry;
            // More steps to a millimetre make every motion longer and faster than its numbers say.
            [speed, acceleration, jerk, approach, config.stroke_limit.get(), max_stroke.get(), nominal.get()]
        };
        let beyond = |(new, (envelope, before)): (f64, (f64, f64))| new > envelope && new > before;
        all(self).into_iter().zip(all(envelope).into_iter().zip(all(before))).any(beyond)
            || self.allowance.wider_than(&envelope.allowance) && self.allowance.wider_than(&before.allowance)
    }

    /// True if this lets the axis do more than `other`, or describes another rail: such a change waits for rest (S21).
    pub fn needs_rest_after(&self, other: &Config) -> bool {
        self.geometry != other.geometry
            || self.stroke_limit > other.stroke_limit
            || self.limits.wider_than(&other.limits)
            || self.allowance.wider_than(&other.allowance)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::motion::ALLOWANCE_POINTS;
    use crate::units::{Grams, MmPerS, MmPerS2, MmPerS3, StepsPerMm};

    fn any_config() -> impl Strategy<Value = Config> {
        let limits = (60.0..2_000.0f64, 100.0..10_000.0f64, 0.01..1.0f64, 1.0..3.0f64, 0.02..1.0f64);
        let force = (100.0..5_000.0f64, 0.0..1_000.0f64, 0.3..3.0f64);
        (limits, force, 5.0..155.0f64).prop_map(|(limits, (limit_g, most, bend), stroke)| {
            let (v, a, jerk_share, stop_share, approach_share) = limits;
            let curve = core::array::from_fn(|i| {
                most * (1.0 - libm::pow(i as f64 / (ALLOWANCE_POINTS - 1) as f64, bend))
            });
            Config {
                geometry: super::super::Geometry {
                    max_stroke: Mm::constant(155.0),
                    padding: Mm::constant(5.0),
                    nominal: StepsPerMm::constant(10.0),
                    max_steps_per_s: 200_000.0,
                },
                stroke_limit: Mm::try_from(stroke).unwrap(),
                limits: MotionLimits::new(
                    MmPerS::try_from(v).unwrap(),
                    MmPerS2::try_from(a).unwrap(),
                    MmPerS3::try_from(200.0 * a * jerk_share).unwrap(),
                    MmPerS2::try_from(a * stop_share).unwrap(),
                    MmPerS::try_from((v * approach_share).max(1.0)).unwrap(),
                )
                .unwrap(),
                allowance: Allowance::new(Grams::try_from(limit_g).unwrap(), curve),
            }
        })
    }

    proptest! {
        #[test]
        fn what_exceeds_an_envelope_is_wider_than_it_and_than_before(
            new in any_config(), envelope in any_config(), before in any_config()
        ) {
            if new.exceeds(&envelope, &before) {
                prop_assert!(new.needs_rest_after(&envelope) && new.needs_rest_after(&before));
            }
            prop_assert!(!new.exceeds(&new, &before) && !new.exceeds(&envelope, &new));
            let mut finer = envelope;
            finer.geometry.nominal = StepsPerMm::constant(11.0);
            prop_assert!(finer.exceeds(&envelope, &envelope) && !finer.exceeds(&envelope, &finer));
        }

        #[test]
        fn the_narrowed_part_of_a_change_is_wider_than_neither(old in any_config(), new in any_config()) {
            let narrowed = old.narrowed_by(&new);
            prop_assert!(!narrowed.needs_rest_after(&old));
            let MotionLimits { max_speed, max_acceleration, max_jerk, stop_deceleration, approach_speed } =
                narrowed.limits;
            let sound = MotionLimits::new(max_speed, max_acceleration, max_jerk, stop_deceleration, approach_speed);
            prop_assert_eq!(sound, Ok(narrowed.limits));
            prop_assert!(max_speed <= new.limits.max_speed && max_jerk <= new.limits.max_jerk);
            prop_assert!(max_acceleration <= new.limits.max_acceleration);
            prop_assert!(narrowed.stroke_limit <= new.stroke_limit);
            for force_g in (0..5_200).map(f64::from) {
                let allowed = [&old, &new].map(|config| config.allowance.speed_mm_s(force_g));
                let most = allowed[0].min(allowed[1]) + 1e-6;
                prop_assert!(narrowed.allowance.speed_mm_s(force_g) <= most, "at {} g", force_g);
            }
        }
    }
}
