//! What the promises are judged by: the pulses, the lines, what both loops show, and what was done to the machine.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use super::judge::{self, KinematicBounds};
use super::link::SimulatedSerialLine;
use super::tap::PortCall;
use crate::drive::TraceSample;
use crate::hal::sim::rail::spring_force_g;
use crate::hal::sim::{RailOptions, SimulatedOperator};
use crate::machine::{Config, HomingOptions, Inputs, State, StopLevel};
use crate::motion::{MotionLimits, RailEnd};
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS, seconds};

/// A step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepMade {
    /// When.
    pub at: Nanos,
    /// Which way.
    pub forward: bool,
    /// Since the step before; as long as can be for the first one.
    pub interval_ns: Nanos,
    /// How far the plan has gone since then, in steps: behind a turn, less than one.
    pub way: f64,
}

/// Between the places at which a step forward and the step back behind it are due, in steps.
const TURN: f64 = 0.1;

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
    pub const fn limit(&self, end: RailEnd) -> Option<Nanos> {
        match end {
            RailEnd::Front => self.front,
            RailEnd::Back => self.back,
        }
    }
}

/// What whoever plays the faults has done, since it cannot be seen from inside.
#[derive(Debug, Clone, Copy, Default)]
pub struct GroundTruth {
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
    /// Until when something may make the axis brake firmly: a fault was played, a stop or other settings were asked for, or a
    /// force was there, a moment ago.
    pub disturbed_until: Nanos,
    /// Whether what moves, or moved last, was asked for by a page that is there, and is a wave.
    pub page_waves: bool,
}

/// What the API shows of the limits, and what it showed a moment ago.
#[derive(Debug, Clone, Copy)]
pub struct ShownLimits {
    /// Now.
    pub limits: MotionLimits,
    /// The length of the rail, as it was measured.
    pub max_stroke_mm: f64,
    /// The longest stroke that is wanted.
    pub stroke_limit_mm: f64,
    /// Since when.
    pub since_ns: Nanos,
    /// The widest of those before, in mm; and until when they may show.
    former: Option<(f64, f64, f64, Nanos)>,
}

/// For so long limits show that were wider.
const FORMER_NS: Nanos = 10 * SECOND_NS;
/// After what may make the axis brake firmly, beside its ramp.
const CALM_NS: Nanos = 2 * SECOND_NS;
/// Two touches are a step beside each other, a motor that lags is farther, and a rail is measured in whole millimetres.
const TOUCHED_MM: f64 = 0.4;

/// A line that somebody has made active for a short while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulse {
    /// The e-stop or the driver's alarm, and no limit.
    pub cuts: bool,
    /// From when.
    pub from_ns: Nanos,
    /// Until when.
    pub until_ns: Nanos,
}

impl ShownLimits {
    /// The highest speed, and the deceleration and the jerk of a stop, that may show.
    fn firmest(&self, at: Nanos) -> (f64, f64, f64) {
        let limits = &self.limits;
        let now = (limits.max_speed.get(), limits.stop_deceleration.get(), limits.stop_jerk_mm_s3());
        match self.former {
            Some((speed, stop, jerk, until)) if at < until => {
                (now.0.max(speed), now.1.max(stop), now.2.max(jerk))
            }
            _ => now,
        }
    }
}

/// What a line read is remembered for so long.
const READ_LATELY_NS: Nanos = 50 * MILLISECOND_NS;
/// How long a force is remembered.
const REMEMBERED: usize = 400;

/// Everything.
pub struct Facts {
    /// The rail.
    pub rail: RailOptions,
    /// The hands at it.
    pub operator: SimulatedOperator,
    /// The line of the force sensor.
    pub line: SimulatedSerialLine,
    /// Both loops after the last control cycle, and after the one before.
    pub seen: Option<TraceSample>,
    /// The one before.
    pub before: Option<TraceSample>,
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
    pub told: GroundTruth,
    /// How it looks for its ends.
    pub homing: HomingOptions,
    /// What the API shows.
    pub shown: Option<ShownLimits>,
    /// The short pulses on input lines that are over, oldest first: whoever plays them writes them down.
    pub pulses: Rc<RefCell<VecDeque<Pulse>>>,
    /// The longest that any line has lately read active, and when it was read so last.
    pub read_active: Option<(Nanos, Nanos)>,
    /// The true force at the end of each of the last control cycles, the newest last.
    forces_g: VecDeque<f64>,
}

