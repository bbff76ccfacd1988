//! The pulse checker: every edge against every promise about pulses, while the machine runs.
//!
//! It gets the edges as they come, and from time to time a look at the machine ([`TraceSample`]): state, limits in force,
//! calibrated range, stop line. An edge is judged when a look *after* it is there, with the looks on both sides of
//! it and the one before, since whoever looks in a thread of its own sees things a little after the instant that it
//! writes on them. What any of these looks excuses is excused.
//!
//! Two things may end a motion without a ramp, and only they: a halt, and an input that trips.

use std::collections::VecDeque;

use super::effort::Effort;
use super::lines::Lines;
use super::train::{Precision, Room, Train};
use super::violation::{Rule, RuleViolation, Trace, Violation};
use crate::drive::status::EndCause;
use crate::drive::{PulseTiming, TraceSample};
use crate::hal::{Edge, EdgeKind};
use crate::machine::{Config, State, StopLevel};
use crate::motion::ProfileLimits;
use crate::motion::RampLimits;
use crate::units::{MILLISECOND_NS, Nanos};

/// Promise S4: no edge later than this after a halt.
const HALT_WITHIN_NS: Nanos = MILLISECOND_NS;
/// From a look that sees the axis at rest, until every step of that motion is judged, and none of the next one: a
/// motion is planned 5 ms ahead of its first step.
const RESTS_WITHIN_NS: Nanos = 4 * MILLISECOND_NS;
/// No motion begins and ends between two looks that are no farther apart than this.
const CLOSE_LOOKS_NS: Nanos = 2 * MILLISECOND_NS;

/// What the checker is told once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CheckOptions {
    /// How the driver wants its pulses.
    pub timing: PulseTiming,
    /// How exactly edges come.
    pub precision: Precision,
    /// The fastest move of homing, in mm/s.
    pub homing_mm_s: f64,
}

/// Watches the pulses.
#[derive(Debug)]
pub struct PulseChecker {
    options: CheckOptions,
    /// Edges that wait for the next look.
    waiting: VecDeque<Edge>,
    trace: Trace,
    lines: Lines,
    train: Train,
    effort: Option<Effort>,
    steps_per_mm: f64,
    count: i64,
    /// The last two looks, the newer one first.
    last: Option<(TraceSample, TraceSample)>,
    /// When the motion that was seen to be over counts as over.
    rests_at_ns: Option<Nanos>,
    halted_since_ns: Option<Nanos>,
    violations: u64,
}

/// Two looks, and what lies between them.
struct Between<'a> {
    /// At rest since the look before both.
    rested: bool,
    before: &'a TraceSample,
    now: &'a TraceSample,
    halted_since_ns: Option<Nanos>,
    room: Option<Room>,
    steps: Option<(i64, i64)>,
    rebased: bool,
    cut: bool,
}

impl PulseChecker {
    /// A checker that has seen nothing yet.
    #[must_use]
    pub fn new(options: CheckOptions) -> PulseChecker {
        PulseChecker {
            options,
            waiting: VecDeque::new(),
            trace: Trace::default(),
            lines: Lines::new(options.timing),
            train: Train::new(options.precision, options.timing.direction_setup_ns),
            effort: None,
            steps_per_mm: 1.0,
            count: 0,
            last: None,
            rests_at_ns: None,
            halted_since_ns: None,
            violations: 0,
        }
    }

    /// Takes an edge; it is judged at the next look.
    pub fn edge(&mut self, edge: Edge) {
        self.waiting.push_back(edge);
    }

    /// How many promises were broken so far.
    #[must_use]
    pub fn violations(&self) -> u64 {
        self.violations
    }

    /// Edges were lost on the way to here: what is judged from now on must not lean on what came before.
    pub fn lost_edges(&mut self) {
        self.waiting.clear();
        self.lines = Lines::midway(self.options.timing);
        self.train.interrupted();
        self.last = None;
    }

