//! Mechanics of the simulated rail: steps in, carriage and switches out. Pure.

use super::motor::{ExternalLoad, Motor, MotorOptions};
use super::operator::{Mishap, Mishaps};
use crate::machine::Inputs;
use crate::units::{MICROSECOND_NS, MILLISECOND_NS, Nanos};

/// Properties of the simulated rail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RailOptions {
    /// Distance between the places where the two switches close, in mm.
    pub length_mm: f64,
    /// Steps per millimetre.
    pub steps_per_mm: f64,
    /// Initial position of the carriage, in mm from where the back switch closes.
    pub start_mm: f64,
    /// Distance by which the carriage must leave a switch for it to open, in mm.
    pub hysteresis_mm: f64,
    /// Distance of the mechanical end behind each switch, in mm.
    pub overtravel_mm: f64,
    /// Position at which a spring begins to push back, in mm; the load cell measures it.
    pub wall_mm: f64,
    /// Stiffness of that spring.
    pub stiffness_g_per_mm: f64,
    /// The motor; none: the carriage follows every step, as if it had no mass.
    pub motor: Option<MotorOptions>,
}

impl RailOptions {
    /// The rail of the first clients: 155 mm and 1550 steps; no spring within reach.
    pub const DEFAULT: RailOptions = RailOptions {
        length_mm: 155.0,
        steps_per_mm: 10.0,
        start_mm: 77.5,
        hysteresis_mm: 0.5,
        overtravel_mm: 3.0,
        wall_mm: 1_000.0,
        stiffness_g_per_mm: 50.0,
        motor: None,
    };
}

impl Default for RailOptions {
    fn default() -> Self {
        RailOptions::DEFAULT
    }
}

/// Tolerance for rounding at the exact positions of the switches, in mm.
const EXACT_MM: f64 = 1e-6;

/// Displacement of a loose switch each time it is pressed, in mm.
const LOOSE_MM: f64 = 0.5;

/// Duration of contact bounce, and of each state during it.
const BOUNCE_NS: Nanos = 2 * MILLISECOND_NS;
const CONTACT_NS: Nanos = 30 * MICROSECOND_NS;

/// Limit switch.
#[derive(Debug, Clone, Copy, Default)]
struct Switch {
    closed: bool,
    changed_ns: Nanos,
}

impl Switch {
    /// Sets the state for a carriage `behind_mm` behind the switch.
    fn update(&mut self, behind_mm: f64, hysteresis_mm: f64, at: Nanos) {
        let closed = behind_mm >= -EXACT_MM || (self.closed && behind_mm > -hysteresis_mm + EXACT_MM);
        if closed != self.closed {
            *self = Switch { closed, changed_ns: at };
        }
    }

    fn reading(self, bounces: bool, at: Nanos) -> bool {
        let since_ns = at.saturating_sub(self.changed_ns);
        if !bounces || self.changed_ns == 0 || since_ns >= BOUNCE_NS {
            return self.closed;
        }
        // Real contacts bounce without a pattern, but a simulation must repeat: a hash of the instant.
        let slot = (self.changed_ns / CONTACT_NS + since_ns / CONTACT_NS).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.closed == (slot >> 40 & 3 != 0)
    }
}

/// Carriage on a rail.
#[derive(Debug, Clone)]
pub struct SimulatedRail {
    options: RailOptions,
    /// Steps of the carriage from its initial position: an integer, so that rounding errors do not accumulate.
    steps: i64,
    carriage_mm: f64,
    motor: Option<Motor>,
    front: Switch,
    back: Switch,
    /// Total displacement of a loose front switch, in mm.
    front_pushed_mm: f64,
    /// Steps that did not move the carriage because it was blocked or at a mechanical end.
    lost_steps: u64,
}

impl SimulatedRail {
    /// The rail at power-on.
    pub fn new(options: RailOptions) -> SimulatedRail {
        let mut rail = SimulatedRail {
            options,
            steps: 0,
            carriage_mm: options.start_mm,
            motor: options.motor.map(|motor| Motor::new(motor, options.start_mm)),
            front: Switch::default(),
            back: Switch::default(),
            front_pushed_mm: 0.0,
            lost_steps: 0,
        };
        rail.move_to(0, 0, Mishaps::default());
        rail
    }

