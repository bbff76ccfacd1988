//! Pulse checker: run-time verification of every edge against the safety promises about pulses.
//!
//! It gets the edges as they come, and trace samples of the control cycle ([`TraceSample`]): state, limits in force,
//! calibrated range, stop line. An edge is checked when a sample *after* it is there, against the samples on both sides
//! of it and the one before those, since the thread that samples sees changes a little after the instant that it writes
//! down. An excuse in any of these samples counts.
//!
//! Only two events may end a motion without a ramp: a halt, and an armed input.

use std::collections::VecDeque;

use super::active_limits::ActiveLimits;
use super::line_checker::LineChecker;
use super::step_train::{PositionRange, Precision, StepTrain};
use super::violation::{EdgeTrace, Rule, RuleViolation, Violation};
use crate::drive::status::EndCause;
use crate::drive::{PulseTiming, TraceSample};
use crate::hal::{Edge, EdgeKind};
use crate::machine::{Config, State, StopLevel};
use crate::motion::ProfileLimits;
use crate::motion::RampLimits;
use crate::units::{MILLISECOND_NS, Nanos};

/// Longest time from a halt to the last edge (promise S4).
const HALT_WITHIN_NS: Nanos = MILLISECOND_NS;
/// Time from a sample with the axis at rest until every step of that motion is checked and none of the next one has
/// come: a motion is planned 5 ms ahead of its first step.
const RESTS_WITHIN_NS: Nanos = 4 * MILLISECOND_NS;
/// A motion that begins and ends between two samples no farther apart than this is impossible.
const CLOSE_SAMPLES_NS: Nanos = 2 * MILLISECOND_NS;

/// Fixed parameters of the checker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CheckOptions {
    /// Timing that the motor driver needs.
    pub timing: PulseTiming,
    /// Precision of the edges' timing.
    pub precision: Precision,
    /// Highest speed of homing (mm/s).
    pub homing_mm_s: f64,
}

/// Checker of the pulses of one machine.
#[derive(Debug)]
pub struct PulseChecker {
    options: CheckOptions,
    /// Edges that wait for the next trace sample.
    waiting: VecDeque<Edge>,
    trace: EdgeTrace,
    lines: LineChecker,
    train: StepTrain,
    limits: Option<ActiveLimits>,
    steps_per_mm: f64,
    count: i64,
    /// The last two trace samples, the newer one first.
    last: Option<(TraceSample, TraceSample)>,
    /// Instant at which the motion that a sample showed at rest counts as over.
    rests_at_ns: Option<Nanos>,
    halted_since_ns: Option<Nanos>,
    /// True once a late step has ended the motion that goes on: a lasting stall cuts its ramp wherever it is (S20), and
    /// the cause that is reported stays the late step.
    ended_late: bool,
    violations: u64,
}

/// Two trace samples, and the state between them.
struct CycleInterval<'a> {
    /// True if the axis rests in both samples and in the one before them.
    rested: bool,
    before: &'a TraceSample,
    now: &'a TraceSample,
    halted_since_ns: Option<Nanos>,
    range: Option<PositionRange>,
    steps: Option<(i64, i64)>,
    rebased: bool,
    cut: bool,
}

impl PulseChecker {
    /// The state before any edge.
    pub fn new(options: CheckOptions) -> PulseChecker {
        PulseChecker {
            options,
            waiting: VecDeque::new(),
            trace: EdgeTrace::default(),
            lines: LineChecker::new(options.timing),
            train: StepTrain::new(options.precision, options.timing.direction_setup_ns),
            limits: None,
            steps_per_mm: 1.0,
            count: 0,
            last: None,
            rests_at_ns: None,
            halted_since_ns: None,
            ended_late: false,
            violations: 0,
        }
    }

    /// Adds an edge, to be checked with the next trace sample.
    pub fn add_edge(&mut self, edge: Edge) {
        self.waiting.push_back(edge);
    }

    /// Number of violations so far.
    pub fn violations(&self) -> u64 {
        self.violations
    }

    /// Reports that edges were lost before they came here; later checks use nothing from before the gap.
    pub fn report_lost_edges(&mut self) {
        self.waiting.clear();
        self.lines = LineChecker::after_gap(self.options.timing);
        self.train.discard_history();
        self.last = None;
    }

