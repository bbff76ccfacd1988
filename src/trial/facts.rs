//! Observations that the invariant checks read: the step edges, the input lines, the traces of both loops, the limits
//! that the API shows, and the injected faults.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use super::client::ClientKind;
use super::edge_oracle::{self, KinematicBounds};
use super::feed_facts::FeedFacts;
use super::link::SimulatedSerialLine;
use super::pattern_facts::PatternFacts;
use crate::drive::TraceSample;
use crate::hal::sim::rail::spring_force_g;
use crate::hal::sim::{Mishap, RailOptions, SimulatedOperator};
use crate::machine::{Config, HomingOptions, Inputs, State, StopLevel};
use crate::motion::{MotionLimits, RailEnd};
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS, seconds};

/// A step edge that was observed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepMade {
    /// Instant of the edge.
    pub at: Nanos,
    /// Direction: true is toward the front.
    pub forward: bool,
    /// Time since the previous step; one second for the first one.
    pub interval_ns: Nanos,
    /// Distance that the plan has covered since the previous step, in steps: 1, or less behind a turn.
    pub way: f64,
}

/// Distance of the plan between a step forward and the step back behind it, in steps.
const TURN: f64 = 0.5;

/// Instant since which each input line has read active without interruption.
#[derive(Debug, Clone, Copy, Default)]
pub struct ActiveSince {
    /// The front switch.
    pub front: Option<Nanos>,
    /// The back switch.
    pub back: Option<Nanos>,
    /// The e-stop input, or the alarm of the motor driver.
    pub cut: Option<Nanos>,
}

impl ActiveSince {
    fn update(&mut self, at: Nanos, inputs: Inputs) {
        let one = |since: &mut Option<Nanos>, active: bool| {
            *since = if active { Some(since.unwrap_or(at)) } else { None };
        };
        one(&mut self.front, inputs.front);
        one(&mut self.back, inputs.back);
        one(&mut self.cut, inputs.e_stop || inputs.driver_alarm);
    }

    /// The limit switch at `end`.
    pub const fn limit(&self, end: RailEnd) -> Option<Nanos> {
        match end {
            RailEnd::Front => self.front,
            RailEnd::Back => self.back,
        }
    }
}

/// Ground truth about the injected faults and the clients, which the machine itself cannot see.
#[derive(Debug, Clone, Copy, Default)]
pub struct GroundTruth {
    /// The control thread was frozen from the first to the second instant.
    pub control_frozen: Option<(Nanos, Nanos)>,
    /// Timing checks are suspended before this instant: the computer stalls, or stalled a moment ago.
    pub late_until: Nanos,
    /// Instant since which the load cell has sent no valid sample.
    pub samples_lost_since: Option<Nanos>,
    /// Samples may be missing, and older than usual, before this instant: bytes of the sensor line are corrupted, or
    /// were a moment ago.
    pub corrupted_until: Nanos,
    /// Noise bound of its samples, in grams.
    pub noise_g: f64,
    /// True while the page has a socket that answers.
    pub page_there: bool,
    /// Instant since which the supply voltage of the computer has been too low.
    pub under_voltage_since: Option<Nanos>,
    /// Instant since which the computer is hotter than usual, and its temperature in °C.
    pub hot_since: Option<(Nanos, f32)>,
    /// Instant at which a socket of the other program was last opened, which is a sign of life of that client, as any
    /// request is.
    pub program_heard_ns: Nanos,
    /// True while writes to the disk fail.
    pub disk_broken: bool,
    /// Firm braking is allowed before this instant: a fault was injected, a stop or other settings were requested, or a
    /// force acted, a moment ago.
    pub disturbed_until: Nanos,
    /// True if the current or last motion is a wave that was requested by a page that is there.
    pub page_waves: bool,
    /// True if the carriage did not follow the steps of the last homing, or the front switch has been loose: then the
    /// steps between the two ends, which homing counts, are not those of the rail.
    pub mismeasured: bool,
}

