//! S33: a feed that says nothing more is at rest on its last target.

use super::{Promise, PromiseResult};
use crate::machine::Event;
use crate::trial::facts::{Facts, StepMade};
use crate::trial::feed_facts::{SentFrame, SentTarget};
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// S33: an axis whose feed has sent nothing for so long that its last move is over rests at its last target, goes no further from
/// it, and begins no motion by itself.
#[derive(Debug, Default)]
pub struct SilentFeedRests {
    follows: bool,
    /// When the motion began.
    began_ns: Nanos,
    silence: Option<Silence>,
    /// The windows that may be in force.
    windows: Vec<(f64, f64)>,
    /// Instant of the last thing that may hold the axis up: a force, other limits, another window.
    disturbed_ns: Nanos,
}

/// What is expected behind the last target.
#[derive(Debug)]
struct Silence {
    /// From then on the axis only comes nearer to its target.
    nears_from_ns: Nanos,
    /// From then on it rests there.
    rests_by_ns: Nanos,
    /// The places that may be the last target, each with the least distance from it since then.
    places: Vec<(f64, f64)>,
    /// By so much it may go beyond its target when it meets it.
    beyond_mm: f64,
}

/// Delay of a target on its way to the pulses: the server's turn (30 ms), the buffer of a dense stream (up to 158 ms), and the grace of
/// one that starved (60 ms).
const DELAY_NS: Nanos = 250 * MILLISECOND_NS;
/// The longest time that a target without one may take.
const LIVE_S: f64 = 1.0;
/// A path that starves brakes with 0.8 of what the axis can, and so takes 1 / 0.8 of the time.
const BRAKE_TIMES: f64 = 1.25;
/// Of the speed that is allowed, what a path uses at least: it keeps 0.04 for the tracker.
const SPEED_SHARE: f64 = 0.95;
/// How exactly the axis rests on its target: the plan within 0.002 mm, and the pulses within a step of the plan.
const THERE_MM: f64 = 0.01;
const THERE_STEPS: f64 = 1.0;

/// The highest force that is measured where there is none, in grams.
fn undisturbed_g(facts: &Facts) -> f64 {
    facts.ground_truth.noise_g + 1.0
}

impl SilentFeedRests {
    /// What is expected from `from_ns` on behind the last target of each player, if nothing else is sent: nobody can see which of
    /// them moves the axis.
    fn silence(&self, facts: &Facts, from_ns: Nanos) -> Option<Silence> {
        let config = facts.config()?;
        let approach_mm_s = config.limits.approach_speed.get();
        let lengths_mm = self.windows.iter().map(|(back, front)| front - back);
        let longest_mm = lengths_mm.fold(0.0, f64::max);
        // A time that is not said follows from the intervals, or from the way at the approach speed.
        let takes_s = |last: &SentTarget| {
            last.time_s.unwrap_or_else(|| LIVE_S.max(longest_mm / approach_mm_s).min(10.0))
        };
        let due_ns =
            |last: &SentTarget| last.at_ns.max(from_ns) + (takes_s(last) * SECOND_NS as f64) as Nanos;
        let due_ns = facts.feeds.last_targets(self.began_ns).map(due_ns).max()? + DELAY_NS;
        let brake_ns = (BRAKE_TIMES * facts.gentle_stop_ns() as f64) as Nanos;
        let nears_from_ns = due_ns + brake_ns;
        let of_players = facts.feeds.last_targets(self.began_ns).flat_map(|last| {
            self.windows.iter().map(|(back, front)| (back + last.share * (front - back), f64::INFINITY))
        });
        let places: Vec<(f64, f64)> = of_players.collect();
        let at_mm = facts.position_mm()?;
        let farthest_mm = places.iter().map(|(place, _)| (at_mm - place).abs()).fold(0.0, f64::max);
        // It may have braked far from there, and behind a stop it begins anew.
        let way_mm = farthest_mm + longest_mm.min(facts.gentle_stop_mm());
        // The force chart may allow less than the approach speed at no force at all (seed 535).
        let speed_mm_s = facts.approach_mm_s().min(config.allowance.speed_mm_s(undisturbed_g(facts)));
        let way_s = way_mm / (SPEED_SHARE * speed_mm_s).max(0.1);
        let rests_by_ns = nears_from_ns + (way_s * SECOND_NS as f64) as Nanos + brake_ns;
        let beyond_mm = facts.beyond_met_mm();
        Some(Silence { nears_from_ns, rests_by_ns, places, beyond_mm })
    }
}

