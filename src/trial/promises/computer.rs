//! A computer that is late, frozen, or given nonsense.

use std::collections::VecDeque;

use super::{Promise, PromiseResult};
use crate::layout;
use crate::machine::{Event, Fault, State, StopLevel, Why};
use crate::trial::client::ClientAnswer;
use crate::trial::facts::{Facts, StepMade};
use crate::trial::tap::{Ask, PortCall};
use crate::units::{MICROSECOND_NS, MILLISECOND_NS, Nanos, SECOND_NS, seconds};

/// S16: with a frozen control thread the step loop ramps down by itself, and that latches.
#[derive(Debug, Default)]
pub struct FrozenControlRamps {
    /// The freeze that was looked at last, by its beginning.
    looked_at_ns: Nanos,
    /// The last step before the last control cycle.
    stepped_ns: Nanos,
    /// By when a fault must have latched.
    latches_by_ns: Option<Nanos>,
    /// When STOP was asked for last.
    stopped_ns: Nanos,
}

/// From the look at which a motion is seen to be over, until the fault is latched.
const LATCHED_WITHIN_NS: Nanos = 10 * MILLISECOND_NS;
/// A freeze that is longer than what is queued by this leaves the step loop without motion.
const STARVES_NS: Nanos = layout::QUEUE_AHEAD_NS + 4 * MILLISECOND_NS;
/// An axis that has stepped within this moves.
const MOVES_NS: Nanos = 2 * MILLISECOND_NS;

impl Promise for FrozenControlRamps {
    fn name(&self) -> &'static str {
        "s16_frozen_control_ramps_and_latches"
    }

    fn asked(&mut self, _facts: &Facts, asked: &PortCall) -> PromiseResult {
        if asked.what == Ask::Stop {
            self.stopped_ns = asked.at_ns;
        }
        Ok(())
    }

    fn step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        let Some((from, until)) = facts.told.control_frozen else { return Ok(()) };
        // What is queued, the ramp, its onset and release.
        let latest = from + layout::QUEUE_AHEAD_NS + facts.longest_ramp_ns() + 22 * MILLISECOND_NS;
        if made.at > latest && made.at < until {
            return Err(format!("a step {} ms after control was frozen", (made.at - from) / MILLISECOND_NS));
        }
        Ok(())
    }

    fn event(&mut self, _facts: &Facts, event: &Event) -> PromiseResult {
        if let Event::Entered { to: State::Faulted, .. } = event {
            self.latches_by_ns = None;
        }
        Ok(())
    }

    fn cycle(&mut self, facts: &Facts) -> PromiseResult {
        let (Some(before), Some(seen)) = (&facts.before, &facts.seen) else { return Ok(()) };
        let moved = before.at_ns <= self.stepped_ns + MOVES_NS;
        self.stepped_ns = facts.last.map_or(0, |last| last.at);
        if let Some((from, until)) = facts.told.control_frozen
            && seen.at_ns >= until
            && self.looked_at_ns != from
        {
            self.looked_at_ns = from;
            // What was asked for before the freeze has reasons of its own to end.
            let waved = before.state == State::Running && before.stop == StopLevel::None;
            let asked = self.stopped_ns + STARVES_NS > from;
            if waved && moved && !asked && until - from > STARVES_NS && seen.state != State::Faulted {
                self.latches_by_ns = Some(until + facts.longest_ramp_ns() + LATCHED_WITHIN_NS);
            }
        }
        match self.latches_by_ns {
            Some(latest) if seen.at_ns > latest => {
                Err(format!("{} after control was frozen in the midst of a wave", seen.state.name()))
            }
            _ => Ok(()),
        }
    }
}

/// S20: a motion that pauses or ends at speed has cost the position; nothing follows it at speed, and no step is made up for
/// by a burst. And who was not late is not told to have been.
#[derive(Debug, Default)]
pub struct LateStepsLatch {
    /// When the next step must have come, and how long after the one before that is.
    due: Option<(Nanos, Nanos)>,
    paused_ns: Option<Nanos>,
    /// How many steps were made since the axis stood in the midst of a motion.
    stood: Option<u32>,
    /// Speeds of the last intervals, the oldest first, in steps/s.
    speeds: VecDeque<f64>,
}

