//! The settings as the machine takes them, and the rules that hold against the mechanics.

use super::{Invalid, Settings};
use crate::layout;
use crate::machine::{Config, Geometry};
use crate::motion::{ALLOWANCE_POINTS, Allowance, MotionLimits};
use crate::units::{Grams, Mm, MmPerS2, StepsPerMm};
use crate::wave::Spline;

/// The mechanics, which are options of the configuration file and no settings of the clients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RailGeometry {
    /// Travel of the carriage in a turn of the motor, in mm.
    pub travel_per_turn_mm: f64,
    /// Most steps in a second that the pulses of the motor driver allow.
    pub max_steps_per_s: f64,
}

impl RailGeometry {
    /// A 20-tooth pulley on a 2 mm belt: with the default 400 microsteps a turn, 10 steps/mm.
    pub const DEFAULT: RailGeometry =
        RailGeometry { travel_per_turn_mm: 40.0, max_steps_per_s: layout::MAX_STEP_RATE_HZ as f64 };
}

impl Default for RailGeometry {
    fn default() -> RailGeometry {
        RailGeometry::DEFAULT
    }
}

impl Settings {
    /// These settings as the machine takes them, on that rail.
    ///
    /// It takes any settings and any rail: a value out of its unit's range becomes the nearest one in it.
    #[must_use]
    pub fn config(&self, rail: &RailGeometry) -> Config {
        let d = &self.document;
        let mm = |value: i64| nearest(value as f64, Mm::MIN, Mm::MAX, Mm::constant(0.0));
        let nominal = d.microsteps_per_rev as f64 / rail.travel_per_turn_mm;
        Config {
            geometry: Geometry {
                max_stroke: mm(d.max_stroke),
                padding: mm(d.padding_mm),
                nominal: nearest(nominal, StepsPerMm::MIN, StepsPerMm::MAX, StepsPerMm::constant(10.0)),
                max_steps_per_s: rail.max_steps_per_s,
            },
            stroke_limit: mm(d.stroke_limit),
            limits: self.motion,
            allowance: self.allowance(),
        }
    }

    /// Checks that the pulses can be as fast as the highest speed asks for: with the steps of a millimetre that follow from
    /// motor and belt, and with those that a calibration has found.
    ///
    /// # Errors
    /// The setting to lower, and the value for it.
    pub fn check_step_rate(&self, rail: &RailGeometry) -> Result<(), Invalid> {
        let d = &self.document;
        let nominal = d.microsteps_per_rev as f64 / rail.travel_per_turn_mm;
        let measured = self.travel_steps.map_or(0.0, |steps| steps as f64 / d.max_stroke as f64);
        let steps_per_mm = nominal.max(measured);
        let speed_mm_s = self.motion.max_speed.get();
        if steps_per_mm * speed_mm_s <= rail.max_steps_per_s {
            return Ok(());
        }
        Err(Invalid {
            field: "max_speed_mm_s",
            message: format!(
                "of {speed_mm_s} mm/s takes {:.0} steps/s at {steps_per_mm:.1} steps/mm, and the pulses of the motor \
                 driver allow {:.0}: lower it to {:.0} mm/s, or microsteps_per_rev, or shorten the pulses in [timing]",
                steps_per_mm * speed_mm_s,
                rail.max_steps_per_s,
                (rail.max_steps_per_s / steps_per_mm).floor()
            ),
        })
    }

    /// Checks that a stop from the highest speed keeps the time and the way that memory-layout/layout.toml allows it.
    ///
    /// # Errors
    /// The setting to raise, and the value for it.
    pub fn check_stop(&self) -> Result<(), Invalid> {
        let (speed_mm_s, least) = (self.motion.max_speed.get(), self.motion.least_stop_deceleration_mm_s2());
        if self.motion.stop_deceleration.get() >= least {
            return Ok(());
        }
        Err(Invalid {
            field: "stop_deceleration_mm_s2",
            message: format!(
                "must be at least {least} with max_speed_mm_s {speed_mm_s}, so that a stop takes at most {} ms and {} mm",
                layout::STOP_WITHIN_MS,
                layout::STOP_WAY_MM
            ),
        })
    }

    /// These settings with the deceleration of a stop raised to the least that is allowed, and a sentence about it. None:
    /// the stop keeps [`Settings::check_stop`]. For settings that were stored before there was that rule.
    #[must_use]
    pub fn with_a_firm_stop(&self) -> Option<(Settings, String)> {
        let why = self.check_stop().err()?.to_string();
        let stop_deceleration = MmPerS2::try_from(self.motion.least_stop_deceleration_mm_s2()).ok()?;
        let motion = MotionLimits { stop_deceleration, ..self.motion };
        Some((
            Settings { motion, ..self.clone() },
            format!("{why}: it was {}, and is raised to it", self.motion.stop_deceleration.get()),
        ))
    }

    /// Speed against force: the chart's curve is a share of `tick_stroke_limit` mm in each of the
    /// `wave_resolution` ticks of a second.
    fn allowance(&self) -> Allowance {
        let d = &self.document;
        let curve = Spline::through(&d.stroke_force_chart.map(|percent| percent as f64));
        let full_mm_s = d.tick_stroke_limit as f64 * d.wave_resolution as f64;
        let speeds = core::array::from_fn(|i| {
            let percent = curve.at(i as f64 / (ALLOWANCE_POINTS - 1) as f64);
            // The spline overshoots between its sliders; a share cannot.
            percent.clamp(0.0, 100.0) / 100.0 * full_mm_s
        });
        let force_limit = nearest(d.force_limit as f64, Grams::MIN, Grams::MAX, Grams::constant(0.0));
        Allowance::new(force_limit, speeds)
    }
}

