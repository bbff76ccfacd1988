//! What ends motion: switches, STOP, the e-stop.

use std::collections::VecDeque;

use super::{Promise, PromiseResult};
use crate::machine::{Event, Fault, State, StopLevel, Why};
use crate::motion::RailEnd;
use crate::motion::limits::STOP_ONSET_S;
use crate::trial::client::ClientAnswer;
use crate::trial::facts::{Facts, Pulse, StepMade};
use crate::trial::tap::{Ask, PortCall};
use crate::units::{MICROSECOND_NS, MILLISECOND_NS, Nanos, seconds};

/// S1: after a limit reads closed, no step toward it later than a step or 50 us; outside homing none at all.
#[derive(Debug, Default)]
pub struct LimitStops;

const LIMIT_WITHIN_NS: Nanos = 50 * MICROSECOND_NS;

impl Promise for LimitStops {
    fn name(&self) -> &'static str {
        "s01_limit_stops_motion_toward_it"
    }

    fn step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        // While the position is not known, the ways off a switch are homing's, and the ramp behind it.
        let known = facts.seen.as_ref().is_some_and(|seen| seen.calibration.is_some());
        let known = known && facts.state() != State::Homing;
        for end in [RailEnd::Front, RailEnd::Back] {
            let Some(since) = facts.since.limit(end) else { continue };
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

/// S4: at rest within v/a + 20 ms and v²/2a + v · 20 ms; and what is reported of it is what happened.
#[derive(Debug, Default)]
pub struct StopIsQuick {
    running: Option<Stop>,
}

#[derive(Debug, Clone, Copy)]
struct Stop {
    asked_ns: Nanos,
    /// Something else has stopped it before.
    stops_already: bool,
    speed_mm_s: f64,
    rest_by_ns: Nanos,
    most_steps: f64,
    steps: u64,
    last_ns: Nanos,
}

/// From STOP until an acceleration is let go: what is committed, and the onset of the stop.
const LET_GO_S: f64 = 0.001 + STOP_ONSET_S;
const STOP_GRACE_NS: Nanos = 20 * MILLISECOND_NS;
/// The speed is that of the last pulse, and the loop looks between pulses: a step is granted.
const STEPS_GRANTED: f64 = 2.0;
/// How far what is reported may be from what was measured outside.
const REPORT_STEPS: u64 = 2;
const REPORT_NS: Nanos = 40 * MILLISECOND_NS;

impl Promise for StopIsQuick {
    fn name(&self) -> &'static str {
        "s04_stop_is_quick"
    }

    fn asked(&mut self, facts: &Facts, asked: &PortCall) -> PromiseResult {
        if asked.what != Ask::Stop || self.running.is_some() || asked.at_ns < facts.told.late_until {
            return Ok(());
        }
        // An axis that is being accelerated gets faster until that is let go.
        let gained_mm_s =
            facts.config().map_or(0.0, |config| config.limits.max_acceleration.get() * LET_GO_S);
        let speed_mm_s = facts.highest_speed_mm_s(asked.at_ns) + gained_mm_s;
        let grace_s = seconds(STOP_GRACE_NS);
        let braking_mm = seconds(facts.ramp_ns(speed_mm_s)) * speed_mm_s / 2.0 + speed_mm_s * grace_s;
        self.running = Some(Stop {
            asked_ns: asked.at_ns,
            stops_already: facts.stop() != StopLevel::None,
            speed_mm_s,
            rest_by_ns: asked.at_ns + facts.ramp_ns(speed_mm_s) + STOP_GRACE_NS,
            most_steps: braking_mm * facts.scale() + STEPS_GRANTED,
            steps: 0,
            last_ns: asked.at_ns,
        });
        Ok(())
    }

    fn step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        let Some(stop) = &mut self.running else { return Ok(()) };
        if made.at < facts.told.late_until {
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

    fn event(&mut self, facts: &Facts, event: &Event) -> PromiseResult {
        match event {
            Event::Entered { to: State::Running | State::Homing, .. } => self.running = None,
            Event::Stopped { took_ns, steps } => {
                let Some(stop) = self.running else { return Ok(()) };
                let measured_ns = stop.last_ns - stop.asked_ns;
                let late = facts.seen.is_some_and(|seen| seen.at_ns < facts.told.late_until);
                // What it was stopped for before counts from there.
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

/// S5: STOP is accepted in every state, from everybody.
#[derive(Debug)]
pub struct StopIsAlwaysTaken;

/// Whether the request is one for STOP.
fn stops(answer: &ClientAnswer) -> bool {
    let call = &answer.call;
    call.path == "/api/stop" || (call.path == "/api/commands/run" && call.body == br#"{"type":"stop"}"#)
}

impl Promise for StopIsAlwaysTaken {
    fn name(&self) -> &'static str {
        "s05_stop_is_always_taken"
    }

    fn answered(&mut self, _facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        if stops(answer) && answer.status != Some(200) {
            return Err(format!("STOP was answered with {:?}: {}", answer.status, answer.body));
        }
        Ok(())
    }
}

/// Inputs are read each millisecond at rest, and decided on in the cycle after.
const DECIDED_WITHIN_NS: Nanos = 5 * MILLISECOND_NS;

/// The step loop looks this often at rest, and so often in motion; then it reads again for a while.
const SEEN_AT_REST_NS: Nanos = 1_300 * MICROSECOND_NS;
const SEEN_IN_MOTION_NS: Nanos = 300 * MICROSECOND_NS;
/// What is active for less than this is not believed.
const BELIEVED_NS: Nanos = 30 * MICROSECOND_NS;
/// An axis that is faster than the firmest stop within this is still in motion when it is over.
const FAST_S: f64 = 0.006;
/// Control cycles that are remembered: longer than the longest pulse.
const REMEMBERED: usize = 128;

/// Whether short pulses on the input lines, which are over when the control cycle looks, cost the position all the same.
#[derive(Debug, Default)]
struct ShortPulses {
    /// Of each of the last cycles: when, whether the position was known then, and whether the axis was fast.
    cycles: VecDeque<(Nanos, bool, bool)>,
    judged_ns: Nanos,
    /// When the position was last not known.
    unknown_ns: Nanos,
}

impl ShortPulses {
    /// The pulse that should have cost the position, if there is one.
    fn forgotten(&mut self, facts: &Facts, cuts: bool) -> Option<Pulse> {
        let seen = facts.seen.as_ref()?;
        let known = seen.calibration.is_some() && (cuts || seen.state != State::Homing);
        if !known || seen.at_ns < facts.told.late_until {
            self.unknown_ns = seen.at_ns;
        }
        let speed = facts.speed_mm_s(seen.at_ns) * facts.scale();
        let fast = facts.firmest_stop(seen.at_ns).is_some_and(|stop| speed > stop * FAST_S);
        if self.cycles.len() == REMEMBERED {
            self.cycles.pop_front();
        }
        self.cycles.push_back((seen.at_ns, known, fast));
        let pulses = facts.pulses.borrow();
        let over = |pulse: &&Pulse| {
            pulse.cuts == cuts
                && pulse.until_ns > self.judged_ns
                && seen.at_ns > pulse.until_ns + DECIDED_WITHIN_NS
        };
        let pulse = *pulses.iter().find(over)?;
        self.judged_ns = pulse.until_ns;
        let (_, known, fast) = self.cycles.iter().rev().find(|(at, ..)| *at <= pulse.from_ns)?;
        let long_ns = if *fast { SEEN_IN_MOTION_NS } else { SEEN_AT_REST_NS };
        let seen_by_the_loop = pulse.until_ns - pulse.from_ns >= long_ns;
        (*known && seen_by_the_loop && self.unknown_ns < pulse.from_ns).then_some(pulse)
    }
}

impl Pulse {
    fn told(&self, what: &str) -> String {
        format!(
            "the position is known after {what} for {} us",
            (self.until_ns - self.from_ns) / MICROSECOND_NS
        )
    }
}

/// S10: a limit that closes outside homing loses the position; one that only seems to does not.
#[derive(Debug, Default)]
pub struct LimitLosesPosition(ShortPulses);

impl Promise for LimitLosesPosition {
    fn name(&self) -> &'static str {
        "s10_limit_outside_homing_loses_the_position"
    }

    fn event(&mut self, facts: &Facts, event: &Event) -> PromiseResult {
        let Event::Entered { at_ns, why: Why::Fault(Fault::LimitHit(end)), .. } = event else {
            return Ok(());
        };
        if *at_ns < facts.told.late_until || facts.has_read_active(*at_ns, BELIEVED_NS) {
            return Ok(());
        }
        Err(format!(
            "the {} limit is said to have closed, and no line read active for long enough",
            end.name()
        ))
    }

    fn cycle(&mut self, facts: &Facts) -> PromiseResult {
        if let Some(pulse) = self.0.forgotten(facts, false) {
            return Err(pulse.told("a limit was closed"));
        }
        let Some(seen) = &facts.seen else { return Ok(()) };
        if seen.state == State::Homing || seen.calibration.is_none() || seen.at_ns < facts.told.late_until {
            return Ok(());
        }
        for end in [RailEnd::Front, RailEnd::Back] {
            if facts.since.limit(end).is_some_and(|since| seen.at_ns > since + DECIDED_WITHIN_NS) {
                return Err(format!("{} with the {} limit closed", seen.state.name(), end.name()));
            }
        }
        Ok(())
    }
}

/// S11: both limits closed is a fault, and nothing moves.
#[derive(Debug, Default)]
pub struct BothLimitsMoveNothing;

fn both(facts: &Facts) -> Option<Nanos> {
    Some(facts.since.front?.max(facts.since.back?))
}

impl Promise for BothLimitsMoveNothing {
    fn name(&self) -> &'static str {
        "s11_both_limits_move_nothing"
    }

    fn step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        match both(facts) {
            Some(since) if made.at > since + MILLISECOND_NS.max(made.interval_ns) => {
                Err(format!("a step {} us after both limits were closed", (made.at - since) / MICROSECOND_NS))
            }
            _ => Ok(()),
        }
    }

    fn cycle(&mut self, facts: &Facts) -> PromiseResult {
        let Some(seen) = &facts.seen else { return Ok(()) };
        match both(facts) {
            Some(since)
                if seen.at_ns > since + DECIDED_WITHIN_NS
                    && seen.at_ns >= facts.told.late_until
                    && seen.state != State::Faulted =>
            {
                Err(format!("{} with both limits closed", seen.state.name()))
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

    fn event(&mut self, facts: &Facts, event: &Event) -> PromiseResult {
        let Event::Entered { at_ns, why: Why::Fault(fault), .. } = event else { return Ok(()) };
        let cut = matches!(fault, Fault::EStop | Fault::DriverAlarm);
        if !cut || *at_ns < facts.told.late_until || facts.has_read_active(*at_ns, BELIEVED_NS) {
            return Ok(());
        }
        Err(format!("{fault}, and no line read active for long enough"))
    }

    fn step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        match facts.since.cut {
            Some(since) if made.at > since + MILLISECOND_NS => Err(format!(
                "a step {} us after the e-stop opened, or the driver gave alarm",
                (made.at - since) / MICROSECOND_NS
            )),
            _ => Ok(()),
        }
    }

    fn cycle(&mut self, facts: &Facts) -> PromiseResult {
        if let Some(pulse) = self.0.forgotten(facts, true) {
            return Err(pulse.told("the e-stop was open, or the driver in alarm,"));
        }
        let (Some(seen), Some(since)) = (&facts.seen, facts.since.cut) else { return Ok(()) };
        if seen.at_ns <= since + DECIDED_WITHIN_NS || seen.at_ns < facts.told.late_until {
            return Ok(());
        }
        if seen.state != State::Faulted || seen.calibration.is_some() {
            return Err(format!("{} with the e-stop open, or the driver in alarm", seen.state.name()));
        }
        // The step loop switches the driver at its next look.
        if facts.powered && seen.at_ns > since + 2 * DECIDED_WITHIN_NS {
            return Err("the driver is on with the e-stop open, or the driver in alarm".to_owned());
        }
        Ok(())
    }
}
