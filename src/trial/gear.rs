//! Random machine configurations ("gears"): rail, motor, driver timing and limits, from the coarsest to the finest that
//! can be set. Pure.
//!
//! The cost of a run is mostly its steps, so fine gears are rare: as many runs have 10 to 20 steps/mm as have more, and
//! one in ten has more than 80.

use crate::drive::PulseTiming;
use crate::hal::sim::Random;
use crate::layout;
use crate::machine::HomingOptions;
use crate::motion::MotionLimits;
use crate::motion::limits::{STOP_ONSET_S, least_stop_deceleration_mm_s2};
use crate::settings::{RailGeometry, Settings};
use crate::units::{Mm, MmPerS, MmPerS2, MmPerS3, Nanos, SECOND_NS};

/// Coarsest and finest resolution, steps/mm.
pub const STEPS_PER_MM: (f64, f64) = (10.0, 400.0);
/// Shortest and longest distance between the switches, in mm.
pub const LENGTH_MM: (f64, f64) = (20.0, 1_000.0);
/// Travel per turn of the motor: a 20-tooth pulley on a 2 mm belt.
const TRAVEL_PER_TURN_MM: f64 = 40.0;
/// Highest acceleration that the simulated motor follows with its mass; without a mass it follows everything.
const WITH_MASS_MM_S2: f64 = 15_000.0;

/// Mechanics, driver timing and settings of one simulated machine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gear {
    /// Distance between the places where the two switches close, in mm.
    pub length_mm: f64,
    /// Setting `max_stroke`: the same length as measured by a person.
    pub max_stroke_mm: i64,
    /// Setting `padding_mm`: distance kept clear at each end, in mm.
    pub padding_mm: i64,
    /// Microsteps per turn of the motor.
    pub microsteps_per_rev: i64,
    /// Pulse timing of the motor driver.
    pub timing: PulseTiming,
    /// Speeds and distances of homing.
    pub homing: HomingOptions,
    /// Motion limits at the start of the run.
    pub limits: MotionLimits,
    /// Highest acceleration that clients request, in mm/s².
    pub hardest_mm_s2: f64,
}

impl Gear {
    /// A random gear. With `mass`, clients never request more than the simulated motor can follow.
    pub fn random(random: &mut Random, mass: bool) -> Gear {
        let (coarsest, finest) = STEPS_PER_MM;
        // Every step costs time, so a gear that is twice as fine is half as likely.
        let steps_per_mm = 1.0 / random.between(1.0 / finest, 1.0 / coarsest);
        let microsteps_per_rev = (steps_per_mm * TRAVEL_PER_TURN_MM) as i64;
        let length_mm = random.log_between(LENGTH_MM.0, LENGTH_MM.1);
        let max_stroke_mm = (length_mm * random.between(0.98, 1.02)) as i64;
        let homing = homing(random, length_mm);
        let hardest_mm_s2 = if mass { WITH_MASS_MM_S2 } else { layout::MAX_ACCELERATION_MM_S2 };
        let mut gear = Gear {
            length_mm,
            max_stroke_mm,
            padding_mm: random.between(0.0, (length_mm / 6.0).min(12.0)) as i64,
            microsteps_per_rev,
            timing: timing(random),
            homing,
            limits: MotionLimits::default(),
            hardest_mm_s2,
        };
        gear.limits = gear.limits(random);
        gear
    }

    /// Nominal resolution, steps/mm.
    pub fn steps_per_mm(&self) -> f64 {
        self.microsteps_per_rev as f64 / TRAVEL_PER_TURN_MM
    }

    /// Geometry that the mechanics fix and no setting changes.
    pub fn rail(&self) -> RailGeometry {
        let pulse_ns = self.timing.high_ns + self.timing.low_ns;
        let by_pulses = SECOND_NS as f64 / pulse_ns as f64;
        RailGeometry {
            travel_per_turn_mm: TRAVEL_PER_TURN_MM,
            max_steps_per_s: by_pulses.min(f64::from(layout::MAX_STEP_RATE_HZ)),
        }
    }

    /// Highest speed that the pulse rate allows, in mm/s, including the deviation of a calibration from the nominal
    /// resolution.
    pub fn fastest_mm_s(&self) -> f64 {
        let measured = self.steps_per_mm() * self.length_mm / self.max_stroke_mm as f64;
        let by_pulses = self.rail().max_steps_per_s / self.steps_per_mm().max(measured);
        by_pulses.min(layout::MAX_SPEED_MM_S)
    }

