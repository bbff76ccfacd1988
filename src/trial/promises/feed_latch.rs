//! S34 for feeds: behind a STOP, and behind an END of their motion, they move nothing before a person lets them go on.

use super::{Promise, PromiseResult};
use crate::machine::{Event, State, Why};
use crate::trial::acts::ClientAct;
use crate::trial::client::ClientAnswer;
use crate::trial::facts::Facts;
use crate::trial::tap::{PortCall, PortRequest};
use crate::units::{MILLISECOND_NS, Nanos};

/// S34: the axis begins to follow a feed behind a STOP only if somebody has named that STOP since, and was heard. A feed's own stop
/// latches nothing.
#[derive(Debug, Default)]
pub struct StopLatchesFeeds {
    /// Number of STOPs.
    stops: u32,
    /// Instant of the STOP or END behind which nobody has let feeds go on, and its name.
    latched: Option<(Nanos, &'static str)>,
    /// True while a program moves the axis: an END of what the machine plays itself latches nothing.
    follows: bool,
}

impl Promise for StopLatchesFeeds {
    fn name(&self) -> &'static str {
        "s34_feeds_stay_stopped"
    }

    fn check_call(&mut self, _facts: &Facts, call: &PortCall) -> PromiseResult {
        if call.request == PortRequest::Stop {
            self.stops += 1;
            self.latched = Some((call.at_ns, "STOP"));
        }
        Ok(())
    }

    fn check_answer(&mut self, facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        // One that was sent before the newest STOP, and heard behind it, names another one.
        if let (ClientAct::Resume(stops), Some(200)) = (ClientAct::of(&answer.call), answer.status) {
            if stops > self.stops {
                let at_ms = facts.trace.map_or(0, |trace| trace.at_ns) / MILLISECOND_NS;
                return Err(format!("at {at_ms} ms STOP {stops} was named, and {} came", self.stops));
            }
            if stops == self.stops {
                self.latched = None;
            }
        }
        Ok(())
    }

    fn check_event(&mut self, _facts: &Facts, event: &Event) -> PromiseResult {
        let Event::Entered { at_ns, from, why, .. } = event else { return Ok(()) };
        let followed = core::mem::replace(&mut self.follows, event.begins_program());
        if followed && *from == State::Following && *why == Why::EndAsked {
            self.latched = Some((*at_ns, "END"));
        }
        match self.latched {
            Some((since, what)) if self.follows => {
                let after_ms = at_ns.saturating_sub(since) / MILLISECOND_NS;
                Err(format!("a feed moves the axis {after_ms} ms behind {what}, and nobody has let it"))
            }
            _ => Ok(()),
        }
    }
}