fn nearest<Q: TryFrom<f64>>(value: f64, min: f64, max: f64, otherwise: Q) -> Q {
    Q::try_from(value.clamp(min, max)).unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use super::super::{MotionChange, SettingsChange, new_id};
    use super::*;
    use crate::motion::{RampLimits, stop};

    #[test]
    fn the_defaults_mean_what_the_clients_were_told() {
        let config = Settings::fresh(new_id()).config(&RailGeometry::default());
        assert_eq!(config.geometry.nominal.get(), 10.0);
        assert_eq!((config.geometry.max_stroke.get(), config.geometry.padding.get()), (155.0, 5.0));
        // 50 % and 25 % of 10 mm in each of 120 ticks a second.
        assert_eq!(config.allowance.speed_mm_s(0.0), 600.0);
        assert!((config.allowance.speed_mm_s(300.0) - 300.0).abs() < 1e-9);
        assert_eq!(config.allowance.speed_mm_s(1_000.0), 0.0);
    }

    #[test]
    fn a_curve_that_swings_past_its_sliders_is_cut_to_what_they_mean() {
        let jagged = vec![100, 0, 100, 0, 100, 0, 100, 0, 100, 0];
        let change = SettingsChange { stroke_force_chart: Some(jagged), ..SettingsChange::default() };
        let config = Settings::fresh(new_id()).changed(&change).unwrap().config(&RailGeometry::default());
        assert_eq!(config.allowance.speed_mm_s(0.0), 1_200.0);
        assert_eq!(config.allowance.speed_mm_s(200.0), 0.0, "more force never allows more");
    }

    #[test]
    fn a_speed_that_the_pulses_cannot_make_is_refused_with_one_that_they_can() {
        let settings = Settings::fresh(new_id());
        let speed_mm_s = settings.motion.max_speed.get();
        let enough = RailGeometry { max_steps_per_s: 10.0 * speed_mm_s, ..RailGeometry::default() };
        assert_eq!(settings.check_step_rate(&enough), Ok(()));
        let short = RailGeometry { max_steps_per_s: 10.0 * speed_mm_s - 1.0, ..RailGeometry::default() };
        let wrong = settings.check_step_rate(&short).unwrap_err();
        assert_eq!(wrong.field, "max_speed_mm_s");
        assert!(wrong.message.contains(&format!("lower it to {:.0} mm/s", speed_mm_s - 1.0)), "{wrong}");
        // The calibration found more steps than motor and belt were said to make.
        let measured = Settings { travel_steps: Some(1_600), ..settings };
        assert!(measured.check_step_rate(&enough).is_err());
    }

    #[test]
    fn a_stop_that_takes_too_long_or_leads_too_far_is_refused_and_what_is_stored_is_raised() {
        for (speed, stop, least) in
            [(9.7, 1.0, 33.0), (500.0, 1_694.0, 1_695.0), (2_000.0, 8_000.0, 21_053.0)]
        {
            let change = MotionChange {
                max_speed_mm_s: Some(speed),
                max_acceleration_mm_s2: Some(1.0),
                max_jerk_mm_s3: Some(100.0),
                stop_deceleration_mm_s2: Some(stop),
                approach_speed_mm_s: Some(5.0),
            };
            let settings = Settings::fresh(new_id()).with_motion(&change).unwrap();
            let wrong = settings.check_stop().unwrap_err();
            assert_eq!(wrong.field, "stop_deceleration_mm_s2");
            assert!(wrong.message.contains(&format!("at least {least}")), "{wrong}");
            let (raised, why) = settings.with_a_firm_stop().unwrap();
            assert_eq!(
                (raised.motion.stop_deceleration.get(), raised.check_stop()),
                (least, Ok(())),
                "{why}"
            );
            let rates = RampLimits { acceleration: least, jerk: raised.motion.stop_jerk_mm_s3() };
            let took_s: f64 = stop::tail(speed, 0.0, rates).iter().map(|piece| piece.duration_s).sum();
            let (took_ms, way_mm) = (took_s * 1e3, stop::displacement(speed, 0.0, rates));
            assert!(took_ms <= 300.0 && way_mm <= 100.0, "{took_ms} ms, {way_mm} mm from {speed} mm/s");
            assert!(raised.with_a_firm_stop().is_none());
        }
        assert_eq!(Settings::fresh(new_id()).check_stop(), Ok(()));
    }

    #[test]
    fn an_odd_rail_is_the_nearest_possible_one() {
        for (travel_per_turn_mm, nominal) in [(1e-9, 100_000.0), (1e9, 0.01), (-1.0, 0.01), (0.0, 100_000.0)]
        {
            let config = Settings::fresh(new_id())
                .config(&RailGeometry { travel_per_turn_mm, ..RailGeometry::default() });
            assert_eq!(config.geometry.nominal.get(), nominal, "{travel_per_turn_mm}");
        }
        let _ = Settings::fresh(new_id())
            .config(&RailGeometry { travel_per_turn_mm: f64::NAN, ..RailGeometry::default() });
    }
}
