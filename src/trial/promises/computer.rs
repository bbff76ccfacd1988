//! Checks about a computer that is late (S20), frozen (S16), or receives malformed input (S28).

use std::collections::VecDeque;

use super::{Promise, PromiseResult};
use crate::layout;
use crate::machine::{Event, Fault, State, StopLevel, Why};
use crate::trial::client::ClientAnswer;
use crate::trial::facts::{Facts, StepMade};
use crate::trial::tap::{PortCall, PortRequest};
use crate::units::{MICROSECOND_NS, MILLISECOND_NS, Nanos, SECOND_NS, seconds};

/// S16: while the control thread is frozen the step loop ramps down by itself, and a fault latches.
#[derive(Debug, Default)]
pub struct FrozenControlRamps {
    /// Beginning of the last freeze that was checked.
    looked_at_ns: Nanos,
    /// Instant of the last step before the last control cycle.
    stepped_ns: Nanos,
    /// Latest instant at which a fault must have latched.
    latches_by_ns: Option<Nanos>,
    /// Instant of the last STOP.
    stopped_ns: Nanos,
}

/// Longest time from the cycle that sees the end of a motion until the fault latches.
const LATCHED_WITHIN_NS: Nanos = 10 * MILLISECOND_NS;
/// A freeze that exceeds the queued motion by this leaves the step loop without motion.
const STARVES_NS: Nanos = layout::QUEUE_AHEAD_NS + 4 * MILLISECOND_NS;
/// An axis that made a step within this time is in motion.
const MOVES_NS: Nanos = 2 * MILLISECOND_NS;

impl Promise for FrozenControlRamps {
    fn name(&self) -> &'static str {
        "s16_frozen_control_ramps_and_latches"
    }

    fn check_call(&mut self, _facts: &Facts, call: &PortCall) -> PromiseResult {
        if call.request == PortRequest::Stop {
            self.stopped_ns = call.at_ns;
        }
        Ok(())
    }

    fn check_step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        let Some((from, until)) = facts.ground_truth.control_frozen else { return Ok(()) };
        // Queued motion, the ramp, its onset and its release.
        let latest = from + layout::QUEUE_AHEAD_NS + facts.longest_ramp_ns() + 22 * MILLISECOND_NS;
        if made.at > latest && made.at < until {
            return Err(format!("a step {} ms after control was frozen", (made.at - from) / MILLISECOND_NS));
        }
        Ok(())
    }

    fn check_event(&mut self, _facts: &Facts, event: &Event) -> PromiseResult {
        if let Event::Entered { to: State::Faulted, .. } = event {
            self.latches_by_ns = None;
        }
        Ok(())
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let (Some(before), Some(trace)) = (&facts.previous_trace, &facts.trace) else { return Ok(()) };
        let moved = before.at_ns <= self.stepped_ns + MOVES_NS;
        self.stepped_ns = facts.last_step.map_or(0, |last| last.at);
        if let Some((from, until)) = facts.ground_truth.control_frozen
            && trace.at_ns >= until
            && self.looked_at_ns != from
        {
            self.looked_at_ns = from;
            // A STOP shortly before the freeze may end the motion first.
            let waved =
                matches!(before.state, State::Running | State::Following) && before.stop == StopLevel::None;
            let asked = self.stopped_ns + STARVES_NS > from;
            if waved && moved && !asked && until - from > STARVES_NS && trace.state != State::Faulted {
                self.latches_by_ns = Some(until + facts.longest_ramp_ns() + LATCHED_WITHIN_NS);
            }
        }
        match self.latches_by_ns {
            Some(latest) if trace.at_ns > latest => {
                Err(format!("{} after control was frozen in the midst of a wave", trace.state.name()))
            }
            _ => Ok(()),
        }
    }
}

/// S20: after a motion that pauses or ends at speed the position is lost and nothing follows at speed; a late step is
/// never made up for by a burst; and no lateness is reported that did not occur.
#[derive(Debug, Default)]
pub struct LateStepsLatch {
    /// Deadline of the next step, and its longest interval.
    due: Option<(Nanos, Nanos)>,
    paused_ns: Option<Nanos>,
    /// Number of steps since the axis stood in the middle of a motion.
    stood: Option<u32>,
    /// Speeds of the last intervals, oldest first, in steps/s.
    speeds: VecDeque<f64>,
}

/// Shortest interval behind a late step, as a share of the planned one.
const CLOSEST: f64 = 15.0 / 16.0;
/// Longest distance of the plan from a step to the next one, in steps.
const STEP_AND_TURN: f64 = 1.1;
/// Longest wait of a step while an input is debounced.
const READ_AGAIN_NS: Nanos = 200 * MICROSECOND_NS;
/// An axis that was at speed stands after this time without a step.
const STANDS_NS: Nanos = 5 * MILLISECOND_NS;
/// Number of steps that show how a motion begins.
const BEGINS: u32 = 8;
/// Number of intervals of which at least one was no longer than planned.
const INTERVALS: usize = 8;

