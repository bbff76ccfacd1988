//! S37: who was not let in moves nothing.

use std::collections::BTreeSet;

use super::{Promise, PromiseResult};
use crate::machine::State;
use crate::trial::acts::{ClientAct, SentAct};
use crate::trial::client::{ClientAnswer, ClientKind};
use crate::trial::facts::{Facts, StepMade};
use crate::trial::feed_facts::SentFrame;

/// A start that may be the reason of the motion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MotionCause {
    who: ClientKind,
    /// True if that client might move the axis when it sent the start, and was not taken off the list since.
    is_let_in: bool,
}

/// S37: each step follows from a start of a client that is on this computer or was let in, and is still in.
#[derive(Debug, Default)]
pub struct OnlyWhoWasLetIn {
    /// The accepted start, and those whose fate is not known.
    causes: Vec<MotionCause>,
    /// Starts on their way, each with whether its client may move the axis.
    under_way: Vec<(u64, MotionCause)>,
    /// Clients that ask for the lease; who gets it may go on with the motion of the one before.
    asking: BTreeSet<ClientKind>,
    /// Clients whose ask lost its connection: the server may know of it all the same.
    unheard: BTreeSet<ClientKind>,
    handed_over: bool,
}

impl OnlyWhoWasLetIn {
    fn all(&mut self) -> impl Iterator<Item = &mut MotionCause> {
        self.causes.iter_mut().chain(self.under_way.iter_mut().map(|(_, cause)| cause))
    }

    /// The motion may be handed over to a client that hears nothing of it (seed 5671).
    fn add_unheard(&mut self, facts: &Facts, who: ClientKind) {
        self.causes.push(MotionCause { who, is_let_in: facts.may_move(who) });
    }
}

impl Promise for OnlyWhoWasLetIn {
    fn name(&self) -> &'static str {
        "s37_only_who_was_let_in"
    }

    fn check_sent(&mut self, facts: &Facts, sent: &SentAct) -> PromiseResult {
        let cause = MotionCause { who: sent.who, is_let_in: facts.may_move(sent.who) };
        match sent.act {
            ClientAct::Start { .. } => self.under_way.push((sent.number, cause)),
            // They may start something without an answer.
            ClientAct::Frames => self.causes.push(cause),
            ClientAct::Ask => {
                self.asking.insert(sent.who);
            }
            ClientAct::HandOver => {
                self.handed_over = true;
                for who in self.unheard.clone() {
                    self.add_unheard(facts, who);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn check_frame(&mut self, facts: &Facts, frame: &SentFrame) -> PromiseResult {
        // It has no answer, and may begin a motion later.
        let cause = MotionCause { who: frame.who, is_let_in: facts.may_move(frame.who) };
        if frame.target.is_some() && !self.causes.contains(&cause) {
            self.causes.push(cause);
        }
        Ok(())
    }

    fn check_answer(&mut self, facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        let who = answer.call.who;
        match ClientAct::of(&answer.call) {
            ClientAct::Start { .. } => {
                let at = self.under_way.iter().position(|(number, _)| *number == answer.number);
                let Some((_, cause)) = at.map(|at| self.under_way.remove(at)) else { return Ok(()) };
                match answer.status {
                    Some(200) => self.causes = vec![cause],
                    None => self.causes.push(cause),
                    Some(_) => {}
                }
            }
            ClientAct::Ask => {
                self.asking.remove(&who);
                if answer.status.is_some() {
                    self.unheard.remove(&who);
                } else {
                    self.unheard.insert(who);
                    if self.handed_over {
                        self.add_unheard(facts, who);
                    }
                }
                if answer.status == Some(200) && core::mem::take(&mut self.handed_over) {
                    self.causes = vec![MotionCause { who, is_let_in: facts.may_move(who) }];
                }
            }
            ClientAct::Revoke(device) if answer.status == Some(200) => {
                let gone = facts.owner_of(device);
                self.all().filter(|cause| Some(cause.who) == gone).for_each(|cause| cause.is_let_in = false);
            }
            _ => {}
        }
        Ok(())
    }

    fn check_step(&mut self, facts: &Facts, _made: &StepMade) -> PromiseResult {
        // The ramp of a fault is nobody's motion.
        if facts.state() == State::Faulted || self.all().any(|cause| cause.is_let_in) {
            return Ok(());
        }
        Err(match self.causes.last() {
            Some(cause) => format!("a step of {:?}, which may not move the axis", cause.who),
            None => "a step, and nobody has asked for a motion".to_owned(),
        })
    }
}
