//! Checks about the end of a motion: limit switches (S1, S10, S11), STOP (S4, S5), e-stop and driver alarm (S24).

use std::collections::VecDeque;

use super::{Promise, PromiseResult};
use crate::machine::{Event, Fault, State, StopLevel, Why};
use crate::motion::RailEnd;
use crate::motion::limits::STOP_ONSET_S;
use crate::trial::acts::{ClientAct, MESSAGE};
use crate::trial::client::ClientAnswer;
use crate::trial::facts::{Facts, InputPulse, StepMade};
use crate::trial::tap::{PortCall, PortRequest};
use crate::units::{MICROSECOND_NS, MILLISECOND_NS, Nanos, seconds};

/// S1: after a limit reads closed, no step toward it later than a step interval or 50 us; outside homing no step at
/// all.
#[derive(Debug, Default)]
pub struct LimitStops;

const LIMIT_WITHIN_NS: Nanos = 50 * MICROSECOND_NS;

impl Promise for LimitStops {
    fn name(&self) -> &'static str {
        "s01_limit_stops_motion_toward_it"
    }

    fn check_step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        // While the position is unknown, only homing and the ramp behind it may move off a switch.
        let known = facts.trace.as_ref().is_some_and(|trace| trace.calibration.is_some());
        let known = known && !facts.state().is_homing_move();
        for end in [RailEnd::Front, RailEnd::Back] {
            let Some(since) = facts.active_since.limit(end) else { continue };
            let toward = made.forward == (end == RailEnd::Front);
            let allowed = since + made.interval_ns.max(LIMIT_WITHIN_NS);
            if made.at > allowed && (toward || known) {
                let late_us = (made.at - since) / MICROSECOND_NS;
                return Err(format!("a step {late_us} us after the {} limit closed", end.name()));
            }
        }
        Ok(())
    }
}

/// S4: at rest within v/a + 20 ms and v²/2a + v · 20 ms; and the reported stop agrees with the measured one.
#[derive(Debug, Default)]
pub struct StopIsQuick {
    running: Option<Stop>,
}

#[derive(Debug, Clone, Copy)]
struct Stop {
    asked_ns: Nanos,
    /// True if the axis was being stopped already.
    stops_already: bool,
    speed_mm_s: f64,
    rest_by_ns: Nanos,
    most_steps: f64,
    steps: u64,
    last_ns: Nanos,
}

/// Time from STOP until an acceleration is released: committed motion, and the onset of the stop.
const LET_GO_S: f64 = 0.001 + STOP_ONSET_S;
const STOP_GRACE_NS: Nanos = 20 * MILLISECOND_NS;
/// Tolerance in steps: the speed is that of the last pulse, and the loop reads the stop line between pulses.
const STEPS_GRANTED: f64 = 2.0;
/// Largest difference between the reported stop and the measured one.
const REPORT_STEPS: u64 = 2;
const REPORT_NS: Nanos = 40 * MILLISECOND_NS;

