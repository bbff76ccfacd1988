//! S39: the nudge is a homing move with another bound.

use super::{Promise, PromiseResult};
use crate::machine::{Event, State};
use crate::trial::acts::{AskedNudge, ClientAct, SentAct};
use crate::trial::client::{ClientAnswer, ClientKind};
use crate::trial::facts::{Facts, StepMade};
use crate::units::{MICROSECOND_NS, MILLISECOND_NS, Nanos, SECOND_NS};

/// S39: 2 mm, or 10 mm where a ruler is held to it; slow; toward the end that was asked for; cut by every input; no step once
/// the finger is let go. Judged by the steps, the input lines, and what the client sends.
#[derive(Debug, Default)]
pub struct NudgeIsBounded {
    /// The nudge that a client asked for last, who asked, and its number.
    asked: Option<(AskedNudge, ClientKind, u64)>,
    /// Instant of the last word of that client.
    heard_ns: Nanos,
    running: Option<NudgeSteps>,
}

#[derive(Debug, Clone, Copy)]
struct NudgeSteps {
    asked: AskedNudge,
    who: ClientKind,
    steps: u64,
    /// Instant at which an input had been active for so long that the nudge is over.
    cut_ns: Option<Nanos>,
}

/// Longest silence of a finger.
const SILENT_NS: Nanos = 300 * MILLISECOND_NS;
/// Longest time until the ramp begins: other clients may have the turn before, and the command waits in the ring.
const DECIDED_WITHIN_NS: Nanos = 200 * MILLISECOND_NS;
/// Onset of the ramp, and the motion that is queued.
const RAMP_NS: Nanos = 40 * MILLISECOND_NS;
/// After so long an input has been confirmed, whatever the loop did before.
const CONFIRMED_NS: Nanos = 2 * MILLISECOND_NS;
/// The step of a limit switch that closes (S1).
const LIMIT_WITHIN_NS: Nanos = 50 * MICROSECOND_NS;
/// Shortest interval as a share of that of the slow speed: the loop makes up for steps that a glitch has held back.
const CLOSEST: f64 = 0.9;

impl AskedNudge {
    fn bound_mm(self) -> f64 {
        if self.is_ruler { 10.0 } else { 2.0 }
    }
}

impl Promise for NudgeIsBounded {
    fn name(&self) -> &'static str {
        "s39_the_nudge_is_bounded"
    }

    fn check_sent(&mut self, _facts: &Facts, sent: &SentAct) -> PromiseResult {
        if let ClientAct::Start { nudge: Some(nudge), .. } = sent.act {
            self.asked = Some((nudge, sent.who, sent.number));
            self.heard_ns = sent.arrives_ns;
        }
        if self.asked.is_some_and(|(_, who, _)| who == sent.who) {
            self.heard_ns = sent.arrives_ns;
        }
        Ok(())
    }

    fn check_answer(&mut self, facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        // The lease counts from when the machine has accepted the nudge.
        if self.asked.is_some_and(|(_, _, number)| number == answer.number) && answer.status == Some(200) {
            self.heard_ns = facts.trace.map_or(self.heard_ns, |trace| trace.at_ns);
        }
        Ok(())
    }

    fn check_event(&mut self, _facts: &Facts, event: &Event) -> PromiseResult {
        match event {
            Event::Entered { to: State::Nudging, from, .. } => {
                let Some((asked, who, _)) = self.asked else {
                    return Err("a nudge that nobody asked for".to_owned());
                };
                if *from != State::NotHomed {
                    return Err(format!("a nudge of an axis that is {}", from.name()));
                }
                self.running = Some(NudgeSteps { asked, who, steps: 0, cut_ns: None });
            }
            Event::Entered { to: State::Homing | State::Running | State::Following, .. } => {
                self.running = None
            }
            Event::Entered { from: State::Nudging, to, .. }
                if !matches!(to, State::NotHomed | State::Stopping | State::Faulted) =>
            {
                return Err(format!("a nudge ended {}", to.name()));
            }
            Event::Calibrated(_) if self.running.is_some() => {
                return Err("a nudge found a position".to_owned());
            }
            _ => {}
        }
        Ok(())
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let (Some(run), Some(trace)) = (&mut self.running, &facts.trace) else { return Ok(()) };
        let active = facts.active_since;
        let since = [active.front, active.back, active.cut].into_iter().flatten().min();
        if since.is_some_and(|since| trace.at_ns > since + CONFIRMED_NS) && run.steps > 0 {
            run.cut_ns.get_or_insert(trace.at_ns);
        }
        Ok(())
    }

    fn check_step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        let (Some(run), Some(config)) = (&mut self.running, facts.config()) else { return Ok(()) };
        run.steps += 1;
        let nominal = config.geometry.nominal.get();
        let (bound_mm, asked) = (run.asked.bound_mm(), run.asked);
        if run.steps as f64 > bound_mm * nominal + 0.5 {
            return Err(format!("{} steps of a nudge of {bound_mm} mm, {nominal} steps/mm", run.steps));
        }
        if made.forward != asked.is_forward {
            return Err("a step of a nudge the other way than was asked for".to_owned());
        }
        if made.at < facts.ground_truth.late_until {
            return Ok(());
        }
        let speed_mm_s = facts.homing.slow.get().min(config.limits.max_speed.get());
        let closest_ns = (CLOSEST / (speed_mm_s * nominal) * SECOND_NS as f64) as Nanos;
        if run.steps > 1 && made.interval_ns < closest_ns {
            let us = made.interval_ns / MICROSECOND_NS;
            return Err(format!(
                "two steps of a nudge {us} us apart, {} at least",
                closest_ns / MICROSECOND_NS
            ));
        }
        let active = facts.active_since;
        for (line, since) in [("front", active.front), ("back", active.back), ("e-stop", active.cut)] {
            let within_ns = made.interval_ns.max(LIMIT_WITHIN_NS);
            if since.is_some_and(|since| made.at > since + within_ns) {
                return Err(format!("a step of a nudge after the {line} line was active"));
            }
        }
        if run.cut_ns.is_some() {
            return Err("a nudge went on after an input had ended it".to_owned());
        }
        let silent_ns = made.at.saturating_sub(self.heard_ns);
        if silent_ns > SILENT_NS + DECIDED_WITHIN_NS + RAMP_NS {
            let ms = silent_ns / MILLISECOND_NS;
            return Err(format!("a step of a nudge, and {:?} has said nothing for {ms} ms", run.who));
        }
        Ok(())
    }
}
