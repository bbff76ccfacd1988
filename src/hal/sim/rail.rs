//! The mechanics of the simulated rail: steps in, carriage and switches out. Pure.

use super::hands::{Mishap, Mishaps};
use crate::machine::Inputs;

/// What the simulated rail is like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RailOptions {
    /// Distance between the places where the two switches close, in mm.
    pub length_mm: f64,
    /// Steps for a millimetre.
    pub steps_per_mm: f64,
    /// Where the carriage stands at the start, in mm from where the back switch closes.
    pub start_mm: f64,
    /// How far the carriage must leave a switch for it to open, in mm.
    pub hysteresis_mm: f64,
    /// How far behind each switch the mechanical end is, in mm.
    pub overtravel_mm: f64,
    /// Where a spring begins to push back, in mm; the load cell sees it.
    pub wall_mm: f64,
    /// How stiff that spring is.
    pub stiffness_g_per_mm: f64,
}

impl Default for RailOptions {
    /// The rail that the first clients were made for: 155 mm and 1550 steps; no spring within reach.
    fn default() -> Self {
        RailOptions {
            length_mm: 155.0,
            steps_per_mm: 10.0,
            start_mm: 77.5,
            hysteresis_mm: 0.5,
            overtravel_mm: 3.0,
            wall_mm: 1_000.0,
            stiffness_g_per_mm: 50.0,
        }
    }
}

/// Rounding is smaller than this, in mm; the places of the switches are meant exactly.
const EXACT_MM: f64 = 1e-6;

/// How far a loose switch moves each time it is pressed, in mm.
const LOOSE_MM: f64 = 0.5;

/// A carriage on a rail.
#[derive(Debug, Clone)]
pub struct Rail {
    options: RailOptions,
    /// Steps that the carriage has made from where it started: whole, so that nothing adds up.
    steps: i64,
    carriage_mm: f64,
    front_closed: bool,
    back_closed: bool,
    /// How far a loose front switch has been pushed, in mm.
    front_pushed_mm: f64,
    /// Steps that the motor made while the carriage stood at a mechanical end.
    lost_steps: u64,
}

impl Rail {
    /// The rail at power-on.
    #[must_use]
    pub fn new(options: RailOptions) -> Rail {
        let mut rail = Rail {
            options,
            steps: 0,
            carriage_mm: options.start_mm,
            front_closed: false,
            back_closed: false,
            front_pushed_mm: 0.0,
            lost_steps: 0,
        };
        rail.move_to(0);
        rail
    }

    /// What it is like.
    #[must_use]
    pub fn options(&self) -> &RailOptions {
        &self.options
    }

    /// Where the carriage stands, in mm from where the back switch closes.
    #[must_use]
    pub fn carriage_mm(&self) -> f64 {
        self.carriage_mm
    }

    /// Steps that did not move the carriage because it stood at a mechanical end.
    #[must_use]
    pub fn lost_steps(&self) -> u64 {
        self.lost_steps
    }

    /// The motor makes one step.
    pub fn step(&mut self, forward: bool, mishaps: Mishaps) {
        if mishaps.has(Mishap::BeltOff) {
            return;
        }
        let forward = forward != mishaps.has(Mishap::DirectionReversed);
        let wanted = self.steps + if forward { 1 } else { -1 };
        let wanted_mm = self.place_mm(wanted);
        let lowest = -self.options.overtravel_mm - EXACT_MM;
        let highest = self.options.length_mm + self.options.overtravel_mm + EXACT_MM;
        if wanted_mm < lowest || wanted_mm > highest {
            self.lost_steps += 1;
            return;
        }
        let was_closed = self.front_closed;
        self.move_to(wanted);
        if mishaps.has(Mishap::FrontLoose) && was_closed && !self.front_closed {
            self.front_pushed_mm += LOOSE_MM;
        }
    }

    fn place_mm(&self, steps: i64) -> f64 {
        self.options.start_mm + steps as f64 / self.options.steps_per_mm
    }

    fn move_to(&mut self, steps: i64) {
        let RailOptions { length_mm, hysteresis_mm, .. } = self.options;
        self.steps = steps;
        self.carriage_mm = self.place_mm(steps);
        let closed = |was_closed: bool, behind_mm: f64| {
            behind_mm >= -EXACT_MM || (was_closed && behind_mm > -hysteresis_mm + EXACT_MM)
        };
        self.front_closed = closed(self.front_closed, self.carriage_mm - length_mm - self.front_pushed_mm);
        self.back_closed = closed(self.back_closed, -self.carriage_mm);
    }

    /// What the input lines read.
    #[must_use]
    pub fn inputs(&self, mishaps: Mishaps) -> Inputs {
        let read = |closed: bool, dead: Mishap, welded: Mishap| {
            (closed && !mishaps.has(dead)) || mishaps.has(welded)
        };
        let front = read(self.front_closed, Mishap::FrontDead, Mishap::FrontWelded);
        let back = read(self.back_closed, Mishap::BackDead, Mishap::BackWelded);
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
#[must_use]
pub fn spring_force_g(options: &RailOptions, carriage_mm: f64) -> f64 {
    let pressed_mm = (carriage_mm - options.wall_mm).max(0.0);
    if pressed_mm == 0.0 { 0.0 } else { -options.stiffness_g_per_mm * pressed_mm }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rail_at(start_mm: f64) -> Rail {
        Rail::new(RailOptions { start_mm, ..RailOptions::default() })
    }

    fn steps(rail: &mut Rail, count: u32, forward: bool) {
        (0..count).for_each(|_| rail.step(forward, Mishaps::default()));
    }

    #[test]
    fn a_switch_closes_at_its_place_and_opens_after_the_hysteresis() {
        let mut rail = rail_at(1.0);
        let none = Mishaps::default();
        steps(&mut rail, 9, false);
        assert!(!rail.inputs(none).back);
        steps(&mut rail, 1, false);
        assert!(rail.inputs(none).back);
        steps(&mut rail, 4, true);
        assert!(rail.inputs(none).back);
        steps(&mut rail, 1, true);
        assert!(!rail.inputs(none).back);
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
        assert!(rail.inputs(Mishaps::default()).back);
        assert!(!rail.inputs(with(Mishap::BackDead)).back);
        assert!(rail.inputs(with(Mishap::SwitchesSwapped)).front);
        assert!(rail.inputs(with(Mishap::FrontWelded)).front);
        assert!(rail.inputs(with(Mishap::EStopOpen)).e_stop);
        rail.step(false, with(Mishap::DirectionReversed));
        assert!((rail.carriage_mm() - 0.1).abs() < 1e-9);
        rail.step(true, with(Mishap::BeltOff));
        assert!((rail.carriage_mm() - 0.1).abs() < 1e-9);
    }

    #[test]
    fn the_spring_pushes_back_only_behind_the_wall() {
        let options = RailOptions { wall_mm: 100.0, ..RailOptions::default() };
        assert_eq!(spring_force_g(&options, 99.0), 0.0);
        assert_eq!(spring_force_g(&options, 102.0), -100.0);
    }
}