impl Facts {
    /// A machine at power-on.
    #[must_use]
    pub fn new(rail: RailOptions, operator: SimulatedOperator) -> Facts {
        Facts {
            rail,
            operator,
            line: SimulatedSerialLine::default(),
            seen: None,
            before: None,
            count: 0,
            last: None,
            lines: Inputs::default(),
            since: Since::default(),
            powered: false,
            told: GroundTruth::default(),
            homing: HomingOptions::default(),
            shown: None,
            pulses: Rc::default(),
            read_active: None,
            forces_g: VecDeque::with_capacity(REMEMBERED + 1),
        }
    }

    /// The lines read so.
    pub fn read(&mut self, at: Nanos, inputs: Inputs) {
        self.lines = inputs;
        self.since.update(at, inputs);
        if inputs != Inputs::default() {
            let since = [self.since.front, self.since.back, self.since.cut].into_iter().flatten().min();
            let lasts_ns = at - since.unwrap_or(at);
            // What is read again belongs to the reading before.
            let longest = self.read_active.filter(|(_, last)| at - last < READ_LATELY_NS);
            self.read_active = Some((lasts_ns.max(longest.map_or(0, |(longest, _)| longest)), at));
        }
    }

    /// Whether some line has lately read active for so long.
    #[must_use]
    pub fn has_read_active(&self, at: Nanos, for_ns: Nanos) -> bool {
        self.read_active.is_some_and(|(longest, last)| longest >= for_ns && at < last + READ_LATELY_NS)
    }

    /// From now on the API shows these.
    pub fn show(&mut self, at: Nanos, limits: MotionLimits, max_stroke_mm: f64, stroke_limit_mm: f64) {
        let new = ShownLimits { limits, max_stroke_mm, stroke_limit_mm, since_ns: at, former: None };
        let Some(old) = self.shown.replace(new) else { return };
        if (old.limits, old.max_stroke_mm, old.stroke_limit_mm) == (limits, max_stroke_mm, stroke_limit_mm) {
            self.shown = Some(old);
            return;
        }
        let (speed, stop, jerk) = old.firmest(at);
        let until = at + FORMER_NS;
        self.shown = Some(ShownLimits { former: Some((speed, stop, jerk, until)), ..new });
        self.disturb(until);
    }

    /// Something may make the axis brake firmly, until then and for a moment more.
    pub fn disturb(&mut self, until: Nanos) {
        let ramp_ns = self.shown.map_or(0, |shown| {
            let (speed, _, _) = shown.firmest(until.saturating_sub(FORMER_NS));
            (speed / shown.limits.stop_deceleration.get() * SECOND_NS as f64) as Nanos
        });
        self.told.disturbed_until = self.told.disturbed_until.max(until + ramp_ns + CALM_NS);
    }

    /// What the pulses may do now, by what the API shows and by what was done to the machine.
    #[must_use]
    pub fn bounds(&self, at: Nanos) -> Option<judge::WindowLimits> {
        let shown = self.shown?;
        let scale = self.rail.steps_per_mm;
        let beside = 1.0 + TOUCHED_MM / self.rail.length_mm;
        let measured = scale * (self.rail.length_mm / shown.max_stroke_mm).max(1.0) * beside;
        let (mut speed, mut stop, mut jerk) = shown.firmest(at);
        let limits = &shown.limits;
        let (mut v, mut a, mut j) =
            (limits.max_speed.get(), limits.max_acceleration.get(), limits.max_jerk.get());
        // A change may wait for rest, as long as homing takes; that it does not wait longer is S21's.
        if let Some(config) = self.config() {
            let in_force = &config.limits;
            speed = speed.max(in_force.max_speed.get());
            stop = stop.max(in_force.stop_deceleration.get());
            jerk = jerk.max(in_force.stop_jerk_mm_s3());
            v = v.max(in_force.max_speed.get());
            a = a.max(in_force.max_acceleration.get());
            j = j.max(in_force.max_jerk.get());
        }
        let homing = self.homing.fast.get().max(self.homing.slow.get());
        // Another length may have been shown a moment ago.
        let widest = measured * 1.1;
        // A wave that was asked for while homing begins behind it.
        let v = v.max(homing);
        let calm = self.told.page_waves && at > self.told.disturbed_until;
        Some(judge::WindowLimits {
            firm: KinematicBounds::of(speed.max(homing), stop, jerk, widest),
            gentle: calm.then(|| (self.told.disturbed_until, KinematicBounds::of(v, a, j, measured))),
        })
    }