    /// Properties of the rail.
    pub fn options(&self) -> &RailOptions {
        &self.options
    }

    /// Position of the carriage, in mm from where the back switch closes.
    pub fn carriage_mm(&self) -> f64 {
        self.carriage_mm
    }

    /// Steps that did not move the carriage because it was blocked or at a mechanical end.
    pub fn lost_steps(&self) -> u64 {
        self.lost_steps
    }

    /// The motor makes one step.
    pub fn step(&mut self, forward: bool, mishaps: Mishaps, at: Nanos) {
        if mishaps.has(Mishap::BeltOff) {
            return;
        }
        let forward = forward != mishaps.has(Mishap::DirectionReversed);
        let way = if forward { 1 } else { -1 };
        if let Some(motor) = &mut self.motor {
            motor.step(way as f64 / self.options.steps_per_mm, at);
            return;
        }
        let wanted = self.steps + way;
        let wanted_mm = self.position_mm(wanted);
        let (lowest, highest) = self.ends_mm();
        if wanted_mm < lowest || wanted_mm > highest || mishaps.has(Mishap::CarriageBlocked) {
            self.lost_steps += 1;
            return;
        }
        self.move_to(wanted, at, mishaps);
    }

    /// Advances the time to `at`, with the force of a hand; returns true if the carriage may have moved.
    pub fn advance(&mut self, at: Nanos, hand_g: f64, mishaps: Mishaps) -> bool {
        let ends_mm = self.ends_mm();
        let Some(motor) = &mut self.motor else { return false };
        let load = ExternalLoad {
            force_g: hand_g + spring_force_g(&self.options, self.carriage_mm),
            weak: mishaps.has(Mishap::MotorWeak),
            held: mishaps.has(Mishap::CarriageBlocked),
            ends_mm,
        };
        if !motor.advance(at, &load) {
            return false;
        }
        self.carriage_mm = motor.carriage_mm();
        self.update_switches(at, mishaps);
        true
    }

    /// Switches the driver on or off. Without a mass the carriage stays where it is.
    pub fn set_powered(&mut self, on: bool) {
        if let Some(motor) = &mut self.motor {
            motor.set_powered(on);
        }
    }

    fn ends_mm(&self) -> (f64, f64) {
        let RailOptions { overtravel_mm, length_mm, .. } = self.options;
        (-overtravel_mm - EXACT_MM, length_mm + overtravel_mm + EXACT_MM)
    }

    fn position_mm(&self, steps: i64) -> f64 {
        self.options.start_mm + steps as f64 / self.options.steps_per_mm
    }

    fn move_to(&mut self, steps: i64, at: Nanos, mishaps: Mishaps) {
        self.steps = steps;
        self.carriage_mm = self.position_mm(steps);
        self.update_switches(at, mishaps);
    }

    fn update_switches(&mut self, at: Nanos, mishaps: Mishaps) {
        let was_closed = self.front.closed;
        let RailOptions { length_mm, hysteresis_mm, .. } = self.options;
        self.front.update(self.carriage_mm - length_mm - self.front_pushed_mm, hysteresis_mm, at);
        self.back.update(-self.carriage_mm, hysteresis_mm, at);
        if mishaps.has(Mishap::FrontLoose) && was_closed && !self.front.closed {
            self.front_pushed_mm += LOOSE_MM;
        }
    }

    /// State of the input lines at `at`.
    pub fn inputs(&self, mishaps: Mishaps, at: Nanos) -> Inputs {
        let read = |switch: Switch, dead: Mishap, welded: Mishap, bounces: Mishap| {
            (switch.reading(mishaps.has(bounces), at) && !mishaps.has(dead)) || mishaps.has(welded)
        };
        let front = read(self.front, Mishap::FrontDead, Mishap::FrontWelded, Mishap::FrontBounces);
        let back = read(self.back, Mishap::BackDead, Mishap::BackWelded, Mishap::BackBounces);
        let swapped = mishaps.has(Mishap::SwitchesSwapped);
        Inputs {
            front: if swapped { back } else { front },
            back: if swapped { front } else { back },
            e_stop: mishaps.has(Mishap::EStopOpen),
            driver_alarm: mishaps.has(Mishap::DriverAlarm),
        }
    }
}

