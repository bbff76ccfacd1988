//! S36: a page that hangs is absent.

use std::collections::BTreeMap;

use super::{Promise, PromiseResult};
use crate::machine::State;
use crate::trial::acts::{ClientAct, SentAct};
use crate::trial::client::{ClientAnswer, ClientKind};
use crate::trial::facts::{Facts, StepMade};
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// S36: the wave or pattern of a page that says nothing of its own for 3 s comes to rest, whatever its browser answers.
#[derive(Debug, Default)]
pub struct HungPageIsAbsent {
    /// The page whose wave or pattern runs.
    holder: Option<ClientKind>,
    /// Of each client, the last instant at which a message of its own arrived.
    heard: BTreeMap<ClientKind, Nanos>,
    /// Instant since which it runs.
    runs_since: Option<Nanos>,
}

/// Longest silence of a page.
const SILENT_NS: Nanos = 3 * SECOND_NS;
/// Longest time until the ramp begins: the command waits in the ring like any other.
const DECIDED_WITHIN_NS: Nanos = 500 * MILLISECOND_NS;

impl Promise for HungPageIsAbsent {
    fn name(&self) -> &'static str {
        "s36_a_hung_page_is_absent"
    }

    fn check_sent(&mut self, _facts: &Facts, sent: &SentAct) -> PromiseResult {
        self.heard.insert(sent.who, sent.arrives_ns);
        // Whoever gets the lease has three seconds, too, and another start may be taken.
        if sent.act == ClientAct::HandOver {
            self.holder = None;
        }
        Ok(())
    }

    fn check_answer(&mut self, _facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        let who = answer.call.who;
        match (ClientAct::of(&answer.call), answer.status) {
            (ClientAct::Start { goes_on, homes, .. }, Some(200)) => {
                self.holder = (who.tab().is_some() && !goes_on && !homes).then_some(who);
            }
            // It may have been taken.
            (ClientAct::Start { .. } | ClientAct::HandOver, None) => self.holder = None,
            _ => {}
        }
        Ok(())
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let Some(trace) = &facts.trace else { return Ok(()) };
        let runs = facts.moves_for_client() || trace.state == State::Stopping;
        self.runs_since = runs.then(|| self.runs_since.unwrap_or(trace.at_ns));
        Ok(())
    }

    fn check_step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        let (Some(holder), Some(since)) = (self.holder, self.runs_since) else { return Ok(()) };
        let heard = self.heard.get(&holder).copied().unwrap_or_default();
        let rests_by = since.max(heard) + SILENT_NS + DECIDED_WITHIN_NS + facts.longest_ramp_ns();
        if made.at > rests_by.max(facts.ground_truth.late_until) {
            let silent_ms = (made.at - heard) / MILLISECOND_NS;
            return Err(format!(
                "a step of the motion of {holder:?}, which has said nothing for {silent_ms} ms"
            ));
        }
        Ok(())
    }
}