    /// A step begins.
    pub fn step(&mut self, at: Nanos, forward: bool) -> StepMade {
        let interval_ns = self.last.map_or(SECOND_NS, |last| at - last.at);
        let turned = self.last.is_some_and(|last| last.forward != forward);
        let made = StepMade { at, forward, interval_ns, way: if turned { TURN } else { 1.0 } };
        self.count += if forward { 1 } else { -1 };
        self.last = Some(made);
        made
    }

    /// A control cycle is over.
    pub fn cycle(&mut self, seen: &TraceSample) {
        self.before = self.seen.replace(*seen);
        let force_g = spring_force_g(&self.rail, self.operator.carriage_mm()) + self.operator.pushed_g();
        if self.forces_g.len() == REMEMBERED {
            self.forces_g.pop_front();
        }
        self.forces_g.push_back(force_g);
        let before =
            self.before.map(|before| before.config.limits).filter(|limits| *limits != seen.config.limits);
        let changed = before.is_some();
        if let (Some(limits), Some(shown)) = (before, &mut self.shown) {
            // What was moved by these before is still in sight.
            let (speed, stop, jerk) = shown.firmest(seen.at_ns);
            let speed = speed.max(limits.max_speed.get());
            let stop = stop.max(limits.stop_deceleration.get());
            let jerk = jerk.max(limits.stop_jerk_mm_s3());
            shown.former = Some((speed, stop, jerk, seen.at_ns + FORMER_NS));
        }
        // A page that is not there any more is missed after a while, and stops the axis.
        if force_g != 0.0 || changed || !self.told.page_there {
            self.disturb(seen.at_ns);
        }
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

    /// The firmest stop that may show, in steps.
    #[must_use]
    pub fn firmest_stop(&self, at: Nanos) -> Option<f64> {
        Some(self.bounds(at)?.firm.acceleration)
    }

    /// Speed of the pulses at `at`, in mm/s: by the last interval, or by what has passed since, when that is longer.
    #[must_use]
    pub fn speed_mm_s(&self, at: Nanos) -> f64 {
        let Some(last) = self.last else { return 0.0 };
        let since_ns = last.interval_ns.max(at.saturating_sub(last.at)).max(1);
        last.way / seconds(since_ns) / self.scale()
    }

    /// Upper bound on the speed of the axis at `at`, in mm/s. Between two pulses it may have been accelerated over a
    /// whole step, and turned: `v² = v₀² + 2as`.
    #[must_use]
    pub fn highest_speed_mm_s(&self, at: Nanos) -> f64 {
        let acceleration_mm_s2 = self.config().map_or(0.0, |config| config.limits.max_acceleration.get());
        libm::hypot(self.speed_mm_s(at), libm::sqrt(2.0 * acceleration_mm_s2 / self.scale()))
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
pub type Sent = PortCall;

#[cfg(test)]
mod tests {
    use super::*;

    /// Between a step and the one back behind it the plan goes a tenth of a step: that was taken for a whole one, and a slow
    /// wave that turned just behind a boundary for a fast one.
    #[test]
    fn a_turn_is_no_fast_step() {
        let mut facts = Facts::new(RailOptions::default(), SimulatedOperator::default());
        let ms = MILLISECOND_NS;
        for (at, forward, steps_per_s) in [
            (100 * ms, true, 1.0),
            (105 * ms, true, 200.0),
            (110 * ms, false, 20.0),
            (115 * ms, false, 200.0),
        ] {
            facts.step(at, forward);
            assert!((facts.speed_mm_s(at) - steps_per_s).abs() < 1e-6, "at {at}");
        }
    }
}
