//! Checks about whose targets move the axis (S22), and about a feed whose client is gone (S17).

use super::{Promise, PromiseResult};
use crate::machine::Event;
use crate::trial::client::ClientKind;
use crate::trial::facts::Facts;
use crate::trial::feed_facts::{SentFrame, SentTarget, TURN_NS};
use crate::trial::players::BANDS;
use crate::units::{MILLISECOND_NS, Nanos};

/// S22: of two feeds only one moves the axis. Each of the two players has a band of the window of its own, so an axis that rests in
/// the band of one, then in that of the other, and then in the first again was moved by both.
#[derive(Debug, Default)]
pub struct OneFeedMoves {
    /// The bands through which the axis has gone in this motion, up to the third.
    bands: Vec<usize>,
    /// Instant of the last cycle in which it rested in the last one of them.
    rested_ns: Nanos,
    /// The windows that may be in force.
    windows: Vec<(f64, f64)>,
    follows: bool,
    began_ns: Nanos,
}

/// An axis that makes no step for so long rests: longer than a path that starved waits before it goes on.
const RESTS_NS: Nanos = 150 * MILLISECOND_NS;
/// An axis at rest begins to move for a target within the time of that, and so much longer at most.
const UNDER_WAY_NS: Nanos = 500 * MILLISECOND_NS;
/// Share of the window by which a band reaches into what lies between them.
const BESIDE: f64 = 0.05;

impl Promise for OneFeedMoves {
    fn name(&self) -> &'static str {
        "s22_one_feed_moves"
    }

    fn check_event(&mut self, _facts: &Facts, event: &Event) -> PromiseResult {
        if let Event::Entered { at_ns, .. } = event {
            self.follows = event.begins_program();
            self.began_ns = *at_ns;
            self.bands.clear();
            self.rested_ns = 0;
        }
        Ok(())
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let Some(trace) = facts.trace.as_ref().filter(|_| self.follows) else { return Ok(()) };
        let windows = facts.feed_windows(trace.at_ns, trace.at_ns);
        if windows != self.windows {
            // The axis goes with it.
            self.windows = windows;
            self.bands.clear();
            self.rested_ns = 0;
        }
        // On its way it may brake beyond its target, as nobody can know that nothing more comes.
        let rests = facts.last_step.is_none_or(|step| trace.at_ns > step.at + RESTS_NS);
        let (Some(at_mm), [(back, front)], true) =
            (facts.position_mm(), &self.windows[..], rests && facts.feeds.is_duel())
        else {
            return Ok(());
        };
        let share = (at_mm - back) / (front - back).max(1.0);
        let is_in = |(low, high): &(f64, f64)| share > low - BESIDE && share < high + BESIDE;
        let Some(band) = BANDS.iter().position(is_in) else { return Ok(()) };
        // A player that has said nothing since the axis rested elsewhere has not moved it from there: in a short window the axis of the
        // other one may brake as far as here.
        let (low, high) = BANDS[band];
        let may_move = |target: &SentTarget| {
            let until_ns =
                target.at_ns + target.time_s.map_or(0, |time_s| (time_s * 1e9) as Nanos) + UNDER_WAY_NS;
            (low..=high).contains(&target.share) && until_ns >= self.rested_ns
        };
        if self.bands.last() != Some(&band) {
            if !facts.feeds.last_targets(self.began_ns).any(may_move) {
                return Ok(());
            }
            self.bands.push(band);
        }
        self.rested_ns = trace.at_ns;
        // From where the axis was before, to the one feed, and to the other one.
        if self.bands.len() > 2 {
            return Err(format!("one motion went through the bands {:?} of two players", self.bands));
        }
        Ok(())
    }
}

/// S17 for feeds: a motion whose player is gone, or hangs, ends.
#[derive(Debug, Default)]
pub struct FeedHasItsClient {
    heard: bool,
    follows: bool,
}

/// Pings are a second apart, one without an answer for three seconds ends the socket, and the command waits like any other.
const SILENT_NS: Nanos = 4_500 * MILLISECOND_NS;

impl Promise for FeedHasItsClient {
    fn name(&self) -> &'static str {
        "s17_a_feed_has_its_client"
    }

    fn check_frame(&mut self, _facts: &Facts, frame: &SentFrame) -> PromiseResult {
        self.heard |= matches!(frame.who, ClientKind::Player | ClientKind::OtherPlayer);
        Ok(())
    }

    fn check_event(&mut self, _facts: &Facts, event: &Event) -> PromiseResult {
        if let Event::Entered { .. } = event {
            self.follows = event.begins_program();
        }
        Ok(())
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let Some(trace) = facts.trace.as_ref().filter(|_| self.follows) else { return Ok(()) };
        if !self.heard {
            return Err("the axis follows a feed, and no player has said anything".to_owned());
        }
        match facts.feeds.left_since() {
            Some(since) if trace.at_ns > (since + SILENT_NS + TURN_NS).max(facts.ground_truth.late_until) => {
                let ms = (trace.at_ns - since) / MILLISECOND_NS;
                Err(format!("the axis follows a feed {ms} ms after its player has left"))
            }
            _ => Ok(()),
        }
    }
}