/// MotionLimits that the API shows, with the wider ones that it showed a moment ago.
#[derive(Debug, Clone, Copy)]
pub struct ShownLimits {
    /// The limits that are shown now.
    pub limits: MotionLimits,
    /// Setting `max_stroke`: length of the rail as measured by the user.
    pub max_stroke_mm: f64,
    /// Setting `stroke_limit`.
    pub stroke_limit_mm: f64,
    /// Instant of the last change.
    pub since_ns: Nanos,
    /// The widest speed, stop deceleration and stop jerk of the previous limits, in mm, and the instant until which
    /// they may show in the pulses.
    former: Option<(f64, f64, f64, Nanos)>,
}

/// Time for which the previous, wider limits are still granted.
const FORMER_NS: Nanos = 10 * SECOND_NS;
/// Time granted behind a disturbance, in addition to the stop ramp.
const CALM_NS: Nanos = 2 * SECOND_NS;
/// Uncertainty of the measured rail length: two touches differ by a step, a motor that lags adds more, and the setting
/// has whole millimetres.
const TOUCHED_MM: f64 = 0.4;

/// A short pulse that was injected on an input line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputPulse {
    /// True for the e-stop and the driver's alarm, false for a limit switch.
    pub cuts: bool,
    /// From when.
    pub from_ns: Nanos,
    /// Until when.
    pub until_ns: Nanos,
}

impl ShownLimits {
    /// Highest speed, stop deceleration and stop jerk that may show in the pulses.
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

/// Time for which a reading of an input line is remembered.
const READ_LATELY_NS: Nanos = 50 * MILLISECOND_NS;
/// Number of control cycles for which the force is remembered.
const REMEMBERED: usize = 400;

/// All observations of a run.
pub struct Facts {
    /// The rail.
    pub rail: RailOptions,
    /// The simulated operator at the rail.
    pub operator: SimulatedOperator,
    /// The serial line of the force sensor.
    pub line: SimulatedSerialLine,
    /// Trace of both loops after the last control cycle.
    pub trace: Option<TraceSample>,
    /// Trace after the control cycle before that.
    pub previous_trace: Option<TraceSample>,
    /// Step counter since power-on: steps forward less steps backward.
    pub step_count: i64,
    /// The last step.
    pub last_step: Option<StepMade>,
    /// Levels of the input lines.
    pub inputs: Inputs,
    /// Instant since which each line is active.
    pub active_since: ActiveSince,
    /// True while the motor driver is enabled.
    pub powered: bool,
    /// The injected faults and what the clients did.
    pub ground_truth: GroundTruth,
    /// Speeds and distances of homing.
    pub homing: HomingOptions,
    /// MotionLimits that the API shows.
    pub shown: Option<ShownLimits>,
    /// Short injected pulses on input lines that are over, oldest first; the fault injector appends them.
    pub input_pulses: Rc<RefCell<VecDeque<InputPulse>>>,
    /// The clients that were let in, each with the number of its device.
    pub let_in: Vec<(ClientKind, u32)>,
    /// What players sent, and the windows.
    pub feeds: FeedFacts,
    /// What clients asked of patterns.
    pub patterns: PatternFacts,
    /// True while the axis follows what the machine plays itself: a pattern or a script.
    pub plays: bool,
    /// Longest time that any line has lately read active, and the instant of the last active reading.
    pub read_active: Option<(Nanos, Nanos)>,
    /// True force at the end of each of the last control cycles in grams, newest last.
    forces_g: VecDeque<f64>,
    /// Distance in mm by which the carriage was behind the steps when homing began.
    behind_mm: f64,
    /// True if the front switch has been loose, and may have been pushed away.
    front_moved: bool,
}

impl Facts {
    /// A machine at power-on.
    pub fn new(rail: RailOptions, operator: SimulatedOperator) -> Facts {
        Facts {
            rail,
            operator,
            line: SimulatedSerialLine::default(),
            trace: None,
            previous_trace: None,
            step_count: 0,
            last_step: None,
            inputs: Inputs::default(),
            active_since: ActiveSince::default(),
            powered: false,
            ground_truth: GroundTruth::default(),
            homing: HomingOptions::default(),
            shown: None,
            input_pulses: Rc::default(),
            let_in: Vec::new(),
            feeds: FeedFacts::default(),
            patterns: PatternFacts::default(),
            plays: false,
            read_active: None,
            forces_g: VecDeque::with_capacity(REMEMBERED + 1),
            behind_mm: 0.0,
            front_moved: false,
        }
    }

