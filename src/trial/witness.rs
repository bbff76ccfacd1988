//! Witness (run monitor): observes every edge, input line, event and answer, and runs the promise checks on them.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

use super::acts::{ClientAct, SentAct};
use super::client::{ClientAnswer, ClientKind, ClientRequest};
use super::edge_oracle::{EdgeOracle, OracleResolution, WindowLimits};
use super::facts::Facts;
use super::feed_facts::{PlayerSocket, SentFrame};
use super::promises::{self, Promise, PromiseResult};
use super::report::{FeedTally, PatternTally};
use super::tap::{PortCall, PortRequest};
use crate::diag::{CheckOptions, PulseChecker};
use crate::drive::{CycleObserver, TraceSample};
use crate::hal::sim::{RailOptions, SimulatedOperator};
use crate::hal::{Edge, EdgeKind, EdgeSink};
use crate::machine::{CommandKind, Config, Event, Inputs, State};
use crate::units::{Nanos, seconds};

/// Lines of history that are kept for a broken promise.
const HISTORY_LINES: usize = 60;
/// Longer request bodies are left out of the history, in bytes.
const LONG_BODY: usize = 400;

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromiseViolation {
    /// Name of the promise.
    pub promise: String,
    /// Instant of the violation.
    pub at_ns: Nanos,
    /// Description of the violation.
    pub what: String,
    /// The last lines of the history.
    pub history: String,
}

/// FNV-1a hash (Fowler, Noll, Vo): the same number for the same run on every computer.
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

/// Observer of a run that checks all promises.
pub struct TrialWitness {
    /// Observations that the checks read.
    pub facts: Facts,
    promises: Vec<Box<dyn Promise>>,
    checker: PulseChecker,
    /// `None` on a computer that is ever late, as its edges tell the plan too inexactly.
    oracle: Option<EdgeOracle>,
    bounds: Option<WindowLimits>,
    history: VecDeque<String>,
    digest: Fnv,
    steps: u64,
    violation: Option<PromiseViolation>,
    now: Nanos,
    probe: Option<Probe>,
    feeds: FeedTally,
    patterns: PatternTally,
}

/// Measures the reaction to a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Instant of the injection.
    pub from_ns: Nanos,
    /// Instant at which a fault latched since then.
    pub latched_ns: Option<Nanos>,
    /// Instant of the last step before the machine left the fault state.
    pub last_step_ns: Nanos,
    over: bool,
}

impl TrialWitness {
    /// Witness of a machine at power-on.
    pub fn new(check: CheckOptions, rail: RailOptions, operator: SimulatedOperator) -> TrialWitness {
        TrialWitness {
            facts: Facts::new(rail, operator),
            promises: promises::all(),
            checker: PulseChecker::new(check),
            oracle: (!check.precision.slews).then(|| EdgeOracle::new(oracle_resolution(&check))),
            bounds: None,
            history: VecDeque::new(),
            digest: Fnv(0xCBF2_9CE4_8422_2325),
            steps: 0,
            violation: None,
            now: 0,
            probe: None,
            feeds: FeedTally::default(),
            patterns: PatternTally::default(),
        }
    }

    /// Starts to measure the reaction to a fault that is injected now, in motion.
    pub fn start_probe(&mut self) {
        self.probe = Some(Probe { from_ns: self.now, latched_ns: None, last_step_ns: self.now, over: false });
    }

    /// Takes the measured reaction.
    pub fn take_probe(&mut self) -> Option<Probe> {
        self.probe.take()
    }

    /// The first broken promise.
    pub fn violation(&self) -> Option<&PromiseViolation> {
        self.violation.as_ref()
    }

    /// Hash over everything that was observed.
    pub fn digest(&self) -> u64 {
        self.digest.finish()
    }

    /// Number of steps.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Continues the history, hash and counts of an earlier process of the same run.
    pub fn resume(&mut self, earlier: TrialWitness) {
        self.history = earlier.history;
        self.digest = earlier.digest;
        self.steps = earlier.steps;
        self.violation = earlier.violation;
        self.now = earlier.now;
        self.feeds = earlier.feeds;
        self.patterns = earlier.patterns;
        self.facts.feeds = earlier.facts.feeds.in_next_process();
    }

    /// Counts of the feeds.
    pub fn feeds(&self) -> FeedTally {
        self.feeds
    }

    /// Counts of the patterns.
    pub fn patterns(&self) -> PatternTally {
        self.patterns
    }

