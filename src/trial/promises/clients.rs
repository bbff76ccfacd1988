//! Checks about clients: a wave or pattern ends without a sign of life of its client (S17), and END ends a wave.

use super::{Promise, PromiseResult};
use crate::drive::TraceSample;
use crate::machine::{CommandKind, Event, State};
use crate::trial::acts::{ClientAct, wave_of};
use crate::trial::client::{ClientAnswer, ClientKind};
use crate::trial::facts::{Facts, StepMade};
use crate::trial::tap::{PortCall, PortRequest};
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// S17: a wave or pattern whose client is gone ends.
#[derive(Debug, Default)]
pub struct SomebodyIsThere {
    /// The client that started it, and the instant of its last sign of life.
    holder: Option<(ClientKind, Nanos)>,
    /// Instant at which the motion began, which may be before its client has the answer.
    moves_since: Option<Nanos>,
}

/// Word in a wave request that lets the wave go on without its client.
const KEEPS_ON: &[u8] = b"continue";
/// Lease of a client.
const SILENT_NS: Nanos = 3 * SECOND_NS;
/// Longest time until the ramp begins: the command waits in the ring like any other.
const DECIDED_WITHIN_NS: Nanos = 500 * MILLISECOND_NS;

impl Promise for SomebodyIsThere {
    fn name(&self) -> &'static str {
        "s17_somebody_is_there"
    }

    fn check_answer(&mut self, facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        let Some(trace) = &facts.trace else { return Ok(()) };
        let ClientAnswer { call, status, .. } = answer;
        let act = ClientAct::of(call);
        let accepted = matches!(act, ClientAct::Start { homes: false, .. }) && *status == Some(200);
        if accepted || self.holder.is_some_and(|(who, _)| who == call.who) {
            self.holder = Some((call.who, trace.at_ns));
        }
        // Pages of API v1 have a check of their own (S36).
        let keeps_on = call.body.windows(KEEPS_ON.len()).any(|part| part == KEEPS_ON)
            || matches!(act, ClientAct::Start { goes_on: true, .. });
        // A start whose answer was lost may have been taken.
        let may_be_taken = matches!(act, ClientAct::Start { homes: false, .. }) && status.is_none();
        if may_be_taken || accepted && (keeps_on || call.who.tab().is_some()) {
            self.holder = None;
        }
        Ok(())
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let Some(trace) = &facts.trace else { return Ok(()) };
        let moves = facts.moves_for_client();
        self.moves_since = moves.then(|| self.moves_since.unwrap_or(trace.at_ns));
        let (Some(since), Some((who, heard))) = (self.moves_since, &mut self.holder) else { return Ok(()) };
        if *who == ClientKind::Page && facts.ground_truth.page_there {
            *heard = trace.at_ns;
        }
        if *who == ClientKind::Program {
            *heard = facts.ground_truth.program_heard_ns.max(*heard);
        }
        let latest = since.max(*heard) + SILENT_NS + DECIDED_WITHIN_NS;
        if trace.at_ns > latest.max(facts.ground_truth.late_until) {
            return Err(format!(
                "{} {} ms after the last sign of life of the client of what moves",
                trace.state.name(),
                (trace.at_ns - *heard) / MILLISECOND_NS
            ));
        }
        Ok(())
    }
}

/// END ends a wave with its period, by its ramp.
#[derive(Debug, Default)]
pub struct EndEnds {
    /// Longest period and ramp down of each of the last two waves.
    longest_ns: [Nanos; 2],
    /// Instant of the last request to run or calibrate.
    asked_ns: Nanos,
    /// True if that request had to wait and has not begun.
    waits: bool,
    /// No wave goes on after the first instant, and no step is made after the second, unless something else was
    /// requested.
    ends_by_ns: Option<(Nanos, Nanos)>,
}

/// True if a wave runs now and did one cycle ago.
fn wave_runs(facts: &Facts) -> bool {
    let runs = |trace: &TraceSample| matches!(trace.state, State::Running | State::Ending);
    facts.previous_trace.as_ref().is_some_and(runs) && facts.trace.as_ref().is_some_and(runs)
}

/// Slowest speed of the approach to the beginning of a wave.
const SLOWEST_APPROACH_MM_S: f64 = 5.0;
/// Time granted for rounding, queued motion, and a change from one wave to another.
const ENDS_WITHIN_S: f64 = 5.0;

impl Promise for EndEnds {
    fn name(&self) -> &'static str {
        "end_ends_the_wave"
    }

    fn check_call(&mut self, facts: &Facts, call: &PortCall) -> PromiseResult {
        // Requests over a socket count too; they have no answer.
        let PortRequest::Command(kind) = call.request else { return Ok(()) };
        if matches!(
            kind,
            CommandKind::Run | CommandKind::Follow | CommandKind::Calibrate | CommandKind::Nudge
        ) {
            (self.asked_ns, self.ends_by_ns) = (call.at_ns, None);
            // A running wave blends into another one at once; homing waits for its end, and a nudge and a feed never wait.
            self.waits |= match kind {
                CommandKind::Nudge | CommandKind::Follow => false,
                CommandKind::Calibrate => true,
                _ => facts.state() != State::Running,
            };
        }
        Ok(())
    }

    fn check_event(&mut self, _facts: &Facts, event: &Event) -> PromiseResult {
        if let Event::Entered { to: State::Running | State::Following | State::Homing, .. } = event {
            self.waits = false;
        }
        Ok(())
    }

    fn check_answer(&mut self, facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        let (Some(trace), Some(200)) = (&facts.trace, answer.status) else { return Ok(()) };
        let call = &answer.call;
        let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let asks = body.get("type").and_then(serde_json::Value::as_str);
        let wave = wave_of(call);
        match (call.path.as_str(), asks) {
            _ if wave.is_some() => {
                let wave = wave.unwrap_or_default();
                let s = |name: &str| wave.get(name).and_then(serde_json::Value::as_f64).unwrap_or(0.0);
                let longest_s = 2.0 * s("duration") + s("ramp_up") + s("ramp_down");
                self.longest_ns = [(longest_s * SECOND_NS as f64) as Nanos, self.longest_ns[0]];
            }
            // END does not end homing, and a request after END starts afterwards.
            ("/api/commands/run", Some("end"))
                if self.ends_by_ns.is_none()
                    && wave_runs(facts)
                    && !self.waits
                    && self.asked_ns < answer.asked_ns =>
            {
                let way_s = facts.rail.length_mm / SLOWEST_APPROACH_MM_S;
                let more_ns = ((way_s + ENDS_WITHIN_S) * SECOND_NS as f64) as Nanos;
                let [last, before] = self.longest_ns;
                let rests_by_ns = trace.at_ns + last.max(before) + more_ns + facts.longest_ramp_ns();
                self.ends_by_ns = Some((trace.at_ns + DECIDED_WITHIN_NS, rests_by_ns));
            }
            _ => {}
        }
        Ok(())
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        match (self.ends_by_ns, &facts.trace) {
            (Some((latest, _)), Some(trace)) if trace.state == State::Running && trace.at_ns > latest => {
                Err("a wave goes on as if nobody had asked for its end".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn check_step(&mut self, _facts: &Facts, made: &StepMade) -> PromiseResult {
        match self.ends_by_ns {
            Some((_, latest)) if made.at > latest => {
                let late_ms = (made.at - latest) / MILLISECOND_NS;
                Err(format!("a step {late_ms} ms after END should have ended the wave at the latest"))
            }
            _ => Ok(()),
        }
    }
}
