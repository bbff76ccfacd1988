//! Dynamics of a stepper motor with a load: a rotor that lags behind its field, with a mass. Pure.
//!
//! A stepper pulls its rotor toward the field with a force that is a sine of the lag between them. With `A` the
//! acceleration that the greatest force gives the carriage, and `s` a full step,
//!
//! ```text
//! a = A sin(π/2 · lag/s) - 2ζω (v - v_field) + external forces / mass,   ω² = π/2 · A/s
//! ```
//!
//! For small lags this is a spring. Beyond a lag of two full steps the force changes its sign: the rotor slips into
//! another stable position, four full steps away, and the steps between are lost without notice.

use core::f64::consts::FRAC_PI_2;

use crate::units::{Nanos, seconds};

/// Properties of motor and carriage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MotorOptions {
    /// Travel of a full step, in mm.
    pub full_step_mm: f64,
    /// Acceleration of the carriage by the motor's greatest force, in mm/s².
    pub pull_out_mm_s2: f64,
    /// Damping ratio of the rotor in its field.
    pub damping: f64,
    /// Moving mass, in kg.
    pub mass_kg: f64,
    /// Friction of the rail, as the deceleration of a carriage that nothing drives, in mm/s².
    pub friction_mm_s2: f64,
}

impl Default for MotorOptions {
    /// A motor of 200 full steps a turn on a 40 mm belt that pulls half a kilogram with 30 N: 109 Hz.
    fn default() -> Self {
        MotorOptions {
            full_step_mm: 0.2,
            pull_out_mm_s2: 60_000.0,
            damping: 0.3,
            mass_kg: 0.5,
            friction_mm_s2: 1_000.0,
        }
    }
}

/// Share of its force that a weak motor has.
const WEAK: f64 = 0.1;
/// Time step of the integration: a fourteenth of a radian of the default motor.
const STEP_S: f64 = 1e-4;
/// Speed and residual acceleration below which the carriage rests, in mm/s and mm/s².
const STILL_MM_S: f64 = 0.02;
const STILL_MM_S2: f64 = 100.0;
/// Acceleration of one kilogram by the weight of one gram, in mm/s²: standard gravity over a thousand.
const MM_S2_KG_PER_G: f64 = 9.806_65;

/// Carriage driven by the motor.
#[derive(Debug, Clone)]
pub struct Motor {
    options: MotorOptions,
    /// Position of the field in mm: that of the step counter, shifted while the driver was off.
    field_mm: f64,
    /// Speed of the field by its last two steps, and the instant of the last one.
    field_mm_s: f64,
    stepped_ns: Nanos,
    carriage_mm: f64,
    speed_mm_s: f64,
    at_ns: Nanos,
    powered: bool,
    still: bool,
}

/// External load on the carriage, and the state of the motor.
#[derive(Debug, Clone, Copy)]
pub struct ExternalLoad {
    /// Force of springs and hands, in grams.
    pub force_g: f64,
    /// True if the motor is weak.
    pub weak: bool,
    /// True if something holds the carriage.
    pub held: bool,
    /// Mechanical ends, in mm.
    pub ends_mm: (f64, f64),
}

impl Motor {
    /// A carriage at rest.
    pub fn new(options: MotorOptions, start_mm: f64) -> Motor {
        Motor {
            options,
            field_mm: start_mm,
            field_mm_s: 0.0,
            stepped_ns: 0,
            carriage_mm: start_mm,
            speed_mm_s: 0.0,
            at_ns: 0,
            powered: false,
            still: true,
        }
    }

    /// Position of the carriage, in mm.
    pub fn carriage_mm(&self) -> f64 {
        self.carriage_mm
    }

    /// Switches the driver on or off. A field that is switched on takes the position of the rotor.
    pub fn set_powered(&mut self, on: bool) {
        if on && !self.powered {
            self.field_mm = self.carriage_mm;
            self.field_mm_s = 0.0;
        }
        self.powered = on;
        self.still = false;
    }

    /// The field makes a step of `step_mm` at `at`.
    pub fn step(&mut self, step_mm: f64, at: Nanos) {
        let interval_s = seconds(at.saturating_sub(self.stepped_ns)).max(1e-6);
        self.field_mm += step_mm;
        self.field_mm_s = step_mm / interval_s;
        self.stepped_ns = at;
        self.still = false;
    }

    /// Advances the time to `at`; returns true if the carriage may have moved.
    pub fn advance(&mut self, at: Nanos, load: &ExternalLoad) -> bool {
        let mut left_s = seconds(at.saturating_sub(self.at_ns));
        self.at_ns = self.at_ns.max(at);
        let pushed = load.force_g != 0.0;
        if self.still && !pushed {
            return false;
        }
        // The field counts as standing once twice its step interval has passed since the last step.
        let interval_s =
            if self.field_mm_s == 0.0 { 0.0 } else { self.options.full_step_mm / self.field_mm_s.abs() };
        let mut since_s = seconds(self.at_ns.saturating_sub(self.stepped_ns)) - left_s;
        while left_s > 0.0 {
            let dt = left_s.min(STEP_S);
            left_s -= dt;
            since_s += dt;
            if since_s > 2.0 * interval_s {
                self.field_mm_s = 0.0;
            }
            if self.integrate(dt, load) {
                self.still = true;
                break;
            }
        }
        true
    }