/// Force of the spring on the carriage, in grams; it pushes toward the back, which counts as negative.
pub fn spring_force_g(options: &RailOptions, carriage_mm: f64) -> f64 {
    let pressed_mm = (carriage_mm - options.wall_mm).max(0.0);
    if pressed_mm == 0.0 { 0.0 } else { -options.stiffness_g_per_mm * pressed_mm }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rail_at(start_mm: f64) -> SimulatedRail {
        SimulatedRail::new(RailOptions { start_mm, ..RailOptions::default() })
    }

    fn steps(rail: &mut SimulatedRail, count: u32, forward: bool) {
        (0..count).for_each(|_| rail.step(forward, Mishaps::default(), 0));
    }

    #[test]
    fn a_switch_closes_at_its_place_and_opens_after_the_hysteresis() {
        let mut rail = rail_at(1.0);
        let none = Mishaps::default();
        steps(&mut rail, 9, false);
        assert!(!rail.inputs(none, 0).back);
        steps(&mut rail, 1, false);
        assert!(rail.inputs(none, 0).back);
        steps(&mut rail, 4, true);
        assert!(rail.inputs(none, 0).back);
        steps(&mut rail, 1, true);
        assert!(!rail.inputs(none, 0).back);
    }

    #[test]
    fn the_mechanical_end_swallows_steps() {
        let mut rail = rail_at(0.0);
        steps(&mut rail, 100, false);
        assert_eq!(rail.lost_steps(), 70);
        assert!((rail.carriage_mm() + 3.0).abs() < 1e-9);
    }

    #[test]
    fn mishaps_do_what_they_say() {
        let with = |mishap| Mishaps::default().with(mishap);
        let mut rail = rail_at(0.0);
        assert!(rail.inputs(Mishaps::default(), 0).back);
        assert!(!rail.inputs(with(Mishap::BackDead), 0).back);
        assert!(rail.inputs(with(Mishap::SwitchesSwapped), 0).front);
        assert!(rail.inputs(with(Mishap::FrontWelded), 0).front);
        assert!(rail.inputs(with(Mishap::EStopOpen), 0).e_stop);
        rail.step(false, with(Mishap::DirectionReversed), 0);
        assert!((rail.carriage_mm() - 0.1).abs() < 1e-9);
        rail.step(true, with(Mishap::BeltOff), 0);
        assert!((rail.carriage_mm() - 0.1).abs() < 1e-9);
    }

    #[test]
    fn the_spring_pushes_back_only_behind_the_wall() {
        let options = RailOptions { wall_mm: 100.0, ..RailOptions::default() };
        assert_eq!(spring_force_g(&options, 99.0), 0.0);
        assert_eq!(spring_force_g(&options, 102.0), -100.0);
    }

    #[test]
    fn contacts_that_bounce_read_both_ways_for_two_milliseconds() {
        let mut rail = rail_at(0.1);
        let bounces = Mishaps::default().with(Mishap::BackBounces);
        rail.step(false, bounces, MILLISECOND_NS);
        let read: Vec<bool> =
            (0..300).map(|i| rail.inputs(bounces, MILLISECOND_NS + i * 10 * MICROSECOND_NS).back).collect();
        assert!(read[..200].contains(&true) && read[..200].contains(&false));
        assert!(read[200..].iter().all(|closed| *closed));
    }

    #[test]
    fn with_a_motor_the_carriage_has_a_mass() {
        let options = RailOptions { motor: Some(MotorOptions::default()), ..RailOptions::default() };
        let mut rail = SimulatedRail::new(options);
        let none = Mishaps::default();
        rail.set_powered(true);
        for i in 1..=100u64 {
            rail.advance(i * MILLISECOND_NS, 0.0, none);
            rail.step(true, none, i * MILLISECOND_NS);
        }
        assert!(rail.carriage_mm() < options.start_mm + 10.0 - 1e-3, "it does not lag");
        rail.advance(500 * MILLISECOND_NS, 0.0, none);
        assert!((rail.carriage_mm() - options.start_mm - 10.0).abs() < 0.02, "{}", rail.carriage_mm());
    }
}
