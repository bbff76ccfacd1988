//! S33: a feed that is brought to an end is over soon.

use super::{Promise, PromiseResult};
use crate::machine::{Event, State};
use crate::trial::facts::Facts;
use crate::units::{MILLISECOND_NS, Nanos};

/// S33: behind END, and behind a start of something else, the axis of a feed brakes, and that is over when it has braked. Whoever waits
/// for it would wait for ever otherwise.
#[derive(Debug, Default)]
pub struct EndedFeedIsOver {
    since_ns: Option<Nanos>,
}

/// Time granted besides braking: what is queued, and the last of the way.
const SETTLES_NS: Nanos = 200 * MILLISECOND_NS;

impl Promise for EndedFeedIsOver {
    fn name(&self) -> &'static str {
        "s33_an_ended_feed_is_over"
    }

    fn check_event(&mut self, _facts: &Facts, event: &Event) -> PromiseResult {
        if let Event::Entered { at_ns, from, to, .. } = event {
            let ends = *from == State::Following && *to == State::Ending;
            self.since_ns = ends.then_some(*at_ns);
        }
        Ok(())
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let (Some(trace), Some(since_ns)) = (&facts.trace, self.since_ns) else { return Ok(()) };
        let from_ns = since_ns.max(facts.ground_truth.late_until);
        // It brakes with 0.8 of what it can.
        let over_ns = from_ns + facts.gentle_stop_ns() * 5 / 4 + SETTLES_NS;
        if trace.at_ns > over_ns {
            let ms = (trace.at_ns - since_ns) / MILLISECOND_NS;
            return Err(format!("a feed that was ended {ms} ms ago is not over"));
        }
        Ok(())
    }
}
