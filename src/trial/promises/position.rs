//! Checks about the position: stroke limit (S2), homing (S6, S9), and the position that is shown (S30).

use std::collections::VecDeque;

use super::{Promise, PromiseResult};
use crate::machine::{Event, State, Why};
use crate::trial::client::ClientAnswer;
use crate::trial::facts::{Facts, StepMade};
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS, seconds};

/// S2, setting `stroke_limit`: no motion outward beyond it.
#[derive(Debug, Default)]
pub struct InsideStrokeLimit {
    /// The previous, wider limit in mm, and the instant until which the axis may still be slowing down.
    former: Option<(f64, Nanos)>,
}

impl Promise for InsideStrokeLimit {
    fn name(&self) -> &'static str {
        "s02_inside_the_stroke_limit"
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let (Some(before), Some(trace)) = (&facts.previous_trace, &facts.trace) else { return Ok(()) };
        let (was, is) = (before.config.stroke_limit.get(), trace.config.stroke_limit.get());
        self.former = self.former.filter(|(_, until)| *until > trace.at_ns);
        if is < was {
            let limits = &before.config.limits;
            let ramp_s = 0.5 + 2.0 * limits.max_speed.get() / limits.max_acceleration.get();
            let until = trace.at_ns + (ramp_s * SECOND_NS as f64) as Nanos;
            let wider = self.former.map_or(was, |(former, _)| former.max(was));
            self.former = Some((wider, until));
        }
        Ok(())
    }

    fn check_step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        let Some(trace) = &facts.trace else { return Ok(()) };
        let Some(calibration) = trace.calibration.filter(|_| trace.state != State::Homing) else {
            return Ok(());
        };
        let limit_mm = self.former.map_or(0.0, |(former, _)| former).max(trace.config.stroke_limit.get());
        let at_mm = (facts.step_count - calibration.origin_steps) as f64 / facts.steps_per_mm();
        // A step, and rounding and slack of the tracker.
        let slack_mm = 1.0 / facts.steps_per_mm() + 0.05;
        if made.forward && at_mm > limit_mm + slack_mm {
            return Err(format!("a step forward to {at_mm:.2} mm, the stroke limit is {limit_mm:.2} mm"));
        }
        Ok(())
    }
}

/// S6: after power-on, and after a loss of position, only homing and the nudge move the axis.
#[derive(Debug, Default)]
pub struct OnlyHomingMoves {
    known: bool,
    lost_ns: Nanos,
}