    /// Adds a trace sample, and checks the edges up to it. Returns the first violation among them.
    pub fn check(&mut self, now: &TraceSample) -> Option<Violation> {
        let (before, earlier) = self.last.unwrap_or((*now, *now));
        self.last = Some((*now, before));
        let limits = self.update_limits(&before, now);
        let between = self.interval(&earlier, &before, now);
        if between.rebased {
            self.train.discard_history();
        }
        let mut first = None;
        while self.waiting.front().is_some_and(|edge| edge.at <= now.at_ns)
            && let Some(edge) = self.waiting.pop_front()
        {
            self.trace.push(edge);
            let found = self.check_edge(edge, &between, &limits);
            self.count_violation(found, &mut first);
        }
        let found = self.check_after_edges(&between);
        self.count_violation(found, &mut first);
        self.limits = Some(limits);
        first
    }

    fn count_violation(&mut self, found: Option<RuleViolation>, first: &mut Option<Violation>) {
        let Some(broken) = found else { return };
        self.violations += 1;
        // The rest of this motion would repeat the same violation.
        self.train.discard_history();
        first.get_or_insert_with(|| Violation { broken, trace: self.trace.to_string() });
    }

    /// Limits in force between both samples, in units of steps.
    fn update_limits(&mut self, before: &TraceSample, now: &TraceSample) -> ActiveLimits {
        if before.resting || self.limits.is_none() {
            self.steps_per_mm = steps_per_mm(now);
        }
        let (gentle, stop) = rates(&now.config, self.options.homing_mm_s, self.steps_per_mm, now.state);
        let mut limits = match self.limits {
            Some(limits) if !before.resting => limits,
            _ => ActiveLimits::new(gentle, stop),
        };
        limits.set(gentle, stop, before.at_ns);
        let stopping = |seen: &TraceSample| {
            seen.stop != StopLevel::None || matches!(seen.state, State::Stopping | State::Faulted)
        };
        // A shift of the time base also shifts the end of a ramp.
        let shifted = before.ended != now.ended || before.rebases != now.rebases;
        let slowed = now.speed_bound_mm_s < before.speed_bound_mm_s;
        if stopping(before) || stopping(now) || shifted || slowed || self.is_force_limited(now) {
            limits.allow_stop(before.at_ns);
            limits.allow_stop(now.at_ns);
        }
        if now.config.stroke_limit < before.config.stroke_limit {
            limits.allow_shorter_stroke(now.at_ns);
        }
        limits
    }

    /// True if the force limits the speed below the highest.
    fn is_force_limited(&self, now: &TraceSample) -> bool {
        let force_g = now.force_g.unwrap_or(0.0).abs();
        now.config.allowance.speed_mm_s(force_g) < now.config.limits.max_speed.get()
    }

