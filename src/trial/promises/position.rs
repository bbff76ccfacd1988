//! Where the axis is, whether that is known, and what it is bounded by.

use super::{Promise, PromiseResult};
use crate::machine::{Event, State, Why};
use crate::trial::client::ClientAnswer;
use crate::trial::facts::{Facts, StepMade};
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS, seconds};

/// S2, the user's part of it: nothing moves outward beyond `stroke_limit`.
#[derive(Debug, Default)]
pub struct InsideStrokeLimit {
    /// A wider limit that was in force until a moment ago, in mm, and until when the axis may still be slowing down.
    former: Option<(f64, Nanos)>,
}

impl Promise for InsideStrokeLimit {
    fn name(&self) -> &'static str {
        "s02_inside_the_stroke_limit"
    }

    fn cycle(&mut self, facts: &Facts) -> PromiseResult {
        let (Some(before), Some(seen)) = (&facts.before, &facts.seen) else { return Ok(()) };
        let (was, is) = (before.config.stroke_limit.get(), seen.config.stroke_limit.get());
        self.former = self.former.filter(|(_, until)| *until > seen.at_ns);
        if is < was {
            let limits = &before.config.limits;
            let ramp_s = 0.5 + 2.0 * limits.max_speed.get() / limits.max_acceleration.get();
            let until = seen.at_ns + (ramp_s * SECOND_NS as f64) as Nanos;
            let wider = self.former.map_or(was, |(former, _)| former.max(was));
            self.former = Some((wider, until));
        }
        Ok(())
    }

    fn step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        let Some(seen) = &facts.seen else { return Ok(()) };
        let Some(calibration) = seen.calibration.filter(|_| seen.state != State::Homing) else {
            return Ok(());
        };
        let limit_mm = self.former.map_or(0.0, |(former, _)| former).max(seen.config.stroke_limit.get());
        let at_mm = (facts.count - calibration.origin_steps) as f64 / facts.scale();
        // A step, and what rounding and slack of the tracker may add.
        let slack_mm = 1.0 / facts.scale() + 0.05;
        if made.forward && at_mm > limit_mm + slack_mm {
            return Err(format!("a step forward to {at_mm:.2} mm, the stroke limit is {limit_mm:.2} mm"));
        }
        Ok(())
    }
}

/// S6: after power-on, and once the position is lost, nothing moves but homing.
#[derive(Debug, Default)]
pub struct OnlyHomingMoves {
    known: bool,
    lost_ns: Nanos,
}

impl Promise for OnlyHomingMoves {
    fn name(&self) -> &'static str {
        "s06_only_homing_moves_what_is_not_homed"
    }

    fn event(&mut self, _facts: &Facts, event: &Event) -> PromiseResult {
        match event {
            Event::Entered { to: State::Homing, .. } | Event::Calibrated(_) => self.known = true,
            Event::Entered { at_ns, to, why, .. } => {
                let lost = match why {
                    Why::Fault(fault) => fault.loses_position(),
                    _ => *to == State::NotHomed,
                };
                if lost && self.known {
                    (self.known, self.lost_ns) = (false, *at_ns);
                }
                if !self.known && matches!(to, State::Ready | State::Running | State::Ending) {
                    return Err(format!("{} without having been homed", to.name()));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn step(&mut self, _facts: &Facts, made: &StepMade) -> PromiseResult {
        if !self.known && made.at > self.lost_ns + MILLISECOND_NS {
            return Err("a step of an axis that is not homed, and not homing".to_owned());
        }
        Ok(())
    }
}

/// S9: homing is bounded in travel and time.
#[derive(Debug, Default)]
pub struct HomingIsBounded {
    running: Option<StepStreak>,
}

#[derive(Debug, Clone, Copy)]
struct StepStreak {
    began_ns: Nanos,
    forward: bool,
    steps: u64,
}

/// How far the carriage may have to go to leave a switch, in mm.
const LEAVE_MM: f64 = 10.0;

/// How far the slow touch may look beyond the fast one, in mm.
const BEYOND_MM: f64 = 1.0;

/// Ten moves, each with its two seconds of grace and half of its time again.
fn longest_ns(facts: &Facts) -> Nanos {
    let Some(config) = facts.config() else { return Nanos::MAX };
    let most_mm_s = config.limits.max_speed.get();
    let (fast, slow) = (facts.homing.fast.get().min(most_mm_s), facts.homing.slow.get().min(most_mm_s));
    let between = slow.max(fast / 2.0);
    let (stroke_mm, back_off_mm) = (config.geometry.max_stroke.get(), facts.homing.back_off.get());
    // Both searches and the way to where it parks, twice off a switch and twice away from it, two touches.
    let moving_s = 3.0 * 1.1 * stroke_mm / fast
        + 2.0 * (LEAVE_MM + back_off_mm) / between
        + 2.0 * (back_off_mm + BEYOND_MM) / slow;
    ((1.5 * moving_s + 10.0 * 2.0) * SECOND_NS as f64) as Nanos
}

impl Promise for HomingIsBounded {
    fn name(&self) -> &'static str {
        "s09_homing_is_bounded"
    }

    fn event(&mut self, _facts: &Facts, event: &Event) -> PromiseResult {
        if let Event::Entered { at_ns, to, .. } = event {
            let run = StepStreak { began_ns: *at_ns, forward: true, steps: 0 };
            self.running = (*to == State::Homing).then_some(run);
        }
        Ok(())
    }

    fn step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        let Some(run) = &mut self.running else { return Ok(()) };
        if made.forward != run.forward {
            (run.forward, run.steps) = (made.forward, 0);
        }
        run.steps += 1;
        let Some(config) = facts.config() else { return Ok(()) };
        let most_mm = 1.1 * config.geometry.max_stroke.get();
        // Leaving a switch goes the same way as the search that follows.
        let most = (most_mm + LEAVE_MM) * config.geometry.nominal.get() + 2.0;
        if run.steps as f64 > most {
            return Err(format!("{} steps one way while homing, {most:.0} are the most", run.steps));
        }
        let took_ns = made.at - run.began_ns;
        if took_ns > longest_ns(facts) {
            return Err(format!("still homing after {:.1} s", seconds(took_ns)));
        }
        Ok(())
    }
}

/// S30: the position that is shown is that of the pulses.
#[derive(Debug)]
pub struct PositionIsTheSteps;

/// How old a snapshot may be: made every ten cycles, taken every ten, and asked for in between.
const SNAPSHOT_AGE_S: f64 = 0.025;

impl Promise for PositionIsTheSteps {
    fn name(&self) -> &'static str {
        "s30_the_position_is_the_steps"
    }

    fn answered(&mut self, facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        let (Some(seen), "/api/status") = (&facts.seen, answer.call.path.as_str()) else { return Ok(()) };
        let shown = answer.body.get("position_mm").and_then(serde_json::Value::as_f64);
        let (Some(shown_mm), Some(calibration)) = (shown, seen.calibration) else { return Ok(()) };
        let late = seen.at_ns < facts.told.late_until;
        if late || seen.state == State::Homing || answer.body.get("state") != Some(&seen.state.name().into())
        {
            return Ok(());
        }
        let made_mm = (facts.count - calibration.origin_steps) as f64 / facts.scale();
        let moved_mm = seen.config.limits.max_speed.get() * SNAPSHOT_AGE_S + 2.0 / facts.scale();
        if (shown_mm - made_mm).abs() > moved_mm {
            return Err(format!("shown at {shown_mm:.2} mm, by the pulses at {made_mm:.2} mm"));
        }
        Ok(())
    }
}