    /// Integrates over one time step; returns true if the carriage has come to rest.
    fn integrate(&mut self, dt: f64, load: &ExternalLoad) -> bool {
        if load.held {
            self.speed_mm_s = 0.0;
            return true;
        }
        let MotorOptions { full_step_mm, pull_out_mm_s2, damping, mass_kg, friction_mm_s2 } = self.options;
        let mut driving = load.force_g * MM_S2_KG_PER_G / mass_kg;
        if self.powered {
            let pull_out = pull_out_mm_s2 * if load.weak { WEAK } else { 1.0 };
            let omega = libm::sqrt(FRAC_PI_2 * pull_out / full_step_mm);
            let lag = self.field_mm - self.carriage_mm;
            driving += pull_out * libm::sin(FRAC_PI_2 * lag / full_step_mm)
                - 2.0 * damping * omega * (self.speed_mm_s - self.field_mm_s);
        }
        // Friction reduces the speed and never reverses it.
        let wanted = self.speed_mm_s + driving * dt;
        let friction = friction_mm_s2 * dt;
        self.speed_mm_s = if wanted.abs() <= friction { 0.0 } else { wanted - friction.copysign(wanted) };
        self.carriage_mm += self.speed_mm_s * dt;
        let (low, high) = load.ends_mm;
        if self.carriage_mm < low || self.carriage_mm > high {
            self.carriage_mm = self.carriage_mm.clamp(low, high);
            self.speed_mm_s = 0.0;
        }
        let calm = self.field_mm_s == 0.0 && driving.abs() <= friction_mm_s2.max(STILL_MM_S2);
        calm && self.speed_mm_s.abs() < STILL_MM_S
    }

    /// Lead of the field over the carriage, in mm: beyond two full steps, steps are lost.
    pub fn lag_mm(&self) -> f64 {
        self.field_mm - self.carriage_mm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: ExternalLoad = ExternalLoad { force_g: 0.0, weak: false, held: false, ends_mm: (-1e3, 1e3) };

    /// A ramp of the field up to `speed`, a second of it, a ramp down, and rest; returns the remaining lag.
    fn trip(options: MotorOptions, load: ExternalLoad, acceleration: f64, speed: f64) -> f64 {
        let mut motor = Motor::new(options, 0.0);
        motor.set_powered(true);
        let step_mm = 0.1;
        let (mut at_s, mut v): (f64, f64) = (0.0, 0.0);
        let (mut way, mut next) = (0.0, step_mm);
        let ramp_s = speed / acceleration;
        while at_s < 2.0 * ramp_s + 1.0 {
            at_s += 1e-5;
            let end = 2.0 * ramp_s + 1.0;
            v = (acceleration * at_s).min(acceleration * (end - at_s)).min(speed).max(0.0);
            way += v * 1e-5;
            if way >= next {
                next += step_mm;
                let at = (at_s * 1e9) as Nanos;
                motor.advance(at, &load);
                motor.step(step_mm, at);
            }
        }
        assert!(v < 1.0);
        motor.advance((at_s * 1e9) as Nanos + 500_000_000, &load);
        motor.lag_mm()
    }

    #[test]
    fn a_motor_inside_its_force_loses_no_step() {
        let left = trip(MotorOptions::default(), FREE, 8_000.0, 500.0);
        assert!(left.abs() < 0.05, "{left} mm behind");
    }

    #[test]
    fn a_weak_one_slips_by_whole_valleys() {
        let left = trip(MotorOptions::default(), ExternalLoad { weak: true, ..FREE }, 8_000.0, 500.0);
        assert!(left.abs() > 0.7, "only {left} mm behind");
    }

    #[test]
    fn a_force_below_that_of_the_motor_bends_it_and_one_above_pulls_it_away() {
        let mut motor = Motor::new(MotorOptions::default(), 0.0);
        motor.set_powered(true);
        motor.advance(1_000_000_000, &ExternalLoad { force_g: -1_000.0, ..FREE });
        assert!((0.02..0.2).contains(&motor.lag_mm()), "{}", motor.lag_mm());
        motor.advance(1_200_000_000, &ExternalLoad { force_g: -6_000.0, ..FREE });
        assert!(motor.lag_mm() > 1.0, "{}", motor.lag_mm());
    }

    #[test]
    fn a_carriage_without_power_coasts_and_rests_and_the_field_takes_it_up_where_it_is() {
        let mut motor = Motor::new(MotorOptions::default(), 0.0);
        motor.set_powered(true);
        for i in 1..100 {
            motor.advance(i * 1_000_000, &FREE);
            motor.step(0.1, i * 1_000_000);
        }
        motor.set_powered(false);
        motor.advance(1_000_000_000, &FREE);
        let rested = motor.carriage_mm();
        assert!(rested > 10.0, "{rested}");
        motor.set_powered(true);
        motor.advance(2_000_000_000, &FREE);
        assert!((motor.carriage_mm() - rested).abs() < 0.01);
    }
}
