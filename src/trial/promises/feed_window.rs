//! S31: a feed moves the axis inside the window.

use super::{Promise, PromiseResult};
use crate::machine::{Event, State};
use crate::trial::facts::{Facts, StepMade};
use crate::units::{MILLISECOND_NS, Nanos};

/// S31: an axis that follows a feed stays inside the window that is in force once it is there; on its way into one that was moved it
/// goes no further out than its braking leads it. The window is the one that a person has set, not the one that the machine shows.
#[derive(Debug, Default)]
pub struct FeedStaysInItsWindow {
    /// Where the axis may be, in mm, while it follows a feed or comes to rest behind it.
    allowed: Option<(f64, f64)>,
    /// The windows that may be in force, and until when the ones before may show.
    windows: Vec<(f64, f64)>,
    braking_until_ns: Nanos,
}

/// Time granted for a window that was moved, besides braking: the command on its way, and what is queued.
const MOVED_NS: Nanos = 100 * MILLISECOND_NS;

fn ends(windows: &[(f64, f64)]) -> (f64, f64) {
    windows.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(back, front), window| {
        (back.min(window.0), front.max(window.1))
    })
}

impl Promise for FeedStaysInItsWindow {
    fn name(&self) -> &'static str {
        "s31_a_feed_stays_in_its_window"
    }

    fn check_event(&mut self, facts: &Facts, event: &Event) -> PromiseResult {
        let Event::Entered { at_ns, to, .. } = event else { return Ok(()) };
        match to {
            State::Following if event.begins_program() => {
                self.windows = facts.feed_windows(*at_ns, *at_ns);
                let (back, front) = ends(&self.windows);
                let at_mm = facts.position_mm();
                self.allowed = at_mm.map(|at_mm| (back.min(at_mm), front.max(at_mm)));
                self.braking_until_ns = 0;
            }
            State::Ending | State::Stopping => {}
            _ => self.allowed = None,
        }
        Ok(())
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let (Some((low, high)), Some(trace)) = (self.allowed, &facts.trace) else { return Ok(()) };
        let Some(at_mm) = facts.position_mm() else { return Ok(()) };
        let windows = facts.feed_windows(trace.at_ns, trace.at_ns);
        if windows != self.windows {
            self.windows = windows;
            self.braking_until_ns = trace.at_ns + MOVED_NS + 2 * facts.gentle_stop_ns();
        }
        let (back, front) = ends(&self.windows);
        self.allowed = Some(if trace.at_ns < self.braking_until_ns {
            (low.min(back), high.max(front))
        } else {
            (back.min(low.max(at_mm)), front.max(high.min(at_mm)))
        });
        Ok(())
    }

    fn check_step(&mut self, facts: &Facts, _made: &StepMade) -> PromiseResult {
        let (Some((low, high)), Some(at_mm)) = (self.allowed, facts.position_mm()) else { return Ok(()) };
        // A step, and rounding and slack of the tracker.
        let slack_mm = 1.0 / facts.steps_per_mm() + 0.05;
        if at_mm < low - slack_mm || at_mm > high + slack_mm {
            let windows = &self.windows;
            return Err(format!(
                "a feed moves the axis to {at_mm:.2} mm, {low:.2} to {high:.2} mm is where it may be; windows {windows:?}"
            ));
        }
        Ok(())
    }
}