    fn interval<'a>(
        &mut self,
        earlier: &TraceSample,
        before: &'a TraceSample,
        now: &'a TraceSample,
    ) -> CycleInterval<'a> {
        let homing = before.state.is_homing_move() || now.state.is_homing_move();
        let calibration = before.calibration.filter(|_| !homing && now.calibration == before.calibration);
        let steps = calibration.map(|found| (found.origin_steps, found.origin_steps + found.max_steps));
        self.halted_since_ns = match (before.stop, now.stop) {
            (StopLevel::Halt, StopLevel::Halt) => self.halted_since_ns.or(Some(now.at_ns)),
            _ => None,
        };
        let new_end = |wanted: fn(EndCause) -> bool| {
            earlier.ended != now.ended && now.ended.is_some_and(|ended| wanted(ended.cause))
        };
        // While an input is debounced, the step behind it waits.
        let read_again = earlier.glitches != now.glitches || earlier.inputs != now.inputs;
        // Where lateness cannot happen the time base never moves, whatever the machine reports.
        let slews = self.options.precision.slews;
        let ended_late = slews && new_end(|cause| cause == EndCause::Late);
        self.ended_late |= ended_late;
        let rebased = read_again || slews && earlier.rebases != now.rebases || ended_late;
        CycleInterval {
            rested: earlier.resting && before.resting && now.resting && earlier.ended == now.ended,
            before,
            now,
            halted_since_ns: self.halted_since_ns,
            range: steps.map(|(low, high)| PositionRange { low: low as f64, high: high as f64 }),
            steps,
            rebased,
            cut: new_end(|cause| matches!(cause, EndCause::Tripped | EndCause::Halted)),
        }
    }

    fn check_edge(
        &mut self,
        edge: Edge,
        between: &CycleInterval<'_>,
        limits: &ActiveLimits,
    ) -> Option<RuleViolation> {
        let lines = self.lines.check_edge(edge);
        let Edge { at, kind: EdgeKind::StepBegins { forward } } = edge else { return lines };
        let unfinished = self.end_motion(at);
        let from = self.count;
        self.count += if forward { 1 } else { -1 };
        let mut motion = self.train.check_step(at, from, forward, limits, between.range);
        if let Some(RuleViolation { rule: Rule::Missing, .. }) = motion
            && (between.cut || between.rebased || self.ended_late)
        {
            // The motion was cut, and this step begins the next one; or the time base moved, which is not reported
            // again after a late step has ended the motion.
            self.train.discard_history();
            motion = None;
        }
        if between.rebased {
            // The time base moved at one of these steps, and which one is not known.
            motion = None;
        }
        lines
            .or_else(|| self.check_step_allowed(at, between))
            .or_else(|| self.check_range(at, between))
            .or(unfinished)
            .or(motion)
    }

    /// Checks that a step may come at all: not after a halt, and not at rest.
    fn check_step_allowed(&self, at: Nanos, between: &CycleInterval<'_>) -> Option<RuleViolation> {
        let CycleInterval { before, now, .. } = between;
        let late = between.halted_since_ns.map(|since| since + HALT_WITHIN_NS).filter(|latest| at > *latest);
        if let Some(latest) = late {
            return Some(RuleViolation {
                rule: Rule::AfterHalt,
                at_ns: at,
                found: at as f64,
                allowed: latest as f64,
            });
        }
        let close = now.at_ns - before.at_ns <= CLOSE_SAMPLES_NS;
        let moves = |seen: &TraceSample| seen.state.is_moving() || seen.state == State::Faulted;
        let at_rest = between.rested && (close || !(moves(before) || moves(now)));
        at_rest.then_some(RuleViolation { rule: Rule::AtRest, at_ns: at, found: 1.0, allowed: 0.0 })
    }

    fn check_range(&self, at: Nanos, between: &CycleInterval<'_>) -> Option<RuleViolation> {
        let (low, high) = between.steps?;
        let broken = |allowed: i64| RuleViolation {
            rule: Rule::Range,
            at_ns: at,
            found: self.count as f64,
            allowed: allowed as f64,
        };
        if self.count < low {
            Some(broken(low))
        } else if self.count > high {
            Some(broken(high))
        } else {
            None
        }
    }

    /// Ends at `at` a motion that a sample showed at rest; reports if a step is missing.
    fn end_motion(&mut self, at: Nanos) -> Option<RuleViolation> {
        self.rests_at_ns.take_if(|rests_at| *rests_at <= at)?;
        let missing = self.train.check_missing(at, true);
        self.train.end_motion();
        let ended_late = core::mem::take(&mut self.ended_late);
        missing.filter(|_| !ended_late)
    }

    /// Checks what the edges up to this sample leave open: missing steps, and the step counter.
    fn check_after_edges(&mut self, between: &CycleInterval<'_>) -> Option<RuleViolation> {
        let now = between.now;
        if between.rebased || between.cut {
            self.train.discard_history();
        }
        let missing = self.train.check_missing(now.at_ns, false).or_else(|| self.end_motion(now.at_ns));
        if now.resting && !self.train.is_at_rest() {
            self.rests_at_ns.get_or_insert(now.at_ns + RESTS_WITHIN_NS);
        }
        let counted = now.count.filter(|count| *count != self.count && self.waiting.is_empty());
        missing.or_else(|| {
            let reported = counted?;
            let made = core::mem::replace(&mut self.count, reported);
            Some(RuleViolation {
                rule: Rule::Count,
                at_ns: now.at_ns,
                found: reported as f64,
                allowed: made as f64,
            })
        })
    }
}

/// Steps per millimetre of motions that may begin now.
fn steps_per_mm(seen: &TraceSample) -> f64 {
    let geometry = &seen.config.geometry;
    match seen.calibration {
        Some(calibration) if !seen.state.is_homing_move() => calibration.steps_per_mm(geometry),
        _ => geometry.nominal.get(),
    }
}

fn rates(config: &Config, homing_mm_s: f64, scale: f64, state: State) -> (ProfileLimits, RampLimits) {
    let limits = &config.limits;
    let speed = if state.is_homing_move() { homing_mm_s } else { limits.max_speed.get() };
    let gentle = ProfileLimits {
        speed: speed * scale,
        acceleration: limits.max_acceleration.get() * scale,
        jerk: limits.max_jerk.get() * scale,
    };
    let stop = RampLimits {
        acceleration: limits.stop_deceleration.get() * scale,
        jerk: limits.stop_jerk_mm_s3() * scale,
    };
    (gentle, stop)
}