    /// Random motion limits that are valid for this machine.
    pub fn limits(&self, random: &mut Random) -> MotionLimits {
        // Two touches differ by a step, so 2 % are left.
        let mut speed = random.log_between(10.0, 0.98 * self.fastest_mm_s());
        // No faster than the hardest stop allows.
        while least_stop_deceleration_mm_s2(speed) > self.hardest_mm_s2 {
            speed *= 0.9;
        }
        let acceleration = random.log_between(500.0, self.hardest_mm_s2 / 1.01);
        let stop = (acceleration * random.between(1.0, 3.0)).min(self.hardest_mm_s2);
        let stop = stop.max(least_stop_deceleration_mm_s2(speed));
        let jerk = (acceleration / random.log_between(STOP_ONSET_S, 0.2)).min(layout::MAX_JERK_MM_S3);
        let approach = random.log_between(5.0, 80.0).min(speed);
        let made = (|| {
            let (speed, approach) = (MmPerS::try_from(speed).ok()?, MmPerS::try_from(approach).ok()?);
            let (jerk, stop) = (MmPerS3::try_from(jerk).ok()?, MmPerS2::try_from(stop).ok()?);
            MotionLimits::new(speed, MmPerS2::try_from(acceleration).ok()?, jerk, stop, approach).ok()
        })();
        made.unwrap_or_default()
    }

    /// `settings` with the values of this machine.
    pub fn apply_to(&self, mut settings: Settings) -> Settings {
        let document = &mut settings.document;
        document.microsteps_per_rev = self.microsteps_per_rev;
        document.max_stroke = self.max_stroke_mm;
        document.stroke_limit = self.max_stroke_mm;
        document.padding_mm = self.padding_mm;
        settings.motion = self.limits;
        settings
    }
}

fn timing(random: &mut Random) -> PulseTiming {
    let mut ns = |shortest: f64, longest: f64| random.log_between(shortest, longest) as Nanos;
    PulseTiming {
        high_ns: ns(500.0, 5_000.0),
        low_ns: ns(500.0, 5_000.0),
        direction_setup_ns: ns(200.0, 20_000.0),
        direction_hold_ns: ns(200.0, 20_000.0),
    }
}

/// Random homing options; faster on longer rails, so that homing takes a small part of the run.
fn homing(random: &mut Random, length_mm: f64) -> HomingOptions {
    let fast = (length_mm / random.between(2.0, 10.0)).clamp(5.0, 100.0);
    let slow = random.log_between(1.0, 8.0).min(fast);
    let back_off = random.between(2.0, 5.0);
    let usual = HomingOptions::default();
    HomingOptions {
        fast: MmPerS::try_from(fast).unwrap_or(usual.fast),
        slow: MmPerS::try_from(slow).unwrap_or(usual.slow),
        back_off: Mm::try_from(back_off).unwrap_or(usual.back_off),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::new_id;

    #[test]
    fn every_gear_can_be_set_and_the_fine_ones_are_rare() {
        let mut random = Random::new(3);
        let (mut coarse, mut fine, mut short, mut long) = (0, 0, 0, 0);
        for _ in 0..2_000 {
            let gear = Gear::random(&mut random, false);
            let settings = gear.apply_to(Settings::fresh(new_id()));
            assert_eq!(settings.check(), Ok(()), "{gear:?}");
            assert_eq!(settings.check_step_rate(&gear.rail()), Ok(()), "{gear:?}");
            assert_eq!(settings.check_stop(), Ok(()), "{gear:?}");
            assert_ne!(gear.limits, MotionLimits::default(), "{gear:?}");
            coarse += u32::from(gear.steps_per_mm() < 20.0);
            fine += u32::from(gear.steps_per_mm() > 200.0);
            short += u32::from(gear.length_mm < 40.0);
            long += u32::from(gear.length_mm > 500.0);
        }
        assert!((900..1_200).contains(&coarse) && (20..200).contains(&fine), "{coarse} coarse, {fine} fine");
        assert!(short > 200 && long > 200, "{short} short, {long} long");
    }
}