    /// Takes a look at the machine, and judges the edges up to it. Tells the first violation among them.
    pub fn look(&mut self, now: &TraceSample) -> Option<Violation> {
        let (before, earlier) = self.last.unwrap_or((*now, *now));
        self.last = Some((*now, before));
        let effort = self.limits(&before, now);
        let between = self.between(&earlier, &before, now);
        if between.rebased {
            self.train.interrupted();
        }
        let mut first = None;
        while self.waiting.front().is_some_and(|edge| edge.at <= now.at_ns)
            && let Some(edge) = self.waiting.pop_front()
        {
            self.trace.push(edge);
            let found = self.judge(edge, &between, &effort);
            self.report(found, &mut first);
        }
        let found = self.afterwards(&between);
        self.report(found, &mut first);
        self.effort = Some(effort);
        first
    }

    fn report(&mut self, found: Option<RuleViolation>, first: &mut Option<Violation>) {
        let Some(broken) = found else { return };
        self.violations += 1;
        // The rest of this motion would only echo it.
        self.train.interrupted();
        first.get_or_insert_with(|| Violation { broken, trace: self.trace.to_string() });
    }

    /// The limits in force between both looks, in steps.
    fn limits(&mut self, before: &TraceSample, now: &TraceSample) -> Effort {
        if before.resting || self.effort.is_none() {
            self.steps_per_mm = scale(now);
        }
        let (gentle, stop) = rates(&now.config, self.options.homing_mm_s, self.steps_per_mm, now.state);
        let mut effort = match self.effort {
            Some(effort) if !before.resting => effort,
            _ => Effort::new(gentle, stop),
        };
        effort.change(gentle, stop, before.at_ns);
        let stopping = |seen: &TraceSample| {
            seen.stop != StopLevel::None || matches!(seen.state, State::Stopping | State::Faulted)
        };
        // A shifted time base shifts the end of a ramp too.
        let shifted = before.ended != now.ended || before.rebases != now.rebases;
        let slowed = now.speed_bound_mm_s < before.speed_bound_mm_s;
        if stopping(before) || stopping(now) || shifted || slowed || self.pushed_back(now) {
            effort.slow_down(before.at_ns);
            effort.slow_down(now.at_ns);
        }
        if now.config.stroke_limit < before.config.stroke_limit {
            effort.shorten(now.at_ns);
        }
        effort
    }

    /// Whether a force allows less than the highest speed.
    fn pushed_back(&self, now: &TraceSample) -> bool {
        let force_g = now.force_g.unwrap_or(0.0).abs();
        now.config.allowance.speed_mm_s(force_g) < now.config.limits.max_speed.get()
    }