    /// Records a reading of the input lines.
    pub fn record_inputs(&mut self, at: Nanos, inputs: Inputs) {
        self.inputs = inputs;
        self.active_since.update(at, inputs);
        if inputs != Inputs::default() {
            let since = [self.active_since.front, self.active_since.back, self.active_since.cut]
                .into_iter()
                .flatten()
                .min();
            let lasts_ns = at - since.unwrap_or(at);
            // A debounce sampling belongs to the reading before it.
            let longest = self.read_active.filter(|(_, last)| at - last < READ_LATELY_NS);
            self.read_active = Some((lasts_ns.max(longest.map_or(0, |(longest, _)| longest)), at));
        }
    }

    /// True if some line has lately read active for `for_ns` without interruption.
    pub fn has_read_active(&self, at: Nanos, for_ns: Nanos) -> bool {
        self.read_active.is_some_and(|(longest, last)| longest >= for_ns && at < last + READ_LATELY_NS)
    }

    /// Records the limits that the API shows now.
    pub fn record_limits(
        &mut self,
        at: Nanos,
        limits: MotionLimits,
        max_stroke_mm: f64,
        stroke_limit_mm: f64,
    ) {
        let new = ShownLimits { limits, max_stroke_mm, stroke_limit_mm, since_ns: at, former: None };
        let Some(old) = self.shown.replace(new) else { return };
        if (old.limits, old.max_stroke_mm, old.stroke_limit_mm) == (limits, max_stroke_mm, stroke_limit_mm) {
            self.shown = Some(old);
            return;
        }
        let (speed, stop, jerk) = old.firmest(at);
        let until = at + FORMER_NS;
        self.shown = Some(ShownLimits { former: Some((speed, stop, jerk, until)), ..new });
        self.expect_firm_braking(until);
    }

    /// Allows firm braking until `until`, and for the stop ramp behind it.
    pub fn expect_firm_braking(&mut self, until: Nanos) {
        let ramp_ns = self.shown.map_or(0, |shown| {
            let (speed, _, _) = shown.firmest(until.saturating_sub(FORMER_NS));
            (speed / shown.limits.stop_deceleration.get() * SECOND_NS as f64) as Nanos
        });
        self.ground_truth.disturbed_until = self.ground_truth.disturbed_until.max(until + ramp_ns + CALM_NS);
    }

    /// Kinematic limits of the pulses at `at`, from the limits that the API shows and from the injected faults.
    pub fn window_limits(&self, at: Nanos) -> Option<edge_oracle::WindowLimits> {
        let shown = self.shown?;
        let scale = self.rail.steps_per_mm;
        let beside = 1.0 + TOUCHED_MM / self.rail.length_mm;
        let measured = scale * (self.rail.length_mm / shown.max_stroke_mm).max(1.0) * beside;
        // The machine cannot know better than its homing; how far that may be off, homing itself bounds.
        let mismeasured = self.ground_truth.mismeasured;
        let measured = if mismeasured { measured.max(self.steps_per_mm()) } else { measured };
        let (mut speed, mut stop, mut jerk) = shown.firmest(at);
        let limits = &shown.limits;
        let (mut v, mut a, mut j) =
            (limits.max_speed.get(), limits.max_acceleration.get(), limits.max_jerk.get());
        // A change may wait for rest, as long as homing takes; S21 checks that it does not wait longer.
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
        // The API may have shown another length a moment ago.
        let widest = measured * 1.1;
        // A wave that was requested while homing begins behind homing.
        let v = v.max(homing);
        let calm = self.ground_truth.page_waves && at > self.ground_truth.disturbed_until;
        Some(edge_oracle::WindowLimits {
            firm: KinematicBounds::of(speed.max(homing), stop, jerk, widest),
            gentle: calm.then(|| (self.ground_truth.disturbed_until, KinematicBounds::of(v, a, j, measured))),
        })
    }

