//! Clients: what moves belongs to one that is there, and ends when it is told to.

use super::{Promise, PromiseResult};
use crate::drive::TraceSample;
use crate::machine::{CommandKind, Event, State};
use crate::trial::client::{ClientAnswer, Who};
use crate::trial::facts::{Facts, StepMade};
use crate::trial::tap::{Ask, PortCall};
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// S17: a wave whose client is gone ends.
#[derive(Debug, Default)]
pub struct SomebodyIsThere {
    /// Whose wave it is, and when that client was last heard.
    holder: Option<(Who, Nanos)>,
    /// Since when it runs: a wave may begin before whoever asked for it has the answer.
    moves_since: Option<Nanos>,
}

/// What a wave says that goes on without its client.
const KEEPS_ON: &[u8] = b"continue";
/// How long a client may be silent.
const SILENT_NS: Nanos = 3 * SECOND_NS;
/// Until the ramp begins: the command waits in the ring like any other.
const DECIDED_WITHIN_NS: Nanos = 500 * MILLISECOND_NS;

impl Promise for SomebodyIsThere {
    fn name(&self) -> &'static str {
        "s17_somebody_is_there"
    }

    fn answered(&mut self, facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        let Some(seen) = &facts.seen else { return Ok(()) };
        let ClientAnswer { call, status, .. } = answer;
        let accepted = call.path == "/api/wave/run" && *status == Some(200);
        if accepted || self.holder.is_some_and(|(who, _)| who == call.who) {
            self.holder = Some((call.who, seen.at_ns));
        }
        if accepted && call.body.windows(KEEPS_ON.len()).any(|part| part == KEEPS_ON) {
            self.holder = None;
        }
        Ok(())
    }

    fn cycle(&mut self, facts: &Facts) -> PromiseResult {
        let Some(seen) = &facts.seen else { return Ok(()) };
        let moves = matches!(seen.state, State::Running | State::Ending);
        self.moves_since = moves.then(|| self.moves_since.unwrap_or(seen.at_ns));
        let (Some(since), Some((who, heard))) = (self.moves_since, &mut self.holder) else { return Ok(()) };
        if *who == Who::Page && facts.told.page_there {
            *heard = seen.at_ns;
        }
        if *who == Who::Program {
            *heard = facts.told.program_heard_ns.max(*heard);
        }
        let latest = since.max(*heard) + SILENT_NS + DECIDED_WITHIN_NS;
        if seen.at_ns > latest.max(facts.told.late_until) {
            return Err(format!(
                "{} {} ms after the last sign of life of the wave's client",
                seen.state.name(),
                (seen.at_ns - *heard) / MILLISECOND_NS
            ));
        }
        Ok(())
    }
}

/// END ends a wave with its period, by its ramp.
#[derive(Debug, Default)]
pub struct EndEnds {
    /// The longest that a period and a ramp down of the last two waves take.
    longest_ns: [Nanos; 2],
    /// When something else was last asked for.
    asked_ns: Nanos,
    /// Whether it was asked for while it had to wait, and has not begun.
    waits: bool,
    /// After the first of these instants no wave goes on, after the second no step is made, unless something else was
    /// asked for.
    ends_by_ns: Option<(Nanos, Nanos)>,
}

/// Whether a wave runs, and did a cycle ago.
fn waves(facts: &Facts) -> bool {
    let runs = |seen: &TraceSample| matches!(seen.state, State::Running | State::Ending);
    facts.before.as_ref().is_some_and(runs) && facts.seen.as_ref().is_some_and(runs)
}

/// The way to where a wave begins, at the slowest approach.
const SLOWEST_APPROACH_MM_S: f64 = 5.0;
/// Rounding, what is queued, and a change from one wave to another.
const ENDS_WITHIN_S: f64 = 5.0;

impl Promise for EndEnds {
    fn name(&self) -> &'static str {
        "end_ends_the_wave"
    }

    fn asked(&mut self, facts: &Facts, asked: &PortCall) -> PromiseResult {
        // Over a socket as well, where nobody hears an answer.
        if let Ask::Command(kind @ (CommandKind::Run | CommandKind::Calibrate)) = asked.what {
            (self.asked_ns, self.ends_by_ns) = (asked.at_ns, None);
            // A running wave goes over to another one at once; homing waits for its end.
            self.waits |= kind == CommandKind::Calibrate || facts.state() != State::Running;
        }
        Ok(())
    }

    fn event(&mut self, _facts: &Facts, event: &Event) -> PromiseResult {
        if let Event::Entered { to: State::Running | State::Homing, .. } = event {
            self.waits = false;
        }
        Ok(())
    }

    fn answered(&mut self, facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        let (Some(seen), Some(200)) = (&facts.seen, answer.status) else { return Ok(()) };
        let call = &answer.call;
        let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let asks = body.get("type").and_then(serde_json::Value::as_str);
        match (call.path.as_str(), asks) {
            ("/api/wave/run", _) => {
                let s = |name: &str| body.get(name).and_then(serde_json::Value::as_f64).unwrap_or(0.0);
                let longest_s = 2.0 * s("duration") + s("ramp_up") + s("ramp_down");
                self.longest_ns = [(longest_s * SECOND_NS as f64) as Nanos, self.longest_ns[0]];
            }
            // Homing is not ended by it, and what was asked for behind it comes after it.
            ("/api/commands/run", Some("end"))
                if self.ends_by_ns.is_none()
                    && waves(facts)
                    && !self.waits
                    && self.asked_ns < answer.asked_ns =>
            {
                let way_s = facts.rail.length_mm / SLOWEST_APPROACH_MM_S;
                let more_ns = ((way_s + ENDS_WITHIN_S) * SECOND_NS as f64) as Nanos;
                let [last, before] = self.longest_ns;
                let rests_by_ns = seen.at_ns + last.max(before) + more_ns + facts.longest_ramp_ns();
                self.ends_by_ns = Some((seen.at_ns + DECIDED_WITHIN_NS, rests_by_ns));
            }
            _ => {}
        }
        Ok(())
    }

    fn cycle(&mut self, facts: &Facts) -> PromiseResult {
        match (self.ends_by_ns, &facts.seen) {
            (Some((latest, _)), Some(seen)) if seen.state == State::Running && seen.at_ns > latest => {
                Err("a wave goes on as if nobody had asked for its end".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn step(&mut self, _facts: &Facts, made: &StepMade) -> PromiseResult {
        match self.ends_by_ns {
            Some((_, latest)) if made.at > latest => {
                let late_ms = (made.at - latest) / MILLISECOND_NS;
                Err(format!("a step {late_ms} ms after END should have ended the wave at the latest"))
            }
            _ => Ok(()),
        }
    }
}
