//! A computer that is late, frozen, or given nonsense.

use super::{Kept, Promise};
use crate::drive::status::EndCause;
use crate::layout;
use crate::machine::State;
use crate::trial::client::Answer;
use crate::trial::facts::{Facts, StepMade};
use crate::units::{MILLISECOND_NS, Nanos};

/// S16: with a frozen control thread the step loop ramps down by itself, and that latches.
#[derive(Debug, Default)]
pub struct FrozenControlRamps {
    starved_ns: Option<Nanos>,
}

/// From the look at which a motion is seen to be over, until the fault is latched.
const LATCHED_WITHIN_NS: Nanos = 10 * MILLISECOND_NS;

impl Promise for FrozenControlRamps {
    fn name(&self) -> &'static str {
        "s16_frozen_control_ramps_and_latches"
    }

    fn step(&mut self, facts: &Facts, made: &StepMade) -> Kept {
        let Some((from, until)) = facts.told.control_frozen else { return Ok(()) };
        // What is queued, the ramp, its onset and release.
        let latest = from + layout::QUEUE_AHEAD_NS + facts.longest_ramp_ns() + 22 * MILLISECOND_NS;
        if made.at > latest && made.at < until {
            return Err(format!("a step {} ms after control was frozen", (made.at - from) / MILLISECOND_NS));
        }
        Ok(())
    }

    fn cycle(&mut self, facts: &Facts) -> Kept {
        let (Some(before), Some(seen)) = (&facts.before, &facts.seen) else { return Ok(()) };
        let starved = seen.ended.is_some_and(|ended| ended.cause == EndCause::Starved);
        if starved && before.ended != seen.ended {
            self.starved_ns = Some(seen.at_ns);
        }
        let Some(since) = self.starved_ns.filter(|_| seen.resting) else { return Ok(()) };
        // Homing and a stop that was asked for meanwhile have reasons of their own.
        if !matches!(seen.state, State::Running | State::Ending) {
            self.starved_ns = None;
            return Ok(());
        }
        if seen.at_ns > since + facts.longest_ramp_ns() + LATCHED_WITHIN_NS {
            return Err(format!("{} after the step loop had run out of motion", seen.state.name()));
        }
        Ok(())
    }
}

/// S20: a step that is too late is a fault, and the position is lost.
#[derive(Debug, Default)]
pub struct LateStepsLatch {
    late_ns: Option<Nanos>,
}

impl Promise for LateStepsLatch {
    fn name(&self) -> &'static str {
        "s20_late_steps_latch"
    }

    fn cycle(&mut self, facts: &Facts) -> Kept {
        let (Some(before), Some(seen)) = (&facts.before, &facts.seen) else { return Ok(()) };
        let late = seen.ended.is_some_and(|ended| ended.cause == EndCause::Late);
        if late && before.ended != seen.ended {
            self.late_ns = Some(seen.at_ns);
        }
        let Some(since) = self.late_ns else { return Ok(()) };
        if seen.calibration.is_none() {
            self.late_ns = None;
        } else if seen.resting && seen.at_ns > since + facts.longest_ramp_ns() + LATCHED_WITHIN_NS {
            return Err(format!("{}, and homed, after a step that was too late", seen.state.name()));
        }
        Ok(())
    }
}

/// S28: whatever comes in, nothing fails inside.
#[derive(Debug)]
pub struct NothingFailsInside;

impl Promise for NothingFailsInside {
    fn name(&self) -> &'static str {
        "s28_no_input_fails_inside"
    }

    fn answered(&mut self, _facts: &Facts, answer: &Answer) -> Kept {
        // 503 says that something outside does not work, as a full disk.
        match answer.status {
            Some(status) if status >= 500 && status != 503 => {
                Err(format!("answered with {status}: {}", answer.body))
            }
            _ => Ok(()),
        }
    }
}