    /// Allows firm braking until `until`, and for the stop ramp behind it. The bounds change at once, since no control
    /// cycle may follow.
    pub fn expect_firm_braking(&mut self, until: Nanos) {
        self.facts.expect_firm_braking(until);
        self.bounds = self.facts.window_limits(self.now);
    }

    /// The last lines of the history.
    pub fn history(&self) -> String {
        joined(&self.history)
    }

    /// Appends a line to the history and to the hash.
    pub fn append_history(&mut self, line: impl std::fmt::Display) {
        if self.history.len() == HISTORY_LINES {
            self.history.pop_front();
        }
        let line = format!("{:>11.4} s  {line}", seconds(self.now));
        self.digest.write(line.as_bytes());
        self.history.push_back(line);
    }

    /// Records a call of the API to the machine.
    pub fn record_call(&mut self, asked: PortCall) {
        asked.hash(&mut self.digest);
        match asked.request {
            PortRequest::Stop => self.expect_firm_braking(self.now),
            // The axis comes to rest for another client, or as its client is gone.
            PortRequest::Command(CommandKind::ClientGone | CommandKind::Rest) => {
                self.expect_firm_braking(self.now)
            }
            PortRequest::Command(CommandKind::Calibrate | CommandKind::Nudge | CommandKind::Follow) => {
                self.facts.ground_truth.page_waves = false
            }
            PortRequest::Command(_) => {}
        }
        self.check_promises(|promise, facts| promise.check_call(facts, &asked));
    }

    fn record_event(&mut self, event: &Event) {
        if let (Some(probe), Event::Entered { to: State::Faulted, at_ns, .. }) = (&mut self.probe, event) {
            probe.latched_ns.get_or_insert(*at_ns);
        }
        if let (Some(probe), Event::Entered { from: State::Faulted, .. }) = (&mut self.probe, event) {
            probe.over = true;
        }
        match event {
            // Reply numbers depend on the bridge; the answers carry the same information.
            Event::Replied { .. } => {}
            Event::Entered { from, to, why, .. } => {
                self.facts.plays = event.begins_playback();
                self.feeds.begun += u64::from(event.begins_program());
                self.patterns.begun += u64::from(self.facts.plays);
                let (carriage_mm, count) = (self.facts.operator.carriage_mm(), self.facts.step_count);
                let (from, to) = (from.name(), to.name());
                self.append_history(format!(
                    "{from} -> {to}: {why} (carriage {carriage_mm:.2} mm, {count} steps)"
                ));
            }
            other => self.append_history(format!("{other:?}")),
        }
        self.check_promises(|promise, facts| promise.check_event(facts, event));
    }

    /// Records a request or message that is sent now.
    pub fn record_sent(&mut self, sent: &SentAct, call: &ClientRequest) {
        self.facts.feeds.record_sent((sent.number, sent.arrives_ns), call);
        self.facts.patterns.record_sent((sent.number, sent.arrives_ns), call);
        self.check_promises(|promise, facts| promise.check_sent(facts, sent));
    }

    /// Records a frame of a player that is sent now.
    pub fn record_frame(&mut self, frame: &SentFrame) {
        self.feeds.targets += u64::from(frame.target.is_some());
        self.facts.feeds.record_frame(frame);
        let target = frame.target.map(|target| (target.share.to_bits(), target.time_s.map(f64::to_bits)));
        (frame.who, frame.stops, target).hash(&mut self.digest);
        if frame.stops {
            self.append_history(format_args!("{:?}: DSTOP", frame.who));
        }
        self.check_promises(|promise, facts| promise.check_frame(facts, frame));
    }

    /// Records what became of the socket of a player.
    pub fn record_socket(&mut self, who: ClientKind, socket: PlayerSocket) {
        self.facts.feeds.record_socket(who, socket, self.now);
        self.append_history(format_args!("{who:?}: its socket {socket:?}"));
    }