impl Promise for StopIsQuick {
    fn name(&self) -> &'static str {
        "s04_stop_is_quick"
    }

    fn check_call(&mut self, facts: &Facts, call: &PortCall) -> PromiseResult {
        if call.request != PortRequest::Stop
            || self.running.is_some()
            || call.at_ns < facts.ground_truth.late_until
        {
            return Ok(());
        }
        // The axis gets faster until a present acceleration is released.
        let gained_mm_s =
            facts.config().map_or(0.0, |config| config.limits.max_acceleration.get() * LET_GO_S);
        let speed_mm_s = facts.highest_speed_mm_s(call.at_ns) + gained_mm_s;
        let grace_s = seconds(STOP_GRACE_NS);
        let braking_mm = seconds(facts.ramp_ns(speed_mm_s)) * speed_mm_s / 2.0 + speed_mm_s * grace_s;
        self.running = Some(Stop {
            asked_ns: call.at_ns,
            stops_already: facts.stop_level() != StopLevel::None,
            speed_mm_s,
            rest_by_ns: call.at_ns + facts.ramp_ns(speed_mm_s) + STOP_GRACE_NS,
            most_steps: braking_mm * facts.steps_per_mm() + STEPS_GRANTED,
            steps: 0,
            last_ns: call.at_ns,
        });
        Ok(())
    }

    fn check_step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        let Some(stop) = &mut self.running else { return Ok(()) };
        if made.at < facts.ground_truth.late_until {
            self.running = None;
            return Ok(());
        }
        stop.steps += 1;
        stop.last_ns = made.at;
        let after_ms = (made.at - stop.asked_ns) as f64 * 1e-6;
        if made.at > stop.rest_by_ns {
            return Err(format!("a step {after_ms:.1} ms after STOP at {:.1} mm/s", stop.speed_mm_s));
        }
        if stop.steps as f64 > stop.most_steps {
            return Err(format!("{} steps after STOP at {:.1} mm/s", stop.steps, stop.speed_mm_s));
        }
        Ok(())
    }

    fn check_event(&mut self, facts: &Facts, event: &Event) -> PromiseResult {
        match event {
            Event::Entered {
                to: State::Running | State::Following | State::Homing | State::Nudging, ..
            } => self.running = None,
            Event::Stopped { took_ns, steps } => {
                let Some(stop) = self.running else { return Ok(()) };
                let measured_ns = stop.last_ns - stop.asked_ns;
                let late = facts.trace.is_some_and(|trace| trace.at_ns < facts.ground_truth.late_until);
                // An earlier stop is reported from its own beginning.
                let counts_more = stop.stops_already && *steps >= stop.steps && *took_ns >= measured_ns;
                let agrees =
                    steps.abs_diff(stop.steps) <= REPORT_STEPS && took_ns.abs_diff(measured_ns) <= REPORT_NS;
                if !late && !agrees && !counts_more {
                    return Err(format!(
                        "reported: {steps} steps in {} us; measured: {} steps in {} us",
                        took_ns / MICROSECOND_NS,
                        stop.steps,
                        measured_ns / MICROSECOND_NS
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// S5: STOP is accepted in every state, from every client.
#[derive(Debug)]
pub struct StopIsAlwaysTaken;

impl Promise for StopIsAlwaysTaken {
    fn name(&self) -> &'static str {
        "s05_stop_is_always_taken"
    }

    fn check_answer(&mut self, _facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        let is_sent = answer.call.method != MESSAGE || answer.status.is_some();
        if ClientAct::of(&answer.call) == ClientAct::Stop && is_sent && answer.status != Some(200) {
            return Err(format!("STOP was answered with {:?}: {}", answer.status, answer.body));
        }
        Ok(())
    }
}

/// Longest time until a decision: inputs are read each millisecond at rest, and the next cycle decides.
const DECIDED_WITHIN_NS: Nanos = 5 * MILLISECOND_NS;

/// Shortest pulse that the step loop is sure to confirm at rest, and in motion: its sampling interval and the debounce
/// time.
const SEEN_AT_REST_NS: Nanos = 1_300 * MICROSECOND_NS;
const SEEN_IN_MOTION_NS: Nanos = 300 * MICROSECOND_NS;
/// An input that is active for less than this is not confirmed.
const BELIEVED_NS: Nanos = 30 * MICROSECOND_NS;
/// An axis that cannot stop within this time is still in motion when a short pulse is over.
const FAST_S: f64 = 0.006;
/// Number of remembered control cycles: longer than the longest short pulse.
const REMEMBERED: usize = 128;

/// Finds short pulses on the input lines that were over before the control cycle read them and did not cost the
/// position, as they must.
#[derive(Debug, Default)]
struct ShortPulses {
    /// Of each of the last cycles: instant, whether the position was known, and whether the axis was fast.
    cycles: VecDeque<(Nanos, bool, bool)>,
    judged_ns: Nanos,
    /// Last instant at which the position was unknown.
    unknown_ns: Nanos,
}

impl ShortPulses {
    /// The injected pulse that should have cost the position, if there is one.
    fn find_unreported(&mut self, facts: &Facts, cuts: bool) -> Option<InputPulse> {
        let trace = facts.trace.as_ref()?;
        let known = trace.calibration.is_some() && (cuts || trace.state != State::Homing);
        if !known || trace.at_ns < facts.ground_truth.late_until {
            self.unknown_ns = trace.at_ns;
        }
        let speed = facts.speed_mm_s(trace.at_ns) * facts.steps_per_mm();
        let fast = facts.firmest_stop_steps_s2(trace.at_ns).is_some_and(|stop| speed > stop * FAST_S);
        if self.cycles.len() == REMEMBERED {
            self.cycles.pop_front();
        }
        self.cycles.push_back((trace.at_ns, known, fast));
        let pulses = facts.input_pulses.borrow();
        let over = |pulse: &&InputPulse| {
            pulse.cuts == cuts
                && pulse.until_ns > self.judged_ns
                && trace.at_ns > pulse.until_ns + DECIDED_WITHIN_NS
        };
        let pulse = *pulses.iter().find(over)?;
        self.judged_ns = pulse.until_ns;
        let (_, known, fast) = self.cycles.iter().rev().find(|(at, ..)| *at <= pulse.from_ns)?;
        let long_ns = if *fast { SEEN_IN_MOTION_NS } else { SEEN_AT_REST_NS };
        let seen_by_the_loop = pulse.until_ns - pulse.from_ns >= long_ns;
        (*known && seen_by_the_loop && self.unknown_ns < pulse.from_ns).then_some(pulse)
    }
}

impl InputPulse {
    fn describe(&self, what: &str) -> String {
        format!(
            "the position is known after {what} for {} us",
            (self.until_ns - self.from_ns) / MICROSECOND_NS
        )
    }
}

/// S10: a limit that closes outside homing loses the position; a glitch does not.
#[derive(Debug, Default)]
pub struct LimitLosesPosition(ShortPulses);

impl Promise for LimitLosesPosition {
    fn name(&self) -> &'static str {
        "s10_limit_outside_homing_loses_the_position"
    }

    fn check_event(&mut self, facts: &Facts, event: &Event) -> PromiseResult {
        let Event::Entered { at_ns, why: Why::Fault(Fault::LimitHit(end)), .. } = event else {
            return Ok(());
        };
        if *at_ns < facts.ground_truth.late_until || facts.has_read_active(*at_ns, BELIEVED_NS) {
            return Ok(());
        }
        Err(format!(
            "the {} limit is said to have closed, and no line read active for long enough",
            end.name()
        ))
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        if let Some(pulse) = self.0.find_unreported(facts, false) {
            return Err(pulse.describe("a limit was closed"));
        }
        let Some(trace) = &facts.trace else { return Ok(()) };
        if trace.state == State::Homing
            || trace.calibration.is_none()
            || trace.at_ns < facts.ground_truth.late_until
        {
            return Ok(());
        }
        for end in [RailEnd::Front, RailEnd::Back] {
            if facts.active_since.limit(end).is_some_and(|since| trace.at_ns > since + DECIDED_WITHIN_NS) {
                return Err(format!("{} with the {} limit closed", trace.state.name(), end.name()));
            }
        }
        Ok(())
    }
}

/// S11: both limits closed is a fault, and nothing moves.
#[derive(Debug, Default)]
pub struct BothLimitsMoveNothing;

fn both_closed_since(facts: &Facts) -> Option<Nanos> {
    Some(facts.active_since.front?.max(facts.active_since.back?))
}

impl Promise for BothLimitsMoveNothing {
    fn name(&self) -> &'static str {
        "s11_both_limits_move_nothing"
    }

    fn check_step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        match both_closed_since(facts) {
            Some(since) if made.at > since + MILLISECOND_NS.max(made.interval_ns) => {
                Err(format!("a step {} us after both limits were closed", (made.at - since) / MICROSECOND_NS))
            }
            _ => Ok(()),
        }
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let Some(trace) = &facts.trace else { return Ok(()) };
        match both_closed_since(facts) {
            Some(since)
                if trace.at_ns > since + DECIDED_WITHIN_NS
                    && trace.at_ns >= facts.ground_truth.late_until
                    && trace.state != State::Faulted =>
            {
                Err(format!("{} with both limits closed", trace.state.name()))
            }
            _ => Ok(()),
        }
    }
}

/// S24: e-stop sense open, or the driver in alarm: halt, driver off, not homed.
#[derive(Debug, Default)]
pub struct EStopCuts(ShortPulses);

impl Promise for EStopCuts {
    fn name(&self) -> &'static str {
        "s24_e_stop_cuts"
    }

    fn check_event(&mut self, facts: &Facts, event: &Event) -> PromiseResult {
        let Event::Entered { at_ns, why: Why::Fault(fault), .. } = event else { return Ok(()) };
        let cut = matches!(fault, Fault::EStop | Fault::DriverAlarm);
        if !cut || *at_ns < facts.ground_truth.late_until || facts.has_read_active(*at_ns, BELIEVED_NS) {
            return Ok(());
        }
        Err(format!("{fault}, and no line read active for long enough"))
    }

    fn check_step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        match facts.active_since.cut {
            Some(since) if made.at > since + MILLISECOND_NS => Err(format!(
                "a step {} us after the e-stop opened, or the driver gave alarm",
                (made.at - since) / MICROSECOND_NS
            )),
            _ => Ok(()),
        }
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        if let Some(pulse) = self.0.find_unreported(facts, true) {
            return Err(pulse.describe("the e-stop was open, or the driver in alarm,"));
        }
        let (Some(trace), Some(since)) = (&facts.trace, facts.active_since.cut) else { return Ok(()) };
        if trace.at_ns <= since + DECIDED_WITHIN_NS || trace.at_ns < facts.ground_truth.late_until {
            return Ok(());
        }
        if trace.state != State::Faulted || trace.calibration.is_some() {
            return Err(format!("{} with the e-stop open, or the driver in alarm", trace.state.name()));
        }
        // The step loop switches the driver off at its next reading.
        if facts.powered && trace.at_ns > since + 2 * DECIDED_WITHIN_NS {
            return Err("the driver is on with the e-stop open, or the driver in alarm".to_owned());
        }
        Ok(())
    }
}