impl LateStepsLatch {
    /// Longest planned interval to the next step; `None` if the axis is slow enough to stop before it.
    fn next_within_ns(made: &StepMade, stop: f64) -> Option<Nanos> {
        let interval_s = seconds(made.interval_ns);
        let least = CLOSEST / interval_s - stop * interval_s;
        let square = least * least - 2.0 * stop * STEP_AND_TURN;
        let fast = made.way == 1.0 && least > 0.0 && square > 0.0;
        fast.then(|| (2.0 * STEP_AND_TURN / (least + libm::sqrt(square)) * SECOND_NS as f64) as Nanos)
    }

    /// True if the step is the first one of a burst.
    fn is_burst(&mut self, made: &StepMade, stop: f64) -> bool {
        let speed = made.way / seconds(made.interval_ns.max(1));
        let before = self.speeds.iter().copied().fold(0.0, f64::max);
        // The interval may begin at rest.
        let gained = stop * seconds(made.interval_ns) + libm::sqrt(2.0 * stop * STEP_AND_TURN);
        if self.speeds.len() == INTERVALS {
            self.speeds.pop_front();
        }
        self.speeds.push_back(speed);
        self.speeds.len() == INTERVALS && speed * CLOSEST > 2.0 * before + 2.0 * gained
    }
}

impl Promise for LateStepsLatch {
    fn name(&self) -> &'static str {
        "s20_late_steps_latch"
    }

    fn check_event(&mut self, facts: &Facts, event: &Event) -> PromiseResult {
        let Event::Entered { at_ns, why: Why::Fault(fault), .. } = event else { return Ok(()) };
        let late = matches!(fault, Fault::StepLate | Fault::ControlLate | Fault::StepLoopSilent);
        if late && *at_ns >= facts.ground_truth.late_until {
            return Err(format!("{fault}, and nothing was late"));
        }
        Ok(())
    }

    fn check_step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        let Some(stop) = facts.firmest_stop_steps_s2(made.at).filter(|_| !facts.state().is_homing_move())
        else {
            // A homing touch ends at speed and keeps the position.
            (self.due, self.stood) = (None, None);
            self.speeds.clear();
            return Ok(());
        };
        if let Some((due, within_ns)) = self.due.take()
            && made.at > due
        {
            self.paused_ns.get_or_insert(made.at);
            self.stood = (made.interval_ns > within_ns + STANDS_NS).then_some(0);
        }
        if let Some(steps) = &mut self.stood {
            if *steps > 0 {
                let fastest = libm::sqrt(2.0 * stop * (f64::from(*steps) + 2.0 * STEP_AND_TURN));
                let speed = 1.0 / seconds(made.interval_ns.max(1));
                if speed * CLOSEST > fastest {
                    let what = "in the midst of a motion the axis stood, and went on at";
                    return Err(format!("{what} {speed:.0} steps/s, {fastest:.0} are the most from rest"));
                }
            }
            *steps += 1;
        }
        self.stood = self.stood.filter(|steps| *steps <= BEGINS);
        if self.is_burst(made, stop) {
            return Err(format!("a step {} us behind another: a burst", made.interval_ns / MICROSECOND_NS));
        }
        self.due = Self::next_within_ns(made, stop).map(|within_ns| {
            let too_late_ns = MILLISECOND_NS.min(2 * within_ns);
            (made.at + within_ns + too_late_ns + READ_AGAIN_NS, within_ns)
        });
        Ok(())
    }

    fn check_cycle(&mut self, facts: &Facts) -> PromiseResult {
        let Some(trace) = &facts.trace else { return Ok(()) };
        if trace.state.is_homing_move() {
            self.due = None;
        }
        if self.due.is_some_and(|(due, _)| trace.at_ns > due) {
            self.paused_ns.get_or_insert(trace.at_ns);
        }
        if trace.calibration.is_none() || trace.state == State::Homing {
            self.paused_ns = None;
        }
        match self.paused_ns {
            Some(since) if trace.at_ns > since + facts.longest_ramp_ns() + 2 * LATCHED_WITHIN_NS => {
                let at_s = seconds(since);
                Err(format!("the position is known after a motion paused, or ended, at speed at {at_s:.4} s"))
            }
            _ => Ok(()),
        }
    }
}

/// S28: no input causes an internal error.
#[derive(Debug)]
pub struct NothingFailsInside;

impl Promise for NothingFailsInside {
    fn name(&self) -> &'static str {
        "s28_no_input_fails_inside"
    }

    fn check_answer(&mut self, _facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        // 503 reports an external failure, such as a full disk.
        match answer.status {
            Some(status) if status >= 500 && status != 503 => {
                Err(format!("answered with {status}: {}", answer.body))
            }
            _ => Ok(()),
        }
    }
}