    /// True if this client may move the axis: it is on this computer, or was let in.
    pub fn may_move(&self, who: ClientKind) -> bool {
        who.is_local() || self.let_in.iter().any(|(known, _)| *known == who)
    }

    /// The client with the device of this number.
    pub fn owner_of(&self, device: u32) -> Option<ClientKind> {
        self.let_in.iter().find(|(_, number)| *number == device).map(|(who, _)| *who)
    }

    /// Records the beginning of a step.
    pub fn record_step(&mut self, at: Nanos, forward: bool) -> StepMade {
        let interval_ns = self.last_step.map_or(SECOND_NS, |last| at - last.at);
        let turned = self.last_step.is_some_and(|last| last.forward != forward);
        let made = StepMade { at, forward, interval_ns, way: if turned { TURN } else { 1.0 } };
        self.step_count += if forward { 1 } else { -1 };
        self.last_step = Some(made);
        made
    }

    /// Records the trace at the end of a control cycle.
    pub fn record_cycle(&mut self, trace: &TraceSample) {
        self.previous_trace = self.trace.replace(*trace);
        self.front_moved |= self.operator.mishaps().has(Mishap::FrontLoose);
        if trace.state == State::Homing {
            self.compare_carriage_with_steps();
        }
        let force_g = spring_force_g(&self.rail, self.operator.carriage_mm()) + self.operator.pushed_g();
        if self.forces_g.len() == REMEMBERED {
            self.forces_g.pop_front();
        }
        self.forces_g.push_back(force_g);
        let before = self.previous_trace.map(|before| before.config).filter(|before| *before != trace.config);
        let changed = before.is_some();
        if let (Some(config), Some(shown)) = (before, &mut self.shown)
            && config.limits != trace.config.limits
        {
            // The motion under the previous limits may still be going on.
            let (speed, stop, jerk) = shown.firmest(trace.at_ns);
            let speed = speed.max(config.limits.max_speed.get());
            let stop = stop.max(config.limits.stop_deceleration.get());
            let jerk = jerk.max(config.limits.stop_jerk_mm_s3());
            shown.former = Some((speed, stop, jerk, trace.at_ns + FORMER_NS));
        }
        // The lease of a page that is gone runs out after a while and stops the axis.
        if force_g != 0.0 || changed || !self.ground_truth.page_there {
            self.expect_firm_braking(trace.at_ns);
        }
    }

    /// Records whether the carriage follows the steps of homing.
    fn compare_carriage_with_steps(&mut self) {
        let behind_mm = self.step_count as f64 / self.rail.steps_per_mm - self.operator.carriage_mm();
        if self.previous_trace.is_none_or(|before| before.state != State::Homing) {
            self.behind_mm = behind_mm;
            self.ground_truth.mismeasured = false;
        }
        self.ground_truth.mismeasured |= self.front_moved || (behind_mm - self.behind_mm).abs() > TOUCHED_MM;
    }

    /// State of the machine.
    pub fn state(&self) -> State {
        self.trace.as_ref().map_or(State::NotHomed, |trace| trace.state)
    }

    /// The settings in force.
    pub fn config(&self) -> Option<&Config> {
        self.trace.as_ref().map(|trace| &trace.config)
    }

    /// Level of the stop line.
    pub fn stop_level(&self) -> StopLevel {
        self.trace.as_ref().map_or(StopLevel::None, |trace| trace.stop)
    }