/// A late step is followed no closer than this share of its interval.
const CLOSEST: f64 = 15.0 / 16.0;
/// From a step to the next one the plan goes this far at most, in steps.
const STEP_AND_TURN: f64 = 1.1;
/// While an input is read again, the step behind it waits.
const READ_AGAIN_NS: Nanos = 200 * MICROSECOND_NS;
/// After this long without a step, whoever was at speed stands.
const STANDS_NS: Nanos = 5 * MILLISECOND_NS;
/// So many steps say how a motion begins.
const BEGINS: u32 = 8;
/// So many intervals, one of which at least was no longer than planned.
const INTERVALS: usize = 8;

impl LateStepsLatch {
    /// Between this step and the next one, if the axis is too fast to stop before it: what the plan takes at most.
    fn next_within_ns(made: &StepMade, stop: f64) -> Option<Nanos> {
        let interval_s = seconds(made.interval_ns);
        let least = CLOSEST / interval_s - stop * interval_s;
        let square = least * least - 2.0 * stop * STEP_AND_TURN;
        let fast = made.way == 1.0 && least > 0.0 && square > 0.0;
        fast.then(|| (2.0 * STEP_AND_TURN / (least + libm::sqrt(square)) * SECOND_NS as f64) as Nanos)
    }

    /// Whether the step is the first one of a burst.
    fn hurries(&mut self, made: &StepMade, stop: f64) -> bool {
        let speed = made.way / seconds(made.interval_ns.max(1));
        let before = self.speeds.iter().copied().fold(0.0, f64::max);
        // The interval itself may begin at rest.
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

    fn event(&mut self, facts: &Facts, event: &Event) -> PromiseResult {
        let Event::Entered { at_ns, why: Why::Fault(fault), .. } = event else { return Ok(()) };
        let late = matches!(fault, Fault::StepLate | Fault::ControlLate | Fault::StepLoopSilent);
        if late && *at_ns >= facts.told.late_until {
            return Err(format!("{fault}, and nothing was late"));
        }
        Ok(())
    }

    fn step(&mut self, facts: &Facts, made: &StepMade) -> PromiseResult {
        let Some(stop) = facts.firmest_stop(made.at).filter(|_| facts.state() != State::Homing) else {
            // A touch ends at speed, and the position is known all the same.
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
        if self.hurries(made, stop) {
            return Err(format!("a step {} us behind another: a burst", made.interval_ns / MICROSECOND_NS));
        }
        self.due = Self::next_within_ns(made, stop).map(|within_ns| {
            let too_late_ns = MILLISECOND_NS.min(2 * within_ns);
            (made.at + within_ns + too_late_ns + READ_AGAIN_NS, within_ns)
        });
        Ok(())
    }

    fn cycle(&mut self, facts: &Facts) -> PromiseResult {
        let Some(seen) = &facts.seen else { return Ok(()) };
        if seen.state == State::Homing {
            self.due = None;
        }
        if self.due.is_some_and(|(due, _)| seen.at_ns > due) {
            self.paused_ns.get_or_insert(seen.at_ns);
        }
        if seen.calibration.is_none() || seen.state == State::Homing {
            self.paused_ns = None;
        }
        match self.paused_ns {
            Some(since) if seen.at_ns > since + facts.longest_ramp_ns() + 2 * LATCHED_WITHIN_NS => {
                let at_s = seconds(since);
                Err(format!("the position is known after a motion paused, or ended, at speed at {at_s:.4} s"))
            }
            _ => Ok(()),
        }
    }
}

/// S28: whatever comes in, nothing fails inside.
#[derive(Debug)]
pub struct NothingFailsInside;

impl Promise for NothingFailsInside {
    fn name(&self) -> &'static str {
        "s28_no_input_fails_inside"
    }

    fn answered(&mut self, _facts: &Facts, answer: &ClientAnswer) -> PromiseResult {
        // 503 says that something outside does not work, as a full disk.
        match answer.status {
            Some(status) if status >= 500 && status != 503 => {
                Err(format!("answered with {status}: {}", answer.body))
            }
            _ => Ok(()),
        }
    }
}
