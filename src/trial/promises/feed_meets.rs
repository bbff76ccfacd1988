//! S32: the first motion of a feed is slow until the axis has met it.

use super::{Promise, PromiseResult};
use crate::machine::Event;
use crate::trial::facts::{Facts, StepMade};
use crate::trial::feed_facts::SentFrame;
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// S32: behind rest, STOP, leave, a long pause and another window the axis is no faster than the approach speed until it is near a
/// target that a player sent a moment ago.
#[derive(Debug, Default)]
pub struct FeedIsMetSlowly {
    follows: bool,
    /// When the motion began.
    began_ns: Nanos,
    /// Instant from which the axis must be slow, as it has not met the feed.
    slow_from_ns: Option<Nanos>,
    /// The last window that was the only one that may be in force. One that was asked for and refused changes nothing.
    window: Option<(f64, f64)>,
    /// The windows in which the axis has met the feed while more than one might be in force.
    met_in: Vec<(f64, f64)>,
    /// The approach speed before it was changed, and until when it may show.
    approach_mm_s: f64,
    former: Option<(f64, Nanos)>,
}

/// The axis has met a target within this share of the window, and always within this length.
const MET_SHARE: f64 = 0.03;
const MET_MM: f64 = 0.3;
/// Steps by which the position of the plan may differ.
const BESIDE_STEPS: f64 = 2.0;
/// Between the instant at which a target is sent and that at which the pulses show it.
const SHOWN_NS: Nanos = 60 * MILLISECOND_NS;
/// Time granted for a window that was moved, besides braking.
const MOVED_NS: Nanos = 150 * MILLISECOND_NS;
/// Longest pause that is none, and the delay of what was sent before it.
const PAUSE_NS: Nanos = SECOND_NS;
const PAUSE_BESIDE_NS: Nanos = 400 * MILLISECOND_NS;
/// The longest time that a target without one may take.
const LIVE_NS: Nanos = SECOND_NS;
/// Tolerance of the approach speed, which the plan keeps exactly: the instants of two edges, 30 ns each, of 10 us at high pulse rates.
const TOLERANCE: f64 = 1.01;
/// Steps that make up for one that was held back while an input was read again are as near to each other as 15/16 of their interval.
const CLOSED_UP: f64 = 16.0 / 15.0;

impl FeedIsMetSlowly {
    /// True if another window is in force than before. While two may be, nobody can tell.
    fn is_moved(&mut self, windows: &[(f64, f64)]) -> bool {
        let [window] = windows else { return false };
        self.window.replace(*window).is_some_and(|before| before != *window)
    }

    fn look_for_meeting(&mut self, facts: &Facts, now: Nanos) {
        let windows = facts.feed_windows(now, now);
        if self.slow_from_ns.is_none() && windows.len() < 2 {
            return;
        }
        let from = now.saturating_sub(SHOWN_NS);
        if facts.feed_windows(from, now).into_iter().any(|window| self.is_met_in(window, facts, (from, now)))
        {
            self.slow_from_ns = None;
        }
        if windows.len() > 1 {
            for window in windows {
                if !self.met_in.contains(&window) && self.is_met_in(window, facts, (from, now)) {
                    self.met_in.push(window);
                }
            }
        }
    }

    /// True if the axis is where a target of that time is in this window.
    fn is_met_in(&self, (back, front): (f64, f64), facts: &Facts, time: (Nanos, Nanos)) -> bool {
        let Some(at_mm) = facts.position_mm() else { return false };
        let length_mm = front - back;
        let met_mm = (MET_SHARE * length_mm).max(MET_MM) + BESIDE_STEPS / facts.steps_per_mm();
        let mut targets = facts.feeds.newest_targets(self.began_ns, time);
        targets.any(|target| (at_mm - (back + target.share * length_mm)).abs() <= met_mm)
    }
}

impl Promise for FeedIsMetSlowly {
    fn name(&self) -> &'static str {
        "s32_a_feed_is_met_slowly"
    }

    fn check_event(&mut self, facts: &Facts, event: &Event) -> PromiseResult {
        let Event::Entered { at_ns, .. } = event else { return Ok(()) };
        self.follows = event.begins_program();
        self.began_ns = *at_ns;
        self.slow_from_ns = self.follows.then_some(*at_ns);
        self.window = None;
        self.is_moved(&facts.feed_windows(*at_ns, *at_ns));
        Ok(())
    }

    fn check_frame(&mut self, facts: &Facts, frame: &SentFrame) -> PromiseResult {
        // What was sent before: nobody else has sent anything since.
        let (Some(last), true) = (facts.feeds.target_before(frame), frame.target.is_some()) else {
            return Ok(());
        };
        let takes_ns = last.time_s.map_or(LIVE_NS, |time_s| (time_s * SECOND_NS as f64) as Nanos);
        let silent = frame.at_ns > last.at_ns + takes_ns + PAUSE_NS + PAUSE_BESIDE_NS;
        let rests_since = facts.last_step.map_or(0, |step| step.at);
        if self.follows && silent && frame.at_ns > rests_since + PAUSE_NS + PAUSE_BESIDE_NS {
            self.slow_from_ns = Some(frame.at_ns);
        }
        Ok(())
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let Some(trace) = &facts.trace else { return Ok(()) };
        let now = trace.at_ns;
        let approach_mm_s = trace.config.limits.approach_speed.get();
        if approach_mm_s < self.approach_mm_s {
            self.former = Some((self.approach_mm_s, now + MOVED_NS + facts.gentle_stop_ns()));
        }
        self.approach_mm_s = approach_mm_s;
        self.former = self.former.filter(|(_, until)| *until > now);
        if !self.follows {
            return Ok(());
        }
        self.look_for_meeting(facts, now);
        let windows = facts.feed_windows(now, now);
        if self.is_moved(&windows) {
            // The axis brakes, and goes to the same share of the new one, unless it was there already.
            let is_met = windows.iter().any(|window| self.met_in.contains(window));
            self.slow_from_ns = (!is_met).then_some(now + MOVED_NS + 2 * facts.gentle_stop_ns());
            self.look_for_meeting(facts, now);
        }
        if windows.len() < 2 {
            self.met_in.clear();
        }
        Ok(())
    }

    fn check_step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        self.look_for_meeting(facts, made.at);
        let Some(from) = self.slow_from_ns.filter(|_| self.follows) else { return Ok(()) };
        if made.at < from.max(facts.ground_truth.late_until) {
            return Ok(());
        }
        let allowed = self.approach_mm_s.max(self.former.map_or(0.0, |(former, _)| former));
        let speed = facts.speed_mm_s(made.at);
        let closed_up = if facts.has_read_active(made.at, 0) { CLOSED_UP } else { 1.0 };
        if speed > allowed * closed_up * TOLERANCE {
            let at_mm = facts.position_mm().unwrap_or_default();
            return Err(format!(
                "{speed:.1} mm/s at {at_mm:.2} mm, where no feed has been met, and {allowed:.1} mm/s is the most; window {:?}",
                self.window
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seed 413 of the simulation: a window that was refused made the check expect an axis to be slow that had met its feed long ago.
    #[test]
    fn a_window_that_was_refused_moves_nothing() {
        let (one, other) = ((0.0, 404.0), (145.0, 150.0));
        let mut check = FeedIsMetSlowly::default();
        let mut moved = |windows: &[(f64, f64)]| check.is_moved(windows);
        assert_eq!([moved(&[one]), moved(&[one, other]), moved(&[one])], [false, false, false]);
        assert_eq!([moved(&[one, other]), moved(&[other])], [false, true]);
    }
}
