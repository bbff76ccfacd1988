//! The train of steps of one motion: how fast, how hard, how abrupt, and whether it can still brake. Pure.
//!
//! All bounds are sound: a plan inside its limits, whose steps come where the plan crosses their boundaries, is
//! never reported. How sharp they are is told by [`super::derivative`].
//!
//! - *Speed, acceleration, jerk*: over neighbouring steps, and over steps so far apart that the doubt of an instant
//!   counts little.
//! - *Onset.* From rest, `x` steps on, no plan is faster than `√(2Ax)`, nor than `J/2 (6x/J)^⅔`, which is all
//!   acceleration or all jerk.
//! - *Missing.* Between two steps the plan crosses no boundary. An axis that is faster than `√(2A)` steps/s cannot
//!   come to rest within one step, so the next step must come while the hardest braking would still reach it. This
//!   finds a train that ends or pauses in mid-motion.
//! - *Braking.* The least speed and the strongest deceleration that the last steps allow are put into the formula of
//!   a stop; even that must end inside the range.

use super::derivative::{History, Mean, PlanSample, derivative, spacing_s};
use super::effort::Effort;
use super::violation::{Rule, RuleViolation};
use crate::motion::ProfileLimits;
use crate::motion::step_times::HYSTERESIS;
use crate::motion::{RampLimits, stop};
use crate::units::{MICROSECOND_NS, Nanos, SECOND_NS, seconds};

/// What is granted beyond every limit: the planner's own tolerances are below it.
const TOLERANCE: f64 = 0.01;
/// Samples are chosen so far apart that their doubt is this share of a limit.
const DOUBT_SHARE: f64 = 0.02;
/// How exactly the roots of the plan are found, in steps.
const ROOTS: f64 = 1e-5;
/// How far a late step may be behind the plan, in steps: an interval, which is a step, or more in a start.
const SLEWED: f64 = 1.25;
/// A late step is followed no closer than this share of the interval (S20).
const CLOSEST: f64 = 15.0 / 16.0;
/// As long as a motion is new.
const ONSET_STEPS: u64 = 16;
/// An input that reads active is sampled four times, 15 us apart, before it is believed or taken for a glitch; until then no
/// step is made (S20).
const SAMPLED_NS: Nanos = 60 * MICROSECOND_NS;
/// A step is due when the plan is this much past its boundary at the latest, in steps.
const BESIDE: f64 = 0.1;

/// How exactly edges come when they should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Precision {
    /// How far an edge may be beside its instant.
    pub edge_ns: Nanos,
    /// Whether, beyond that, a step may be late by up to an interval and be made up for (S20).
    pub slews: bool,
}

/// What the axis must stay inside of, in places of the step counter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Room {
    /// The back end.
    pub low: f64,
    /// The front end.
    pub high: f64,
}

/// The steps of one motion.
#[derive(Debug, Clone)]
pub struct Train {
    precision: Precision,
    /// The first step behind a turn may wait so long for the direction line.
    direction_setup_ns: Nanos,
    history: History,
    /// Where this motion began from rest, if it did and is still new.
    onset: Option<(i64, bool)>,
    at_rest: bool,
    /// When the next step must have come.
    due_by_ns: Option<Nanos>,
}

impl Train {
    /// At rest.
    #[must_use]
    pub fn new(precision: Precision, direction_setup_ns: Nanos) -> Train {
        Train {
            precision,
            direction_setup_ns,
            history: History::default(),
            onset: None,
            at_rest: true,
            due_by_ns: None,
        }
    }