    fn between<'a>(
        &mut self,
        earlier: &TraceSample,
        before: &'a TraceSample,
        now: &'a TraceSample,
    ) -> Between<'a> {
        let homing = before.state == State::Homing || now.state == State::Homing;
        let calibration = before.calibration.filter(|_| !homing && now.calibration == before.calibration);
        let steps = calibration.map(|found| (found.origin_steps, found.origin_steps + found.max_steps));
        self.halted_since_ns = match (before.stop, now.stop) {
            (StopLevel::Halt, StopLevel::Halt) => self.halted_since_ns.or(Some(now.at_ns)),
            _ => None,
        };
        let new_end = |wanted: fn(EndCause) -> bool| {
            earlier.ended != now.ended && now.ended.is_some_and(|ended| wanted(ended.cause))
        };
        // While an input is read again, the step behind it waits.
        let read_again = earlier.glitches != now.glitches || earlier.inputs != now.inputs;
        // On a computer that is never late no time base moves, whatever the machine says of it.
        let late = earlier.rebases != now.rebases || new_end(|cause| cause == EndCause::Late);
        let rebased = read_again || self.options.precision.slews && late;
        Between {
            rested: earlier.resting && before.resting && now.resting && earlier.ended == now.ended,
            before,
            now,
            halted_since_ns: self.halted_since_ns,
            room: steps.map(|(low, high)| Room { low: low as f64, high: high as f64 }),
            steps,
            rebased,
            cut: new_end(|cause| matches!(cause, EndCause::Tripped | EndCause::Halted)),
        }
    }

    fn judge(&mut self, edge: Edge, between: &Between<'_>, effort: &Effort) -> Option<RuleViolation> {
        let lines = self.lines.edge(edge);
        let Edge { at, kind: EdgeKind::StepBegins { forward } } = edge else { return lines };
        let unfinished = self.settle(at);
        let from = self.count;
        self.count += if forward { 1 } else { -1 };
        let mut motion = self.train.step(at, from, forward, effort, between.room);
        if let Some(RuleViolation { rule: Rule::Missing, .. }) = motion
            && (between.cut
                || between.rebased
                || between.now.ended.is_some_and(|end| end.cause == EndCause::Late))
        {
            // The motion was cut, and this is the next one already; or the time base moved, which is not told again
            // once a late step has ended the motion.
            self.train.interrupted();
            motion = None;
        }
        if between.rebased {
            // The time base moved at one of these steps, and nobody knows at which.
            motion = None;
        }
        lines
            .or_else(|| self.allowed_now(at, between))
            .or_else(|| self.in_range(at, between))
            .or(unfinished)
            .or(motion)
    }

    /// Whether any step may come at all.
    fn allowed_now(&self, at: Nanos, between: &Between<'_>) -> Option<RuleViolation> {
        let Between { before, now, .. } = between;
        let late = between.halted_since_ns.map(|since| since + HALT_WITHIN_NS).filter(|latest| at > *latest);
        if let Some(latest) = late {
            return Some(RuleViolation {
                rule: Rule::AfterHalt,
                at_ns: at,
                found: at as f64,
                allowed: latest as f64,
            });
        }
        let close = now.at_ns - before.at_ns <= CLOSE_LOOKS_NS;
        let moves = |seen: &TraceSample| seen.state.is_moving() || seen.state == State::Faulted;
        let at_rest = between.rested && (close || !(moves(before) || moves(now)));
        at_rest.then_some(RuleViolation { rule: Rule::AtRest, at_ns: at, found: 1.0, allowed: 0.0 })
    }

    fn in_range(&self, at: Nanos, between: &Between<'_>) -> Option<RuleViolation> {
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

    /// By `at`, a motion that was seen to be over is over; whether it came to rest before.
    fn settle(&mut self, at: Nanos) -> Option<RuleViolation> {
        self.rests_at_ns.take_if(|rests_at| *rests_at <= at)?;
        let missing = self.train.missing(at, true);
        self.train.rest();
        missing
    }

    /// What the steps up to this look leave open.
    fn afterwards(&mut self, between: &Between<'_>) -> Option<RuleViolation> {
        let now = between.now;
        if between.rebased || between.cut {
            self.train.interrupted();
        }
        let missing = self.train.missing(now.at_ns, false).or_else(|| self.settle(now.at_ns));
        if now.resting && !self.train.is_at_rest() {
            self.rests_at_ns.get_or_insert(now.at_ns + RESTS_WITHIN_NS);
        }
        let counted = now.count.filter(|count| *count != self.count && self.waiting.is_empty());
        missing.or_else(|| {
            let told = counted?;
            let made = core::mem::replace(&mut self.count, told);
            Some(RuleViolation {
                rule: Rule::Count,
                at_ns: now.at_ns,
                found: told as f64,
                allowed: made as f64,
            })
        })
    }
}

/// Steps for a millimetre of the motions that may begin now.
fn scale(seen: &TraceSample) -> f64 {
    let geometry = &seen.config.geometry;
    match seen.calibration {
        Some(calibration) if seen.state != State::Homing => calibration.steps_per_mm(geometry),
        _ => geometry.nominal.get(),
    }
}

fn rates(config: &Config, homing_mm_s: f64, scale: f64, state: State) -> (ProfileLimits, RampLimits) {
    let limits = &config.limits;
    let speed = if state == State::Homing { homing_mm_s } else { limits.max_speed.get() };
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
