//! What the promises are judged by: the pulses, the lines, what both loops show, and what was done to the machine.

use super::link::Line;
use super::tap::Asked;
use crate::drive::Seen;
use crate::hal::sim::rail::spring_force_g;
use crate::hal::sim::{Hands, RailOptions};
use crate::machine::{Config, Inputs, State, StopLevel};
use crate::motion::End;
use crate::units::{Nanos, SECOND_NS, seconds};

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepMade {
    /// When.
    pub at: Nanos,
    /// Which way.
    pub forward: bool,
    /// Since the step before; as long as can be for the first one.
    pub interval_ns: Nanos,
}

/// Since when each line has been active, without reading otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub struct Since {
    /// The front switch.
    pub front: Option<Nanos>,
    /// The back switch.
    pub back: Option<Nanos>,
    /// The e-stop, or the alarm of the motor driver.
    pub cut: Option<Nanos>,
}

impl Since {
    fn update(&mut self, at: Nanos, inputs: Inputs) {
        let one = |since: &mut Option<Nanos>, active: bool| {
            *since = if active { Some(since.unwrap_or(at)) } else { None };
        };
        one(&mut self.front, inputs.front);
        one(&mut self.back, inputs.back);
        one(&mut self.cut, inputs.e_stop || inputs.driver_alarm);
    }

    /// The switch of that end.
    #[must_use]
    pub const fn limit(&self, end: End) -> Option<Nanos> {
        match end {
            End::Front => self.front,
            End::Back => self.back,
        }
    }
}

/// What whoever plays the faults has done, since it cannot be seen from inside.
#[derive(Debug, Clone, Copy, Default)]
pub struct Told {
    /// The control thread was frozen from the first to the second instant.
    pub control_frozen: Option<(Nanos, Nanos)>,
    /// Neither loop is to be judged by its time before this instant: the computer stalls, or stalled a moment ago.
    pub late_until: Nanos,
    /// Since when the load cell has told no valid sample.
    pub samples_lost_since: Option<Nanos>,
    /// Until when samples may be missing, and older than usual: bytes of the sensor are spoilt, or were a moment ago.
    pub spoilt_until: Nanos,
    /// How far its samples may be beside the force, in grams.
    pub noise_g: f64,
    /// Whether the page has a socket that answers.
    pub page_there: bool,
    /// Since when the supply of the computer has been too low.
    pub under_voltage_since: Option<Nanos>,
    /// Since when it has been how hot, when it is hotter than usual.
    pub hot_since: Option<(Nanos, f32)>,
    /// When a socket of the other program was last opened: a sign of life of it, as any request is.
    pub program_heard_ns: Nanos,
    /// Whether the disk can be written.
    pub disk_broken: bool,
}

/// How long a force is remembered.
const REMEMBERED: usize = 400;

/// Everything.
pub struct Facts {
    /// The rail.
    pub rail: RailOptions,
    /// The hands at it.
    pub hands: Hands,
    /// The line of the force sensor.
    pub line: Line,
    /// Both loops after the last control cycle, and after the one before.
    pub seen: Option<Seen>,
    /// The one before.
    pub before: Option<Seen>,
    /// Steps that were made since power-on, those forward less those backward.
    pub count: i64,
    /// The last step.
    pub last: Option<StepMade>,
    /// The input lines as they are.
    pub lines: Inputs,
    /// Since when each is active.
    pub since: Since,
    /// Whether the motor driver is on.
    pub powered: bool,
    /// What was done to the machine.
    pub told: Told,
    /// The true force at the end of each of the last control cycles, the newest last.
    forces_g: std::collections::VecDeque<f64>,
}

impl Facts {
    /// A machine at power-on.
    #[must_use]
    pub fn new(rail: RailOptions, hands: Hands) -> Facts {
        Facts {
            rail,
            hands,
            line: Line::default(),
            seen: None,
            before: None,
            count: 0,
            last: None,
            lines: Inputs::default(),
            since: Since::default(),
            powered: false,
            told: Told::default(),
            forces_g: std::collections::VecDeque::with_capacity(REMEMBERED + 1),
        }
    }

    /// The lines read so.
    pub fn read(&mut self, at: Nanos, inputs: Inputs) {
        self.lines = inputs;
        self.since.update(at, inputs);
    }

    /// A step begins.
    pub fn step(&mut self, at: Nanos, forward: bool) -> StepMade {
        let interval_ns = self.last.map_or(SECOND_NS, |last| at - last.at);
        let made = StepMade { at, forward, interval_ns };
        self.count += if forward { 1 } else { -1 };
        self.last = Some(made);
        made
    }

    /// A control cycle is over.
    pub fn cycle(&mut self, seen: &Seen) {
        self.before = self.seen.replace(*seen);
        let force_g = spring_force_g(&self.rail, self.hands.carriage_mm()) + self.hands.pushed_g();
        if self.forces_g.len() == REMEMBERED {
            self.forces_g.pop_front();
        }
        self.forces_g.push_back(force_g);
    }

    /// The state.
    #[must_use]
    pub fn state(&self) -> State {
        self.seen.as_ref().map_or(State::NotHomed, |seen| seen.state)
    }

    /// The settings in force.
    #[must_use]
    pub fn config(&self) -> Option<&Config> {
        self.seen.as_ref().map(|seen| &seen.config)
    }

    /// The stop line.
    #[must_use]
    pub fn stop(&self) -> StopLevel {
        self.seen.as_ref().map_or(StopLevel::None, |seen| seen.stop)
    }

    /// Steps for a millimetre.
    #[must_use]
    pub fn scale(&self) -> f64 {
        let Some(seen) = &self.seen else { return 1.0 };
        let geometry = &seen.config.geometry;
        match seen.calibration {
            Some(calibration) if seen.state != State::Homing => calibration.steps_per_mm(geometry),
            _ => geometry.nominal.get(),
        }
    }

    /// Speed of the pulses at `at`, in mm/s: by the last interval, or by what has passed since, when that is longer.
    #[must_use]
    pub fn speed_mm_s(&self, at: Nanos) -> f64 {
        let Some(last) = self.last else { return 0.0 };
        let since_ns = last.interval_ns.max(at.saturating_sub(last.at)).max(1);
        1.0 / seconds(since_ns) / self.scale()
    }

    /// The time that a stop from `speed_mm_s` takes, in ns, without its onset.
    #[must_use]
    pub fn ramp_ns(&self, speed_mm_s: f64) -> Nanos {
        let Some(config) = self.config() else { return 0 };
        (speed_mm_s / config.limits.stop_deceleration.get() * SECOND_NS as f64) as Nanos
    }

    /// The time that a stop from the highest speed takes.
    #[must_use]
    pub fn longest_ramp_ns(&self) -> Nanos {
        self.config().map_or(0, |config| self.ramp_ns(config.limits.max_speed.get()))
    }

    /// The true force now, in grams.
    #[must_use]
    pub fn force_g(&self) -> f64 {
        self.forces_g.back().copied().unwrap_or(0.0)
    }

    /// Least and greatest true force of the last `cycles`.
    #[must_use]
    pub fn forces_g(&self, cycles: usize) -> (f64, f64) {
        self.forces_g
            .iter()
            .rev()
            .take(cycles)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), force| {
                (low.min(*force), high.max(*force))
            })
    }
}

/// What was asked of the machine by the API.
pub type Sent = Asked;