impl Promise for SilentFeedRests {
    fn name(&self) -> &'static str {
        "s33_a_silent_feed_rests"
    }

    fn check_event(&mut self, _facts: &Facts, event: &Event) -> PromiseResult {
        if let Event::Entered { at_ns, .. } = event {
            self.follows = event.begins_program();
            self.silence = None;
            (self.began_ns, self.disturbed_ns) = (*at_ns, *at_ns);
        }
        Ok(())
    }

    fn check_frame(&mut self, _facts: &Facts, frame: &SentFrame) -> PromiseResult {
        // A stop that is one ends the motion, which is seen; that of a player that is not in charge changes nothing.
        if frame.target.is_some() {
            self.silence = None;
        }
        Ok(())
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let (Some(trace), Some(before)) = (&facts.trace, &facts.previous_trace) else { return Ok(()) };
        if !self.follows {
            return Ok(());
        }
        let windows = facts.feed_windows(trace.at_ns, trace.at_ns);
        let is_disturbed = facts.force_g() != 0.0
            || trace.force_g.is_some_and(|force_g| force_g.abs() > undisturbed_g(facts))
            || trace.config != before.config
            || trace.speed_bound_mm_s != before.speed_bound_mm_s
            || trace.at_ns < facts.ground_truth.late_until
            || windows != self.windows;
        if is_disturbed {
            self.disturbed_ns = trace.at_ns;
            self.windows = windows;
            self.silence = None;
        }
        if self.silence.is_none() {
            self.silence = self.silence(facts, self.disturbed_ns);
        }
        let Some(silence) = &mut self.silence else { return Ok(()) };
        if trace.at_ns >= silence.nears_from_ns
            && let Some(at_mm) = facts.position_mm()
        {
            let slack_mm = THERE_MM + THERE_STEPS / facts.steps_per_mm();
            for (place, nearest_mm) in &mut silence.places {
                *nearest_mm = nearest_mm.min((at_mm - *place).abs());
            }
            let away_mm = |place: &f64| (at_mm - place).abs();
            if silence
                .places
                .iter()
                .all(|(place, nearest_mm)| away_mm(place) > nearest_mm + slack_mm + silence.beyond_mm)
            {
                return Err(format!(
                    "a feed that says nothing moves the axis to {at_mm:.2} mm; its last target, and the least distance: {:?}",
                    silence.places
                ));
            }
            let is_late = trace.at_ns >= silence.rests_by_ns;
            if is_late && silence.places.iter().all(|(place, _)| away_mm(place) > slack_mm) {
                let ms = (trace.at_ns - self.disturbed_ns) / MILLISECOND_NS;
                return Err(format!(
                    "at {at_mm:.2} mm rests the axis of a feed that has said nothing for up to {ms} ms; its last target: {:?}",
                    silence.places
                ));
            }
        }
        Ok(())
    }

    fn check_step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        if !self.follows {
            return Ok(());
        }
        let Some(last_ns) = facts.feeds.last_targets(self.began_ns).map(|last| last.at_ns).max() else {
            return Err("the axis follows a feed that has said nothing".to_owned());
        };
        let Some(silence) = &self.silence else { return Ok(()) };
        if made.at > silence.rests_by_ns && made.at >= facts.ground_truth.late_until {
            let ms = (made.at - last_ns) / MILLISECOND_NS;
            return Err(format!("a step of a feed that has said nothing for {ms} ms"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hal::sim::{RailOptions, SimulatedOperator};
    use crate::trial::client::ClientKind;

    /// Seed 160 of the simulation: a stop that changed nothing, as its player was not in charge, set an axis on its way to its last
    /// target a time that was over.
    #[test]
    fn only_a_target_changes_what_is_expected() {
        let facts = Facts::new(RailOptions::default(), SimulatedOperator::default());
        let silence = Silence { nears_from_ns: 0, rests_by_ns: 0, places: Vec::new(), beyond_mm: 0.0 };
        let mut check = SilentFeedRests { silence: Some(silence), ..SilentFeedRests::default() };
        let mut frame = SentFrame { who: ClientKind::Player, at_ns: 1, stops: true, target: None };
        assert_eq!(check.check_frame(&facts, &frame), Ok(()));
        assert!(check.silence.is_some());
        frame.target = Some(SentTarget { at_ns: 1, share: 0.5, time_s: None });
        assert_eq!(check.check_frame(&facts, &frame), Ok(()));
        assert!(check.silence.is_none());
    }
}