    /// Whether no motion runs.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.at_rest
    }

    /// The motion is over.
    pub fn rest(&mut self) {
        self.interrupted();
        self.at_rest = true;
    }

    /// The time base moved: what came before says nothing about what follows.
    pub fn interrupted(&mut self) {
        self.history.clear();
        (self.onset, self.due_by_ns) = (None, None);
        self.at_rest = false;
    }

    /// The step that should have come by `now`, if the motion goes on; at all, if it is `over`. A loop that may
    /// stall has not given up: its step is judged when it comes. Neither has one that may be sampling an input.
    #[must_use]
    pub fn missing(&self, now: Nanos, over: bool) -> Option<RuleViolation> {
        let due = self.due_by_ns.filter(|due| over || now > *due + SAMPLED_NS && !self.precision.slews)?;
        Some(RuleViolation { rule: Rule::Missing, at_ns: now, found: now as f64, allowed: due as f64 })
    }

    /// A step from `count`. `room` is none where the range is not known, or does not count.
    pub fn step(
        &mut self,
        at: Nanos,
        count: i64,
        forward: bool,
        effort: &Effort,
        room: Option<Room>,
    ) -> Option<RuleViolation> {
        let rates = effort.since(at);
        let doubt = self.doubt(rates.speed);
        let keep_s = 4.0 * spacing_s(3, doubt, DOUBT_SHARE * rates.jerk);
        self.history.push(PlanSample::of_step(at, count, forward), keep_s);
        if core::mem::take(&mut self.at_rest) {
            self.onset = Some((count, forward));
        }
        let missing = self.due_by_ns.take().filter(|due| at > *due).map(|due| RuleViolation {
            rule: Rule::Missing,
            at_ns: at,
            found: at as f64,
            allowed: due as f64,
        });
        let braking = room.and_then(|room| self.braking(at, effort, room));
        let found = missing
            .or_else(|| self.onset(at, count, forward, effort))
            .or_else(|| self.speed(at, effort))
            .or_else(|| self.derived::<3>(Rule::Acceleration, at, effort, |rates| rates.acceleration))
            .or_else(|| self.derived::<4>(Rule::Jerk, at, effort, |rates| rates.jerk))
            .or(braking);
        self.due_by_ns = self.next_due(at, effort);
        found
    }

    /// How exactly an edge tells the place of the plan, in steps.
    fn doubt(&self, speed: f64) -> f64 {
        self.doubt_on_time(speed) + if self.precision.slews { SLEWED } else { 0.0 }
    }

    fn doubt_on_time(&self, speed: f64) -> f64 {
        ROOTS + speed * seconds(self.precision.edge_ns)
    }

    fn hurry(&self) -> f64 {
        if self.precision.slews { 1.0 / CLOSEST } else { 1.0 }
    }

    /// Over two steps a late one may be made up for; over many that counts little.
    fn speed(&self, at: Nanos, effort: &Effort) -> Option<RuleViolation> {
        let samples = self.history.newest::<2>()?;
        let limit = effort.since(samples[1].at).speed;
        let mean = derivative(&samples, self.doubt_on_time(limit));
        beyond(Rule::Speed, at, mean, limit * self.hurry())
            .or_else(|| self.spaced::<2>(Rule::Speed, at, effort, |rates| rates.speed))
    }

    fn derived<const N: usize>(
        &self,
        rule: Rule,
        at: Nanos,
        effort: &Effort,
        limit: fn(&ProfileLimits) -> f64,
    ) -> Option<RuleViolation> {
        let samples = self.history.newest::<N>()?;
        self.judged(rule, at, effort, limit, &samples).or_else(|| self.spaced::<N>(rule, at, effort, limit))
    }

    fn spaced<const N: usize>(
        &self,
        rule: Rule,
        at: Nanos,
        effort: &Effort,
        limit: fn(&ProfileLimits) -> f64,
    ) -> Option<RuleViolation> {
        let rates = effort.since(at);
        let apart_s = spacing_s(N as u32 - 1, self.doubt(rates.speed), DOUBT_SHARE * limit(&rates));
        let samples = self.history.spaced::<N>(apart_s)?;
        self.judged(rule, at, effort, limit, &samples)
    }

    fn judged<const N: usize>(
        &self,
        rule: Rule,
        at: Nanos,
        effort: &Effort,
        limit: fn(&ProfileLimits) -> f64,
        samples: &[PlanSample; N],
    ) -> Option<RuleViolation> {
        let rates = effort.since(samples[N - 1].at);
        let doubt = self.doubt(rates.speed) + self.doubt_of_a_turn(samples);
        beyond(rule, at, derivative(samples, doubt), limit(&rates))
    }

    /// At a turn, a step that the plan wants at once waits for the direction line.
    fn doubt_of_a_turn(&self, samples: &[PlanSample]) -> f64 {
        let ways = || samples.windows(2).map(|pair| (pair[0].place - pair[1].place, pair[0].at - pair[1].at));
        // Steps the same way are a whole one apart.
        if ways().all(|(way, _)| way.abs() > 0.5) {
            return 0.0;
        }
        let fastest = ways().map(|(way, ns)| way.abs() / seconds(ns.max(1))).fold(0.0, f64::max);
        fastest * seconds(self.direction_setup_ns)
    }

    fn onset(&mut self, at: Nanos, count: i64, forward: bool, effort: &Effort) -> Option<RuleViolation> {
        let (rested_on, began_forward) = self.onset?;
        let steps = count.abs_diff(rested_on);
        if forward != began_forward || steps > ONSET_STEPS {
            self.onset = None;
            return None;
        }
        let samples = self.history.newest::<2>()?;
        let rates = effort.since(samples[1].at);
        // At rest the plan was at most half a step and the hysteresis on the other side of the count.
        let way = steps as f64 + 2.0 * (0.5 + HYSTERESIS);
        let by_acceleration = libm::sqrt(2.0 * rates.acceleration * way);
        let by_jerk = rates.jerk / 2.0 * libm::pow(6.0 * way / rates.jerk, 2.0 / 3.0);
        let mean = derivative(&samples, self.doubt_on_time(rates.speed));
        beyond(Rule::Onset, at, mean, by_acceleration.min(by_jerk) * self.hurry())
    }

    /// The speed of the last two steps in the direction of the last one, if both went the same way.
    fn last_speed(&self, effort: &Effort) -> Option<(f64, Mean, [PlanSample; 2])> {
        let samples = self.history.newest::<2>()?;
        let way = samples[0].place - samples[1].place;
        let mean = derivative(&samples, self.doubt_on_time(effort.since(samples[1].at).speed));
        (way.abs() > 0.5).then_some((way.signum(), mean, samples))
    }

    /// When the next step must have come, because the hardest braking does not end before it.
    fn next_due(&self, at: Nanos, effort: &Effort) -> Option<Nanos> {
        let (_, mean, samples) = self.last_speed(effort)?;
        let braking = effort.stop().acceleration * (1.0 + TOLERANCE);
        let since_s = seconds(at - samples[1].at);
        let least = mean.value.abs() / self.hurry() - mean.doubt - braking * since_s;
        let way = 1.0 + BESIDE;
        let square = least * least - 2.0 * braking * way;
        if least <= 0.0 || square <= 0.0 {
            return None;
        }
        let within_s = 2.0 * way / (least + libm::sqrt(square));
        let late_s = if self.precision.slews { within_s } else { 0.0 };
        Some(at + self.precision.edge_ns + ((within_s + late_s) * SECOND_NS as f64) as Nanos)
    }

    /// Whether the axis can still brake.
    fn braking(&self, at: Nanos, effort: &Effort, room: Room) -> Option<RuleViolation> {
        let (side, mean, samples) = self.last_speed(effort)?;
        let stop = effort.stop();
        let firm = RampLimits {
            acceleration: stop.acceleration * (1.0 + TOLERANCE),
            jerk: stop.jerk * (1.0 + TOLERANCE),
        };
        let place = samples[0].place;
        let left = if side > 0.0 { room.high - place } else { place - room.low };
        let state = self.state(side, mean, samples, effort, firm);
        let landing = |v: f64, a: f64| {
            if v > 0.0 {
                stop::displacement(v, a.clamp(-firm.acceleration, firm.acceleration), firm)
            } else {
                0.0
            }
        };
        let found = landing(state.v - state.v_doubt, state.a - state.a_doubt);
        let allowed = left + BESIDE;
        (found > allowed).then_some(RuleViolation { rule: Rule::Braking, at_ns: at, found, allowed })
    }

    /// Speed and acceleration at the last step, in its direction.
    ///
    /// With a third step at hand, by the parabola through all three: its slope at the newest one is beside the
    /// truth by at most `J/6 (t₀-t₁)(t₀-t₂)`, its curvature by `J (t₀-t₂)`. Where steps may be late, only the mean of
    /// the speed is used.
    fn state(
        &self,
        side: f64,
        mean: Mean,
        samples: [PlanSample; 2],
        effort: &Effort,
        firm: RampLimits,
    ) -> KinematicState {
        let last_s = seconds(samples[0].at - samples[1].at);
        let three = self.history.newest::<3>().filter(|_| !self.precision.slews);
        let Some(three) = three else {
            let v = side * mean.value / self.hurry();
            let v_doubt = mean.doubt + firm.acceleration * last_s;
            return KinematicState { v, v_doubt, a: 0.0, a_doubt: firm.acceleration };
        };
        let span_s = seconds(three[0].at - three[2].at);
        let bend = derivative(&three, self.doubt_on_time(effort.since(three[2].at).speed));
        KinematicState {
            v: side * (mean.value + bend.value / 2.0 * last_s),
            v_doubt: mean.doubt + bend.doubt / 2.0 * last_s + firm.jerk / 6.0 * last_s * span_s,
            a: side * bend.value,
            a_doubt: bend.doubt + firm.jerk * span_s,
        }
    }
}

struct KinematicState {
    v: f64,
    v_doubt: f64,
    a: f64,
    a_doubt: f64,
}

fn beyond(rule: Rule, at_ns: Nanos, mean: Mean, limit: f64) -> Option<RuleViolation> {
    let (found, allowed) = (mean.value.abs(), limit * (1.0 + TOLERANCE) + mean.doubt);
    (found > allowed).then_some(RuleViolation { rule, at_ns, found, allowed })
}
