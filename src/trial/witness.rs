//! The witness: sees every edge, every line, every decision and every answer, and asks each promise about them.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

use super::client::{ClientAnswer, Who};
use super::facts::Facts;
use super::judge::{Eyes, Judge, WindowLimits};
use super::promises::{self, Promise, PromiseResult};
use super::tap::{Ask, PortCall};
use crate::diag::{CheckOptions, PulseChecker};
use crate::drive::{CycleObserver, TraceSample};
use crate::hal::sim::{RailOptions, SimulatedOperator};
use crate::hal::{Edge, EdgeKind, EdgeSink};
use crate::machine::{CommandKind, Config, Event, Inputs, State};
use crate::units::{Nanos, seconds};

/// Lines of the story that a broken promise is told with.
const STORY: usize = 60;
/// Bodies beyond this are not part of it, in bytes.
const LONG_BODY: usize = 400;

/// A promise that was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromiseViolation {
    /// Which.
    pub promise: String,
    /// When.
    pub at_ns: Nanos,
    /// What happened instead.
    pub what: String,
    /// What led to it.
    pub story: String,
}

/// FNV-1a (Fowler, Noll, Vo): the same number for the same story on every computer.
#[derive(Debug, Clone)]
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
}

/// Sees everything.
pub struct TrialWitness {
    /// What the promises are judged by.
    pub facts: Facts,
    promises: Vec<Box<dyn Promise>>,
    checker: PulseChecker,
    /// None on a computer that is ever late: its edges tell little of the plan.
    judge: Option<Judge>,
    bounds: Option<WindowLimits>,
    story: VecDeque<String>,
    digest: Fnv,
    steps: u64,
    broken: Option<PromiseViolation>,
    now: Nanos,
    probe: Option<Probe>,
}

/// From a fault that began to what the machine did about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// When the fault began.
    pub from_ns: Nanos,
    /// When a fault latched, since then.
    pub latched_ns: Option<Nanos>,
    /// The last step, until the machine has left that fault.
    pub last_step_ns: Nanos,
    over: bool,
}

impl TrialWitness {
    /// A witness of a machine at power-on.
    #[must_use]
    pub fn new(check: CheckOptions, rail: RailOptions, operator: SimulatedOperator) -> TrialWitness {
        TrialWitness {
            facts: Facts::new(rail, operator),
            promises: promises::all(),
            checker: PulseChecker::new(check),
            judge: (!check.precision.slews).then(|| Judge::new(eyes(&check))),
            bounds: None,
            story: VecDeque::new(),
            digest: Fnv(0xCBF2_9CE4_8422_2325),
            steps: 0,
            broken: None,
            now: 0,
            probe: None,
        }
    }

    /// A fault begins now, while the axis moves: how long does it take?
    pub fn probe(&mut self) {
        self.probe = Some(Probe { from_ns: self.now, latched_ns: None, last_step_ns: self.now, over: false });
    }

    /// What came of it.
    pub fn probed(&mut self) -> Option<Probe> {
        self.probe.take()
    }

    /// The first broken promise.
    #[must_use]
    pub fn broken(&self) -> Option<&PromiseViolation> {
        self.broken.as_ref()
    }

