//! S22: one client at a time is in charge, and nobody inherits a motion.

use std::collections::{BTreeMap, BTreeSet};

use super::{Promise, PromiseResult};
use crate::machine::State;
use crate::trial::acts::{ClientAct, SentAct};
use crate::trial::client::{ClientAnswer, ClientKind};
use crate::trial::facts::{Facts, StepMade};
use crate::trial::tap::{PortCall, PortRequest};
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// S22: while the client in charge is there and moves the axis, a start or change of another one is refused; and who takes the lease takes
/// no motion with it.
#[derive(Debug, Default)]
pub struct OneInCharge {
    /// The client whose motion this is for certain.
    mover: Option<ClientKind>,
    /// The client whose start was taken last, and those whose start may have been taken since.
    started: BTreeSet<ClientKind>,
    /// Number of times that the client in charge has changed, or may have.
    changes: u64,
    /// Starts on their way, each with its sender and that number when it was sent.
    under_way: BTreeMap<u64, (ClientKind, u64)>,
    /// Of each client, the instant of the last thing that it sent, and of its last word that it is there.
    heard: BTreeMap<ClientKind, Nanos>,
    said: BTreeMap<ClientKind, Nanos>,
    /// The instant at which the lease was last handed over, or may have been.
    handed_over_ns: Option<Nanos>,
    /// Of each client, the instant of its oldest ask for the lease that has no answer: it waits at the server, also when its
    /// connection is lost.
    asked: BTreeMap<ClientKind, Nanos>,
    /// The client that has taken the lease and has started nothing yet, and since when.
    taken: Option<(ClientKind, Nanos)>,
}

/// Without a message for so long a client may be taken for gone.
const THERE_NS: Nanos = 2_800 * MILLISECOND_NS;
/// An ask for the lease is answered within so long.
const ASKS_NS: Nanos = 20 * SECOND_NS;

/// True for an act by which the lease may change hands.
const fn may_change_hands(act: ClientAct) -> bool {
    act.is_on_the_lease() || matches!(act, ClientAct::Revoke(_))
}

impl OneInCharge {
    /// Somebody else may be in charge from now on.
    fn doubt(&mut self) {
        self.mover = None;
        self.changes += 1;
    }

    fn is_there(&self, facts: &Facts, who: ClientKind, now: Nanos) -> bool {
        (who == ClientKind::Page && facts.ground_truth.page_there)
            || self.heard.get(&who).is_some_and(|heard| now < heard + THERE_NS)
    }
}

impl Promise for OneInCharge {
    fn name(&self) -> &'static str {
        "s22_one_in_charge"
    }

    fn check_call(&mut self, _facts: &Facts, call: &PortCall) -> PromiseResult {
        if call.request == PortRequest::Stop {
            self.doubt();
        }
        Ok(())
    }

    fn check_sent(&mut self, _facts: &Facts, sent: &SentAct) -> PromiseResult {
        self.heard.insert(sent.who, sent.arrives_ns);
        match sent.act {
            ClientAct::Start { .. } | ClientAct::Change { .. } => {
                self.under_way.insert(sent.number, (sent.who, self.changes));
            }
            ClientAct::Alive | ClientAct::Ask | ClientAct::Force => {
                self.said.insert(sent.who, sent.arrives_ns);
                if sent.act == ClientAct::Ask {
                    self.asked.entry(sent.who).or_insert(sent.arrives_ns);
                }
            }
            ClientAct::HandOver => self.handed_over_ns = Some(sent.arrives_ns),
            _ => {}
        }
        let may_change = may_change_hands(sent.act);
        if may_change || matches!(sent.act, ClientAct::Frames | ClientAct::Stop) {
            self.doubt();
        }
        // Its own start, or another one that takes the lease.
        let own_start = sent.act.is_motion() && self.taken.is_some_and(|(who, _)| who == sent.who);
        if own_start || may_change {
            self.taken = None;
        }
        Ok(())
    }

    fn check_answer(&mut self, facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        let (who, Some(now)) = (answer.call.who, facts.trace.as_ref().map(|trace| trace.at_ns)) else {
            return Ok(());
        };
        let act = ClientAct::of(&answer.call);
        if may_change_hands(act) {
            self.taken = None;
        }
        let is_answered_ask = act == ClientAct::Ask && answer.status.is_some();
        let waiting_ns = if is_answered_ask { self.asked.remove(&who) } else { None };
        match act {
            ClientAct::Start { .. } | ClientAct::Change { .. } => {
                let sent_at = self.under_way.remove(&answer.number).map(|(_, changes)| changes);
                let accepted = answer.status == Some(200);
                if let Some(mover) = self.mover.filter(|mover| *mover != who)
                    && accepted
                    && sent_at == Some(self.changes)
                {
                    return Err(format!("{who:?} started while {mover:?} was in charge and moved the axis"));
                }
                if accepted {
                    self.started.clear();
                }
                if accepted || answer.status.is_none() {
                    self.started.insert(who);
                }
                if answer.status.is_none() {
                    self.doubt();
                } else if accepted && self.mover != Some(who) {
                    self.doubt();
                    self.mover = Some(who);
                }
            }
            ClientAct::Ask | ClientAct::Force if answer.status == Some(200) => {
                let asked_ns =
                    waiting_ns.filter(|waiting_ns| now < waiting_ns + ASKS_NS).unwrap_or(answer.asked_ns);
                let handed_over = self.handed_over_ns.is_some_and(|at| at >= asked_ns);
                let own = answer.body["lease"]["is_own"] == true;
                // What moves may be its own.
                let starts = self.under_way.values().any(|(starter, _)| *starter == who);
                let moves = starts || self.started.contains(&who);
                if own && !handed_over && !moves && now < answer.asked_ns + ASKS_NS {
                    self.taken = Some((who, now));
                }
                if own && handed_over {
                    self.started = [who].into();
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let Some(trace) = &facts.trace else { return Ok(()) };
        if let Some(mover) = self.mover
            && (!trace.state.is_moving() || trace.resting || !self.is_there(facts, mover, trace.at_ns))
        {
            self.doubt();
        }
        let has_said = |who| self.said.get(&who).is_some_and(|said| trace.at_ns < said + THERE_NS);
        if self.taken.is_some_and(|(who, _)| !has_said(who)) {
            self.taken = None;
        }
        Ok(())
    }

    fn check_step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        match self.taken {
            // The ramp of a fault is nobody's motion.
            _ if facts.state() == State::Faulted => Ok(()),
            Some((who, since)) => Err(format!(
                "a step {} ms after {who:?} took the lease, which has started nothing",
                made.at.saturating_sub(since) / MILLISECOND_NS
            )),
            None => Ok(()),
        }
    }
}
