//! Clients: what moves belongs to one that is there.

use super::{Kept, Promise};
use crate::machine::State;
use crate::trial::client::{Answer, Who};
use crate::trial::facts::Facts;
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

    fn answered(&mut self, facts: &Facts, answer: &Answer) -> Kept {
        let Some(seen) = &facts.seen else { return Ok(()) };
        let Answer { call, status, .. } = answer;
        let accepted = call.path == "/api/wave/run" && *status == Some(200);
        if accepted || self.holder.is_some_and(|(who, _)| who == call.who) {
            self.holder = Some((call.who, seen.at_ns));
        }
        if accepted && call.body.windows(KEEPS_ON.len()).any(|part| part == KEEPS_ON) {
            self.holder = None;
        }
        Ok(())
    }

    fn cycle(&mut self, facts: &Facts) -> Kept {
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