    /// Records an answer to a client.
    pub fn record_answer(&mut self, answer: &ClientAnswer) {
        let ClientAnswer { call, status, body, .. } = answer;
        self.facts.feeds.record_answer(answer, self.now);
        self.facts.patterns.record_answer(answer, self.now);
        let act = ClientAct::of(call);
        if act.is_start() && call.path != "/api/commands/run" && *status == Some(200) {
            // The lease stops the wave of a client that is silent for long.
            self.facts.ground_truth.page_waves = call.who == ClientKind::Page;
            self.expect_firm_braking(self.now);
        }
        let said = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        // A backup contains the time of day, which the history must not depend on.
        let sent = if call.body.len() <= LONG_BODY { &call.body } else { &b"(a long body)"[..] };
        let sent = String::from_utf8_lossy(sent);
        let sent: String = sent.chars().take(100).collect();
        let code = body.get("code").map(|code| format!(" {code}")).unwrap_or_default();
        self.append_history(format!("{:?}: {} {} {sent} -> {said}{code}", call.who, call.method, call.path));
        self.check_promises(|promise, facts| promise.check_answer(facts, answer));
        if *status != Some(200) {
            return;
        }
        match act {
            ClientAct::Window => self.feeds.windows += 1,
            ClientAct::Change { .. } => self.patterns.changes += 1,
            ClientAct::Resume(_) => self.feeds.resumed += 1,
            ClientAct::Revoke(device) => self.facts.let_in.retain(|(_, number)| *number != device),
            ClientAct::Pair => {
                let number = body.get("number").and_then(|number| number.as_u64()?.try_into().ok());
                self.facts.let_in.extend(number.map(|number| (call.who, number)));
            }
            _ => {}
        }
    }

    /// Checks the settings that the API shows, when the axis has rested for a while and nothing is under way.
    pub fn check_settled(&mut self, shown: &Config) {
        self.check_promises(|promise, facts| promise.check_settled(facts, shown));
    }

    fn check_edge(&mut self, at: Nanos, forward: bool) {
        let (Some(oracle), Some(bounds)) = (&mut self.oracle, &self.bounds) else { return };
        if let Err(found) = oracle.step(at, forward, bounds)
            && self.violation.is_none()
        {
            let promise = "s19_pulses_keep_their_limits".to_owned();
            let what = found.to_string();
            self.violation =
                Some(PromiseViolation { promise, at_ns: at, what, history: joined(&self.history) });
        }
    }

    fn check_promises(&mut self, mut ask: impl FnMut(&mut dyn Promise, &Facts) -> PromiseResult) {
        for promise in &mut self.promises {
            if let Err(what) = ask(&mut **promise, &self.facts)
                && self.violation.is_none()
            {
                let promise = promise.name().to_owned();
                self.violation =
                    Some(PromiseViolation { promise, at_ns: self.now, what, history: joined(&self.history) });
            }
        }
    }
}

/// Leaves out the narrowest windows, which cost most; tests of a single motion use them.
fn oracle_resolution(check: &CheckOptions) -> OracleResolution {
    let timing = &check.timing;
    let turn_ns = timing.high_ns + timing.direction_hold_ns + timing.direction_setup_ns + timing.low_ns;
    OracleResolution { edge_ns: check.precision.edge_ns, turn_ns, narrowest: 1 }
}

fn joined(history: &VecDeque<String>) -> String {
    history.iter().fold(String::new(), |history, line| history + line + "\n")
}

impl EdgeSink for TrialWitness {
    fn edge(&mut self, edge: Edge) {
        self.now = edge.at;
        edge.hash(&mut self.digest);
        self.checker.add_edge(edge);
        match edge.kind {
            EdgeKind::StepBegins { forward } => {
                self.steps += 1;
                let tally = if self.facts.plays { &mut self.patterns.steps } else { &mut self.feeds.steps };
                *tally += u64::from(self.facts.state() == State::Following);
                if let Some(probe) = &mut self.probe
                    && !probe.over
                {
                    probe.last_step_ns = edge.at;
                }
                let made = self.facts.record_step(edge.at, forward);
                self.check_edge(edge.at, forward);
                self.check_promises(|promise, facts| promise.check_step(facts, &made));
            }
            EdgeKind::Enable { on } => self.facts.powered = on,
            EdgeKind::StepEnds | EdgeKind::Direction { .. } => {}
        }
    }

    fn input_lines(&mut self, at: Nanos, inputs: Inputs) {
        self.facts.record_inputs(at, inputs);
        if inputs != Inputs::default()
            && let Some(oracle) = &mut self.oracle
        {
            oracle.reset();
        }
    }
}

impl CycleObserver for TrialWitness {
    fn event(&mut self, event: &Event) {
        self.record_event(event);
    }

    fn cycle(&mut self, seen: &TraceSample) {
        self.now = seen.at_ns;
        self.facts.record_cycle(seen);
        self.bounds = self.facts.window_limits(seen.at_ns);
        let violation = self.checker.check(seen);
        self.check_promises(|promise, facts| promise.check_cycle(facts));
        if let Some(violation) = violation
            && self.violation.is_none()
        {
            let promise = promises::promise_of_rule(violation.broken.rule).to_owned();
            self.violation = Some(PromiseViolation {
                promise,
                at_ns: seen.at_ns,
                what: violation.to_string(),
                history: self.history(),
            });
        }
    }
}
