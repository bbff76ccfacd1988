//! Checks about patterns: one begins only when a client asks for it (S8), rests when it is paused (S29), and stays in the stroke that
//! clients have set (S31).

use std::collections::BTreeSet;

use super::{Promise, PromiseResult};
use crate::machine::{Event, State};
use crate::trial::acts::{ClientAct, SentAct};
use crate::trial::client::ClientAnswer;
use crate::trial::facts::{Facts, StepMade};
use crate::units::{MILLISECOND_NS, Nanos};

/// S8 for what the machine plays itself: it begins while a client waits for the answer to its start, and once for each start.
#[derive(Debug, Default)]
pub struct PatternIsAskedFor {
    /// Starts without an answer, and those whose answer was lost.
    under_way: BTreeSet<u64>,
    /// Motions that began for one of them.
    begun: usize,
}

impl Promise for PatternIsAskedFor {
    fn name(&self) -> &'static str {
        "s08_a_pattern_is_asked_for"
    }

    fn check_sent(&mut self, _facts: &Facts, sent: &SentAct) -> PromiseResult {
        if let ClientAct::Start { plays: true, .. } = sent.act {
            self.under_way.insert(sent.number);
        }
        Ok(())
    }

    fn check_answer(&mut self, _facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        if answer.status.is_some() && self.under_way.remove(&answer.number) && answer.status == Some(200) {
            self.begun = self.begun.saturating_sub(1);
        }
        // One that a STOP ended before its answer was there has begun, and is refused.
        self.begun = self.begun.min(self.under_way.len());
        Ok(())
    }

    fn check_event(&mut self, _facts: &Facts, event: &Event) -> PromiseResult {
        if !event.begins_playback() {
            return Ok(());
        }
        self.begun += 1;
        if self.begun > self.under_way.len() {
            return Err(format!("the machine plays, and {} starts are under way", self.under_way.len()));
        }
        Ok(())
    }
}

/// Time granted besides braking: the command on its way, and what is queued.
const DECIDED_WITHIN_NS: Nanos = 150 * MILLISECOND_NS;
/// A path that comes to rest brakes with 0.8 of what the axis can, and so takes 1 / 0.8 of the time.
const BRAKE_TIMES: f64 = 1.25;

fn braking_ns(facts: &Facts) -> Nanos {
    DECIDED_WITHIN_NS + (BRAKE_TIMES * facts.gentle_stop_ns() as f64) as Nanos
}

/// S29 for patterns: one that is paused, or has speed 0, rests.
#[derive(Debug, Default)]
pub struct PausedPatternRests {
    /// From then on there is no step.
    rests_by_ns: Option<Nanos>,
}

impl Promise for PausedPatternRests {
    fn name(&self) -> &'static str {
        "s29_a_paused_pattern_rests"
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let (Some(trace), Some(before)) = (&facts.trace, &facts.previous_trace) else { return Ok(()) };
        if !facts.plays || !facts.patterns.is_to_rest(trace.at_ns) {
            self.rests_by_ns = None;
            return Ok(());
        }
        if trace.config != before.config {
            self.rests_by_ns = self.rests_by_ns.max(Some(trace.at_ns + braking_ns(facts)));
        } else if self.rests_by_ns.is_none() {
            self.rests_by_ns = Some(trace.at_ns + braking_ns(facts));
        }
        Ok(())
    }

    fn check_step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        match self.rests_by_ns {
            Some(rests_by_ns)
                if facts.state() == State::Following
                    && made.at > rests_by_ns.max(facts.ground_truth.late_until) =>
            {
                let ms = (made.at - rests_by_ns) / MILLISECOND_NS;
                Err(format!("a step {ms} ms after a paused pattern should be at rest"))
            }
            _ => Ok(()),
        }
    }
}

/// So far, in mm, an axis may be beyond the end of its stroke, which bounds it as a window does: the brake of a cycle is not exact.
const TRACKS_MM: f64 = 0.05;

/// S31 for patterns: one stays between the back and the front that clients have set once it is there; on its way it goes no further
/// out than its braking leads it.
#[derive(Debug, Default)]
pub struct PatternStaysInItsStroke {
    /// Where the axis may be, in mm, while it follows a pattern or comes to rest behind it.
    allowed: Option<(f64, f64)>,
    /// Back and front that may be in force, and until when the ones before may show.
    extent_mm: (f64, f64),
    braking_until_ns: Nanos,
    /// Until when an axis whose limits were changed may brake longer than its path did.
    limited_until_ns: Nanos,
}

impl Promise for PatternStaysInItsStroke {
    fn name(&self) -> &'static str {
        "s31_a_pattern_stays_in_its_stroke"
    }

    fn check_event(&mut self, facts: &Facts, event: &Event) -> PromiseResult {
        let Event::Entered { at_ns, to, .. } = event else { return Ok(()) };
        match to {
            State::Following if event.begins_playback() => {
                self.extent_mm = facts.pattern_extent_mm(*at_ns);
                let (back, front) = self.extent_mm;
                self.allowed = facts.position_mm().map(|at_mm| (back.min(at_mm), front.max(at_mm)));
                (self.braking_until_ns, self.limited_until_ns) = (0, 0);
            }
            State::Ending | State::Stopping => {}
            _ => self.allowed = None,
        }
        Ok(())
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let (Some((low, high)), Some(trace)) = (self.allowed, &facts.trace) else { return Ok(()) };
        let Some(at_mm) = facts.position_mm() else { return Ok(()) };
        let until_ns = trace.at_ns + DECIDED_WITHIN_NS + 2 * facts.gentle_stop_ns();
        let before = facts.previous_trace.as_ref();
        if before.is_some_and(|before| before.config.limits != trace.config.limits) {
            self.limited_until_ns = until_ns;
        }
        let extent_mm = if trace.at_ns < self.limited_until_ns {
            (0.0, facts.stroke_mm())
        } else {
            facts.pattern_extent_mm(trace.at_ns)
        };
        if extent_mm != self.extent_mm {
            self.extent_mm = extent_mm;
            self.braking_until_ns = until_ns;
        }
        let (back, front) = extent_mm;
        self.allowed = Some(if trace.at_ns < self.braking_until_ns {
            (low.min(back), high.max(front))
        } else {
            (back.min(low.max(at_mm)), front.max(high.min(at_mm)))
        });
        Ok(())
    }

    fn check_step(&mut self, facts: &Facts, _made: &StepMade) -> PromiseResult {
        let (Some((low, high)), Some(at_mm)) = (self.allowed, facts.position_mm()) else { return Ok(()) };
        // A step, and the tracker.
        let slack_mm = 1.0 / facts.steps_per_mm() + TRACKS_MM;
        if at_mm < low - slack_mm || at_mm > high + slack_mm {
            let (back, front) = self.extent_mm;
            return Err(format!(
                "a pattern moves the axis to {at_mm:.2} mm, {low:.2} to {high:.2} mm is where it may be; it is set to {back:.2} to {front:.2} mm"
            ));
        }
        Ok(())
    }
}
