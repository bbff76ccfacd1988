//! Checks about starts behind a STOP: who only goes on sending (S34), and starts that a STOP overtook (S35).

use std::collections::BTreeMap;

use super::{Promise, PromiseResult};
use crate::api::charge::fence::{OWN_GUARD, PAUSE};
use crate::trial::acts::{ClientAct, SentAct};
use crate::trial::client::{ClientAnswer, ClientKind};
use crate::trial::facts::{Facts, StepMade};
use crate::trial::tap::{PortCall, PortRequest};
use crate::units::{MILLISECOND_NS, Nanos};

/// A start that was sent.
#[derive(Debug, Clone, Copy)]
struct StartUnderWay {
    sent: SentAct,
    /// Instant of the last STOP before it arrived.
    behind_ns: Nanos,
    /// True if the axis moved then.
    moves: bool,
}

/// True if that answer says that the start begins something.
fn begins(answer: &ClientAnswer) -> bool {
    let accepted = answer.body.get("done").unwrap_or(&answer.body).get("accepted");
    answer.status == Some(200) && accepted.is_none_or(|accepted| accepted != "already")
}

/// S34: behind a STOP, who only goes on sending starts nothing.
#[derive(Debug, Default)]
pub struct StopLatches {
    stopped_ns: Option<Nanos>,
    under_way: BTreeMap<u64, StartUnderWay>,
    /// Of each client, the instant of its last start, and that of the STOP behind which one was taken.
    last_ns: BTreeMap<ClientKind, Nanos>,
    through_ns: BTreeMap<ClientKind, Nanos>,
    /// A start that was taken and should not have been.
    leaked: Option<String>,
}

/// The server hears of a start a moment after it was sent.
const HEARD_WITHIN_NS: Nanos = 50 * MILLISECOND_NS;

impl Promise for StopLatches {
    fn name(&self) -> &'static str {
        "s34_stop_latches"
    }

    fn check_call(&mut self, _facts: &Facts, call: &PortCall) -> PromiseResult {
        if call.request == PortRequest::Stop {
            self.stopped_ns = Some(call.at_ns);
            self.leaked = None;
        }
        Ok(())
    }

    fn check_sent(&mut self, facts: &Facts, sent: &SentAct) -> PromiseResult {
        let moves = facts.state().is_moving();
        if let (ClientAct::Start { names_stop: false, .. }, Some(behind_ns)) = (sent.act, self.stopped_ns) {
            self.under_way.insert(sent.number, StartUnderWay { sent: *sent, behind_ns, moves });
        }
        Ok(())
    }

    fn check_answer(&mut self, facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        let who = answer.call.who;
        let starts = matches!(ClientAct::of(&answer.call), ClientAct::Start { names_stop: false, .. });
        // What is no wave at all is no start.
        if !starts || !matches!(answer.status, Some(200 | 409)) {
            return Ok(());
        }
        let before_ns = self.last_ns.insert(who, answer.asked_ns);
        let Some(StartUnderWay { sent, behind_ns, moves }) = self.under_way.remove(&answer.number) else {
            return Ok(());
        };
        // What the machine itself refuses has passed the fence, and moves nothing.
        let code = answer.body.get("code").and_then(|code| code.as_str());
        if answer.status == Some(409) && !matches!(code, Some("stopped" | "not_in_charge")) {
            self.through_ns.insert(who, behind_ns);
        }
        // A STOP that came since is the business of the check on late starts.
        if !begins(answer) || self.stopped_ns != Some(behind_ns) {
            return Ok(());
        }
        let is_through = self.through_ns.insert(who, behind_ns) == Some(behind_ns);
        // It may have come upon another motion, or a fault may have ended it before its answer was there: it was taken all the same, and
        // the next one goes on behind it.
        if moves || !facts.state().is_moving() {
            return Ok(());
        }
        let after_ns = sent.arrives_ns + HEARD_WITHIN_NS - behind_ns;
        let paused_ns = before_ns.map(|before| sent.arrives_ns + HEARD_WITHIN_NS - before);
        let is_early = u128::from(after_ns) < OWN_GUARD.as_nanos();
        let goes_on = paused_ns.is_some_and(|paused_ns| u128::from(paused_ns) < PAUSE.as_nanos());
        if !is_through && (is_early || goes_on) {
            self.leaked = Some(format!(
                "{who:?} started {} ms after STOP, {:?} ms after its last try",
                after_ns / MILLISECOND_NS,
                paused_ns.map(|paused_ns| paused_ns / MILLISECOND_NS)
            ));
        }
        Ok(())
    }

    fn check_step(&mut self, _facts: &Facts, _made: &StepMade) -> PromiseResult {
        self.leaked.take().map_or(Ok(()), Err)
    }
}

/// S35: a start or change that was sent before a STOP moves nothing behind it, whichever way it comes.
#[derive(Debug, Default)]
pub struct LateStartMovesNothing {
    stopped_ns: Option<Nanos>,
    /// Starts that a STOP has overtaken, each with the time by which.
    late: BTreeMap<u64, Nanos>,
    /// A late start that was taken.
    leaked: Option<String>,
}

impl Promise for LateStartMovesNothing {
    fn name(&self) -> &'static str {
        "s35_late_start"
    }

    fn check_call(&mut self, _facts: &Facts, call: &PortCall) -> PromiseResult {
        if call.request == PortRequest::Stop {
            self.stopped_ns = Some(call.at_ns);
            self.leaked = None;
        }
        Ok(())
    }

    fn check_sent(&mut self, _facts: &Facts, sent: &SentAct) -> PromiseResult {
        let names_stop = matches!(
            sent.act,
            ClientAct::Start { names_stop: true, .. } | ClientAct::Change { names_stop: true }
        );
        if let (true, Some(stopped_ns)) = (names_stop, self.stopped_ns)
            && sent.decided_ns < stopped_ns
        {
            self.late.insert(sent.number, stopped_ns - sent.decided_ns);
        }
        Ok(())
    }

    fn check_answer(&mut self, _facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        if let Some(by_ns) = self.late.remove(&answer.number)
            && begins(answer)
        {
            let (who, by_ms) = (answer.call.who, by_ns / MILLISECOND_NS);
            self.leaked = Some(format!("{who:?} moves the axis by a start {by_ms} ms older than a STOP"));
        }
        Ok(())
    }

    fn check_step(&mut self, _facts: &Facts, _made: &StepMade) -> PromiseResult {
        self.leaked.take().map_or(Ok(()), Err)
    }
}