    /// A number that stands for everything that was seen.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.digest.finish()
    }

    /// How many steps were made.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Takes over what an earlier witness of the same run has seen.
    pub fn continues(&mut self, earlier: TrialWitness) {
        self.story = earlier.story;
        self.digest = earlier.digest;
        self.steps = earlier.steps;
        self.broken = earlier.broken;
        self.now = earlier.now;
    }

    /// Something may make the axis brake firmly, until then and for a moment more. That holds at once: who is disturbed may
    /// make no further cycle.
    pub fn disturb(&mut self, until: Nanos) {
        self.facts.disturb(until);
        self.bounds = self.facts.bounds(self.now);
    }

    /// What led to this instant.
    #[must_use]
    pub fn story(&self) -> String {
        told(&self.story)
    }

    /// Something for the story.
    pub fn tell(&mut self, line: impl std::fmt::Display) {
        if self.story.len() == STORY {
            self.story.pop_front();
        }
        let line = format!("{:>11.4} s  {line}", seconds(self.now));
        self.digest.write(line.as_bytes());
        self.story.push_back(line);
    }

    /// The API asked the machine for something.
    pub fn asked(&mut self, asked: PortCall) {
        asked.hash(&mut self.digest);
        match asked.what {
            Ask::Stop => self.disturb(self.now),
            Ask::Command(CommandKind::Calibrate) => self.facts.told.page_waves = false,
            Ask::Command(_) => {}
        }
        self.judge(|promise, facts| promise.asked(facts, &asked));
    }

    fn happened(&mut self, event: &Event) {
        if let (Some(probe), Event::Entered { to: State::Faulted, at_ns, .. }) = (&mut self.probe, event) {
            probe.latched_ns.get_or_insert(*at_ns);
        }
        if let (Some(probe), Event::Entered { from: State::Faulted, .. }) = (&mut self.probe, event) {
            probe.over = true;
        }
        match event {
            // Their numbers are the bridge's; the answers tell the same.
            Event::Replied { .. } => {}
            Event::Entered { from, to, why, .. } => {
                let (carriage_mm, count) = (self.facts.operator.carriage_mm(), self.facts.count);
                let (from, to) = (from.name(), to.name());
                self.tell(format!("{from} -> {to}: {why} (carriage {carriage_mm:.2} mm, {count} steps)"));
            }
            other => self.tell(format!("{other:?}")),
        }
        self.judge(|promise, facts| promise.event(facts, event));
    }

    /// A client got an answer.
    pub fn answered(&mut self, answer: &ClientAnswer) {
        let ClientAnswer { call, status, body, .. } = answer;
        if call.path == "/api/wave/run" && *status == Some(200) {
            // Whoever is silent for long is stopped.
            self.facts.told.page_waves = call.who == Who::Page;
            self.disturb(self.now);
        }
        let said = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        // A backup tells the time of the day, which no story depends on.
        let sent = if call.body.len() <= LONG_BODY { &call.body } else { &b"(a long body)"[..] };
        let sent = String::from_utf8_lossy(sent);
        let sent: String = sent.chars().take(100).collect();
        let code = body.get("code").map(|code| format!(" {code}")).unwrap_or_default();
        self.tell(format!("{:?}: {} {} {sent} -> {said}{code}", call.who, call.method, call.path));
        self.judge(|promise, facts| promise.answered(facts, answer));
    }

    /// At rest for a while, with nothing under way: these are the settings that the API shows.
    pub fn settled(&mut self, shown: &Config) {
        self.judge(|promise, facts| promise.settled(facts, shown));
    }

    fn judge_by_edges(&mut self, at: Nanos, forward: bool) {
        let (Some(judge), Some(bounds)) = (&mut self.judge, &self.bounds) else { return };
        if let Err(found) = judge.step(at, forward, bounds)
            && self.broken.is_none()
        {
            let promise = "s19_pulses_keep_their_limits".to_owned();
            let what = found.to_string();
            self.broken = Some(PromiseViolation { promise, at_ns: at, what, story: told(&self.story) });
        }
    }

    fn judge(&mut self, mut ask: impl FnMut(&mut dyn Promise, &Facts) -> PromiseResult) {
        for promise in &mut self.promises {
            if let Err(what) = ask(&mut **promise, &self.facts)
                && self.broken.is_none()
            {
                let promise = promise.name().to_owned();
                self.broken =
                    Some(PromiseViolation { promise, at_ns: self.now, what, story: told(&self.story) });
            }
        }
    }
}

/// The narrowest windows cost most; they are for tests that look at one motion.
fn eyes(check: &CheckOptions) -> Eyes {
    let timing = &check.timing;
    let turn_ns = timing.high_ns + timing.direction_hold_ns + timing.direction_setup_ns + timing.low_ns;
    Eyes { edge_ns: check.precision.edge_ns, turn_ns, narrowest: 1 }
}

fn told(story: &VecDeque<String>) -> String {
    story.iter().fold(String::new(), |story, line| story + line + "\n")
}

impl EdgeSink for TrialWitness {
    fn edge(&mut self, edge: Edge) {
        self.now = edge.at;
        edge.hash(&mut self.digest);
        self.checker.edge(edge);
        match edge.kind {
            EdgeKind::StepBegins { forward } => {
                self.steps += 1;
                if let Some(probe) = &mut self.probe
                    && !probe.over
                {
                    probe.last_step_ns = edge.at;
                }
                let made = self.facts.step(edge.at, forward);
                self.judge_by_edges(edge.at, forward);
                self.judge(|promise, facts| promise.step(facts, &made));
            }
            EdgeKind::Enable { on } => self.facts.powered = on,
            EdgeKind::StepEnds | EdgeKind::Direction { .. } => {}
        }
    }

    fn input_lines(&mut self, at: Nanos, inputs: Inputs) {
        self.facts.read(at, inputs);
        if inputs != Inputs::default()
            && let Some(judge) = &mut self.judge
        {
            judge.cut();
        }
    }
}

impl CycleObserver for TrialWitness {
    fn event(&mut self, event: &Event) {
        self.happened(event);
    }

    fn cycle(&mut self, seen: &TraceSample) {
        self.now = seen.at_ns;
        self.facts.cycle(seen);
        self.bounds = self.facts.bounds(seen.at_ns);
        let violation = self.checker.look(seen);
        self.judge(|promise, facts| promise.cycle(facts));
        if let Some(violation) = violation
            && self.broken.is_none()
        {
            let promise = promises::of_rule(violation.broken.rule).to_owned();
            self.broken = Some(PromiseViolation {
                promise,
                at_ns: seen.at_ns,
                what: violation.to_string(),
                story: self.story(),
            });
        }
    }
}
