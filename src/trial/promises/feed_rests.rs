//! S33: a feed that says nothing more is at rest on its last target.

use super::{Promise, PromiseResult};
use crate::machine::{Event, State};
use crate::trial::facts::{Facts, StepMade};
use crate::trial::feed_facts::{SentFrame, SentTarget};
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// S33: an axis whose feed has sent nothing for so long that its last move is over rests at its last target, goes no further from
/// it, and begins no motion by itself.
#[derive(Debug, Default)]
pub struct SilentFeedRests {
    follows: bool,
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
    /// By so much it may go beyond its target when it meets it: the path brakes a little softer than the axis did before.
    beyond_mm: f64,
}

/// Delay of a target on its way to the pulses: the server's turn, the buffer of a dense stream, and the grace of one that starved.
const DELAY_NS: Nanos = 250 * MILLISECOND_NS;
/// The longest time that a target without one may take.
const LIVE_S: f64 = 1.0;
/// Of the speed that is allowed, what a path uses at least.
const SPEED_SHARE: f64 = 0.85;
/// Tolerance of the last target, in mm and steps.
const THERE_MM: f64 = 0.05;
const THERE_STEPS: f64 = 1.5;
/// What an axis that meets its last target may go beyond it, in mm and as a share of the window.
const BEYOND_MM: f64 = 0.1;
const BEYOND_SHARE: f64 = 0.01;

impl SilentFeedRests {
    /// What is expected behind this target, if nothing else is sent.
    fn silence(facts: &Facts, windows: &[(f64, f64)], last: &SentTarget, from_ns: Nanos) -> Option<Silence> {
        let (config, trace) = (facts.config()?, facts.trace.as_ref()?);
        let approach_mm_s = config.limits.approach_speed.get();
        // A time that is not said follows from the intervals, or from the way at the approach speed.
        let longest_mm = windows.iter().map(|(back, front)| front - back).fold(0.0, f64::max);
        let takes_s = last.time_s.unwrap_or_else(|| LIVE_S.max(longest_mm / approach_mm_s).min(10.0));
        let due_ns = last.at_ns.max(from_ns) + (takes_s * SECOND_NS as f64) as Nanos + DELAY_NS;
        // A path that starves brakes softer than the axis can.
        let nears_from_ns = due_ns + 2 * facts.gentle_stop_ns();
        let speed_mm_s = approach_mm_s.min(trace.speed_bound_mm_s).min(config.limits.max_speed.get());
        // It may have braked far from there, and behind a stop it begins anew.
        let way_mm = Self::farthest_mm(facts, windows, last) + longest_mm.min(facts.gentle_stop_mm());
        let way_s = way_mm / (SPEED_SHARE * speed_mm_s).max(0.1);
        let rests_by_ns = nears_from_ns + (way_s * SECOND_NS as f64) as Nanos + 2 * facts.gentle_stop_ns();
        // Nobody can see which of two players moves the axis.
        let of_players = facts.feeds.last_targets().flat_map(|last| {
            windows.iter().map(|(back, front)| (back + last.share * (front - back), f64::INFINITY))
        });
        let beyond_mm = BEYOND_MM.max(BEYOND_SHARE * longest_mm);
        Some(Silence { nears_from_ns, rests_by_ns, places: of_players.collect(), beyond_mm })
    }

    fn farthest_mm(facts: &Facts, windows: &[(f64, f64)], last: &SentTarget) -> f64 {
        let Some(at_mm) = facts.position_mm() else { return 0.0 };
        let away = |(back, front): &(f64, f64)| (at_mm - (back + last.share * (front - back))).abs();
        windows.iter().map(away).fold(0.0, f64::max)
    }
}

impl Promise for SilentFeedRests {
    fn name(&self) -> &'static str {
        "s33_a_silent_feed_rests"
    }

    fn check_event(&mut self, _facts: &Facts, event: &Event) -> PromiseResult {
        if let Event::Entered { at_ns, to, .. } = event {
            self.follows = *to == State::Following;
            self.silence = None;
            self.disturbed_ns = *at_ns;
        }
        Ok(())
    }

    fn check_frame(&mut self, _facts: &Facts, frame: &SentFrame) -> PromiseResult {
        if frame.target.is_some() || frame.stops {
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
            || trace.force_g.is_some_and(|force_g| force_g.abs() > facts.ground_truth.noise_g + 1.0)
            || trace.config != before.config
            || trace.speed_bound_mm_s != before.speed_bound_mm_s
            || trace.at_ns < facts.ground_truth.late_until
            || windows != self.windows;
        if is_disturbed {
            self.disturbed_ns = trace.at_ns;
            self.windows = windows;
            self.silence = None;
        }
        if let (None, Some(last)) = (&self.silence, facts.feeds.last_target()) {
            self.silence = Self::silence(facts, &self.windows, last, self.disturbed_ns);
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
        let Some(silence) = self.silence.as_ref().filter(|_| self.follows) else { return Ok(()) };
        let Some(last) = facts.feeds.last_target() else {
            return Err("the axis follows a feed that has said nothing".to_owned());
        };
        if made.at > silence.rests_by_ns && made.at >= facts.ground_truth.late_until {
            let ms = (made.at - last.at_ns) / MILLISECOND_NS;
            return Err(format!("a step of a feed that has said nothing for {ms} ms"));
        }
        Ok(())
    }
}