    /// Measured steps/mm once calibrated, nominal steps/mm before that and while homing.
    pub fn steps_per_mm(&self) -> f64 {
        let Some(trace) = &self.trace else { return 1.0 };
        let geometry = &trace.config.geometry;
        match trace.calibration {
            Some(calibration) if trace.state != State::Homing => calibration.steps_per_mm(geometry),
            _ => geometry.nominal.get(),
        }
    }

    /// Position by the pulses, in mm, while it is known.
    pub fn position_mm(&self) -> Option<f64> {
        let trace = self.trace.as_ref().filter(|trace| !trace.state.is_homing_move())?;
        Some((self.step_count - trace.calibration?.origin_steps) as f64 / self.steps_per_mm())
    }

    /// Longest way of a gentle stop from the highest speed, in mm.
    pub fn gentle_stop_mm(&self) -> f64 {
        let speed_mm_s = self.config().map_or(0.0, |config| config.limits.max_speed.get());
        speed_mm_s * seconds(self.gentle_stop_ns())
    }

    /// Longest time in which a gentle stop from the highest speed is over, in ns.
    pub fn gentle_stop_ns(&self) -> Nanos {
        let Some(limits) = self.config().map(|config| &config.limits) else { return 0 };
        let (speed, a, j) = (limits.max_speed.get(), limits.max_acceleration.get(), limits.max_jerk.get());
        ((speed / a + 2.0 * a / j) * SECOND_NS as f64) as Nanos
    }

    /// Highest deceleration of a stop that may show in the pulses, in steps/s².
    pub fn firmest_stop_steps_s2(&self, at: Nanos) -> Option<f64> {
        Some(self.window_limits(at)?.firm.acceleration)
    }

    /// Speed of the pulses at `at` in mm/s: from the last interval, or from the time since the last step when that is
    /// longer.
    pub fn speed_mm_s(&self, at: Nanos) -> f64 {
        let Some(last) = self.last_step else { return 0.0 };
        let since_ns = last.interval_ns.max(at.saturating_sub(last.at)).max(1);
        last.way / seconds(since_ns) / self.steps_per_mm()
    }

    /// Upper bound on the speed of the axis at `at`, in mm/s. Between two pulses it may have been accelerated over a
    /// whole step, and turned: `v² = v₀² + 2as`.
    pub fn highest_speed_mm_s(&self, at: Nanos) -> f64 {
        let acceleration_mm_s2 = self.config().map_or(0.0, |config| config.limits.max_acceleration.get());
        libm::hypot(self.speed_mm_s(at), libm::sqrt(2.0 * acceleration_mm_s2 / self.steps_per_mm()))
    }

    /// Duration of a stop from `speed_mm_s` without its onset.
    pub fn ramp_ns(&self, speed_mm_s: f64) -> Nanos {
        let Some(config) = self.config() else { return 0 };
        (speed_mm_s / config.limits.stop_deceleration.get() * SECOND_NS as f64) as Nanos
    }

    /// Duration of a stop from the highest speed without its onset.
    pub fn longest_ramp_ns(&self) -> Nanos {
        self.config().map_or(0, |config| self.ramp_ns(config.limits.max_speed.get()))
    }

    /// True force at the last control cycle, in grams.
    pub fn force_g(&self) -> f64 {
        self.forces_g.back().copied().unwrap_or(0.0)
    }

    /// Least and greatest true force of the last `cycles` control cycles, in grams.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Regression: between a step and the step back behind it the plan goes half a step, and went a tenth then. That was taken for a
    /// whole step, and a slow wave that turned just behind a boundary for a fast one.
    #[test]
    fn a_turn_is_no_fast_step() {
        let mut facts = Facts::new(RailOptions::default(), SimulatedOperator::default());
        let ms = MILLISECOND_NS;
        for (at, forward, steps_per_s) in [
            (100 * ms, true, 1.0),
            (105 * ms, true, 200.0),
            (110 * ms, false, 100.0),
            (115 * ms, false, 200.0),
        ] {
            facts.record_step(at, forward);
            assert!((facts.speed_mm_s(at) - steps_per_s).abs() < 1e-6, "at {at}");
        }
    }
}