impl Promise for OnlyHomingMoves {
    fn name(&self) -> &'static str {
        "s06_only_homing_moves_what_is_not_homed"
    }

    fn check_event(&mut self, _facts: &Facts, event: &Event) -> PromiseResult {
        match event {
            Event::Entered { to: State::Homing | State::Nudging, .. } | Event::Calibrated(_) => {
                self.known = true
            }
            Event::Entered { at_ns, to, why, .. } => {
                let lost = match why {
                    Why::Fault(fault) => fault.loses_position(),
                    _ => *to == State::NotHomed,
                };
                if lost && self.known {
                    (self.known, self.lost_ns) = (false, *at_ns);
                }
                if !self.known
                    && matches!(to, State::Ready | State::Running | State::Following | State::Ending)
                {
                    return Err(format!("{} without having been homed", to.name()));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn check_step(&mut self, _facts: &Facts, made: &StepMade) -> PromiseResult {
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

/// Longest distance to leave a switch, in mm.
const LEAVE_MM: f64 = 10.0;

/// Longest distance of the slow touch beyond the fast one, in mm.
const BEYOND_MM: f64 = 1.0;

/// Time bound of homing: ten moves, each with two seconds of grace and half of its own time again.
fn longest_homing_ns(facts: &Facts) -> Nanos {
    let Some(config) = facts.config() else { return Nanos::MAX };
    let most_mm_s = config.limits.max_speed.get();
    let (fast, slow) = (facts.homing.fast.get().min(most_mm_s), facts.homing.slow.get().min(most_mm_s));
    let between = slow.max(fast / 2.0);
    let (stroke_mm, back_off_mm) = (config.geometry.max_stroke.get(), facts.homing.back_off.get());
    // Both searches and the way to the parking position, twice off a switch and twice away from it, two touches.
    let moving_s = 3.0 * 1.1 * stroke_mm / fast
        + 2.0 * (LEAVE_MM + back_off_mm) / between
        + 2.0 * (back_off_mm + BEYOND_MM) / slow;
    ((1.5 * moving_s + 10.0 * 2.0) * SECOND_NS as f64) as Nanos
}

impl Promise for HomingIsBounded {
    fn name(&self) -> &'static str {
        "s09_homing_is_bounded"
    }

    fn check_event(&mut self, _facts: &Facts, event: &Event) -> PromiseResult {
        if let Event::Entered { at_ns, to, .. } = event {
            let run = StepStreak { began_ns: *at_ns, forward: true, steps: 0 };
            self.running = (*to == State::Homing).then_some(run);
        }
        Ok(())
    }

    fn check_step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        let Some(run) = &mut self.running else { return Ok(()) };
        if made.forward != run.forward {
            (run.forward, run.steps) = (made.forward, 0);
        }
        run.steps += 1;
        let Some(config) = facts.config() else { return Ok(()) };
        let most_mm = 1.1 * config.geometry.max_stroke.get();
        // Leaving a switch has the direction of the search that follows.
        let most = (most_mm + LEAVE_MM) * config.geometry.nominal.get() + 2.0;
        if run.steps as f64 > most {
            return Err(format!("{} steps one way while homing, {most:.0} are the most", run.steps));
        }
        let took_ns = made.at - run.began_ns;
        if took_ns > longest_homing_ns(facts) {
            return Err(format!("still homing after {:.1} s", seconds(took_ns)));
        }
        Ok(())
    }
}

/// S30: the position that the API shows agrees with the pulses.
#[derive(Debug, Default)]
pub struct PositionIsTheSteps {
    /// Step counter after each of the last control cycles, newest last.
    counts: VecDeque<i64>,
}

/// Largest age of a snapshot: it is made every ten cycles, taken every ten, and requested in between.
const SNAPSHOT_AGE_S: f64 = 0.025;
/// The same in control cycles.
const SNAPSHOT_AGE_CYCLES: usize = 25;

impl PositionIsTheSteps {
    fn record(&mut self, count: i64) {
        if self.counts.len() == SNAPSHOT_AGE_CYCLES {
            self.counts.pop_front();
        }
        self.counts.push_back(count);
    }

    /// Distance in mm by which the position that is shown may differ, as it is older than the steps.
    fn tolerance_mm(&self, count: i64, max_speed_mm_s: f64, steps_per_mm: f64) -> f64 {
        let farthest_steps = self.counts.iter().map(|before| count.abs_diff(*before)).max().unwrap_or(0);
        // An axis whose highest speed was just lowered is still faster.
        let moved_mm = (max_speed_mm_s * SNAPSHOT_AGE_S).max(farthest_steps as f64 / steps_per_mm);
        moved_mm + 2.0 / steps_per_mm
    }
}

impl Promise for PositionIsTheSteps {
    fn name(&self) -> &'static str {
        "s30_the_position_is_the_steps"
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        self.record(facts.step_count);
        Ok(())
    }

    fn check_answer(&mut self, facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        let (Some(trace), "/api/v1/machine") = (&facts.trace, answer.call.path.as_str()) else {
            return Ok(());
        };
        let shown = answer.body.get("position_mm").and_then(serde_json::Value::as_f64);
        let (Some(shown_mm), Some(calibration)) = (shown, trace.calibration) else { return Ok(()) };
        let late = trace.at_ns < facts.ground_truth.late_until;
        if late
            || trace.state == State::Homing
            || answer.body.get("state") != Some(&trace.state.name().into())
        {
            return Ok(());
        }
        let made_mm = (facts.step_count - calibration.origin_steps) as f64 / facts.steps_per_mm();
        let max_speed_mm_s = trace.config.limits.max_speed.get();
        let tolerance_mm = self.tolerance_mm(facts.step_count, max_speed_mm_s, facts.steps_per_mm());
        if (shown_mm - made_mm).abs() > tolerance_mm {
            return Err(format!("shown at {shown_mm:.2} mm, by the pulses at {made_mm:.2} mm"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Regression: the highest speed was lowered to 38 mm/s while the axis made 260 mm/s.
    #[test]
    fn a_fast_axis_with_a_lowered_speed_is_as_far_away_as_it_went() {
        let mut promise = PositionIsTheSteps::default();
        for cycle in 0..100 {
            promise.record(cycle * 26 / 10);
        }
        let tolerance_mm = promise.tolerance_mm(99 * 26 / 10, 38.0, 10.0);
        assert!((6.0..7.0).contains(&tolerance_mm), "{tolerance_mm} mm");
    }

    #[test]
    fn an_axis_at_rest_is_where_it_is_shown() {
        let mut promise = PositionIsTheSteps::default();
        (0..100).for_each(|_| promise.record(500));
        assert!(promise.tolerance_mm(500, 38.0, 10.0) < 1.2);
    }
}
