//! Nudge: a short move at homing's slow speed that shows a person which way the motor turns, and how far (promise S39).
//!
//! It is a homing move with another bound. The position is unknown before and after it, so it may begin only while the
//! machine is not homed, every input ends it at once, and its travel and its time are bounded. It goes on only while a
//! person holds a finger down: without a message of the client for 300 ms the API ends it, like the wave of a client
//! that is gone.

use super::fault::Fault;
use super::homing::HomingOptions;
use super::motion_port::{MotionOutcome, MotionStatus, Travel};
use crate::motion::{Inputs, RailEnd};
use crate::units::{Nanos, SECOND_NS, StepsPerMm};

/// Travel of a nudge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum NudgeLength {
    /// 2 mm: enough to see a direction.
    #[default]
    Short,
    /// 10 mm: enough to measure with a ruler.
    Ruler,
}

impl NudgeLength {
    /// The travel in mm, by the nominal steps per millimetre. Their real length is what the ruler is for.
    pub const fn mm(self) -> f64 {
        match self {
            NudgeLength::Short => 2.0,
            NudgeLength::Ruler => 10.0,
        }
    }
}

/// Time beyond 1.5 times the expected one that a nudge may take.
const GRACE_NS: Nanos = SECOND_NS;
/// Rounding of a travel that is a whole number of steps.
const ROUNDING_STEPS: f64 = 1e-6;

/// A nudge in progress.
#[derive(Debug, Clone, Copy)]
pub struct Nudge {
    toward: RailEnd,
    length: NudgeLength,
    begun: Option<NudgeStart>,
}

#[derive(Debug, Clone, Copy)]
struct NudgeStart {
    count_steps: i64,
    deadline_ns: Nanos,
}

/// How a nudge ended without a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NudgeEnd {
    /// It went its whole travel.
    Completed,
    /// The limit switch at this end closed.
    Limit(RailEnd),
    /// The finger was let go, or STOP came: the ramp.
    LetGo,
}

impl NudgeEnd {
    /// Stable code for programs.
    pub const fn code(self) -> &'static str {
        match self {
            NudgeEnd::Completed => "completed",
            NudgeEnd::Limit(RailEnd::Back) => "limit_back",
            NudgeEnd::Limit(RailEnd::Front) => "limit_front",
            NudgeEnd::LetGo => "let_go",
        }
    }
}

/// A nudge that is over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LastNudge {
    /// Its number since the start of the program, from 1 on.
    pub number: u32,
    /// The end of the rail toward which it was asked for.
    pub toward: RailEnd,
    /// The travel that was asked for.
    pub length: NudgeLength,
    /// Emitted steps; positive toward the front, as far as the settings know.
    pub steps: i64,
    /// The same in mm, by the nominal steps per millimetre.
    pub way_mm: f64,
    /// How it ended.
    pub end: NudgeEnd,
}

/// Next step of a nudge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NudgeProgress {
    /// The move continues.
    Wait,
    /// Make this move.
    Go(Travel),
    /// It is over.
    Over(NudgeEnd),
    /// It ended with a fault.
    Failed(Fault),
}

impl Nudge {
    /// A nudge that has not moved yet.
    pub const fn new(toward: RailEnd, length: NudgeLength) -> Nudge {
        Nudge { toward, length, begun: None }
    }

    /// Advances by one control cycle.
    pub fn step(
        &mut self,
        now: Nanos,
        motion: &MotionStatus,
        options: HomingOptions,
        nominal: StepsPerMm,
    ) -> NudgeProgress {
        let Some(begun) = self.begun else { return self.begin(now, motion, options, nominal) };
        if now > begun.deadline_ns {
            return NudgeProgress::Failed(Fault::HomingTimeout);
        }
        match (motion.resting, motion.outcome) {
            (true, Some(outcome)) => end_of(outcome),
            _ => NudgeProgress::Wait,
        }
    }

    fn begin(
        &mut self,
        now: Nanos,
        motion: &MotionStatus,
        options: HomingOptions,
        nominal: StepsPerMm,
    ) -> NudgeProgress {
        let speed_mm_s = options.slow.get();
        let expected_s = self.length.mm() / speed_mm_s;
        let deadline_ns = now + (1.5 * expected_s * SECOND_NS as f64) as Nanos + GRACE_NS;
        self.begun = Some(NudgeStart { count_steps: motion.count_steps, deadline_ns });
        // Rounded down: the bound is a bound of the pulses.
        let steps = libm::floor(self.length.mm() * nominal.get() + ROUNDING_STEPS) as i64;
        let steps = if self.toward == RailEnd::Front { steps } else { -steps };
        NudgeProgress::Go(Travel {
            to_steps: motion.count_steps + steps,
            steps_per_mm: nominal.get(),
            speed_mm_s,
            armed_inputs: Inputs::ALL,
        })
    }

    /// The nudge as it is over, with the step counter at rest.
    pub fn over(&self, end: NudgeEnd, count_steps: i64, number: u32, nominal: StepsPerMm) -> LastNudge {
        let steps = self.begun.map_or(0, |begun| count_steps - begun.count_steps);
        let way_mm = steps as f64 / nominal.get();
        LastNudge { number, toward: self.toward, length: self.length, steps, way_mm, end }
    }
}

fn end_of(outcome: MotionOutcome) -> NudgeProgress {
    match outcome {
        MotionOutcome::Completed => NudgeProgress::Over(NudgeEnd::Completed),
        MotionOutcome::Tripped(inputs) if inputs.e_stop => NudgeProgress::Failed(Fault::EStop),
        MotionOutcome::Tripped(inputs) if inputs.driver_alarm => NudgeProgress::Failed(Fault::DriverAlarm),
        MotionOutcome::Tripped(inputs) if inputs.front && inputs.back => {
            NudgeProgress::Failed(Fault::BothLimitsClosed)
        }
        MotionOutcome::Tripped(inputs) => {
            NudgeProgress::Over(NudgeEnd::Limit(if inputs.front { RailEnd::Front } else { RailEnd::Back }))
        }
        MotionOutcome::Ramped | MotionOutcome::Halted => NudgeProgress::Failed(Fault::Halted),
        MotionOutcome::Starved => NudgeProgress::Failed(Fault::ControlLate),
        MotionOutcome::Late => NudgeProgress::Failed(Fault::StepLate),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AT_REST: MotionStatus = MotionStatus {
        resting: true,
        outcome: None,
        count_steps: 7,
        stop_took_ns: 0,
        stop_steps: 0,
        asked_ns: None,
    };

    fn first_move(length: NudgeLength, toward: RailEnd, nominal: f64) -> Travel {
        let nominal = StepsPerMm::try_from(nominal).unwrap();
        match Nudge::new(toward, length).step(0, &AT_REST, HomingOptions::default(), nominal) {
            NudgeProgress::Go(travel) => travel,
            other => panic!("{other:?}"),
        }
    }

    proptest! {
        #[test]
        fn no_nudge_is_longer_than_its_bound(nominal in 0.5..400.0f64, front: bool, ruler: bool) {
            let length = if ruler { NudgeLength::Ruler } else { NudgeLength::Short };
            let toward = if front { RailEnd::Front } else { RailEnd::Back };
            let travel = first_move(length, toward, nominal);
            let steps = travel.to_steps - AT_REST.count_steps;
            prop_assert!(steps.abs() as f64 / nominal <= length.mm() + 1e-6 / nominal);
            prop_assert!(steps.abs() as f64 + 1.0 > length.mm() * nominal);
            prop_assert_eq!(steps > 0, front);
            prop_assert_eq!((travel.armed_inputs, travel.speed_mm_s), (Inputs::ALL, 5.0));
        }
    }

    #[test]
    fn a_nudge_that_does_not_end_is_given_up_in_time() {
        let (options, nominal) = (HomingOptions::default(), StepsPerMm::constant(10.0));
        let mut nudge = Nudge::new(RailEnd::Front, NudgeLength::Short);
        assert!(matches!(nudge.step(0, &AT_REST, options, nominal), NudgeProgress::Go(_)));
        let moving = MotionStatus { resting: false, ..AT_REST };
        // 2 mm at 5 mm/s, half of that again, and a second.
        let limit_ns = 600_000_000 + GRACE_NS;
        assert_eq!(nudge.step(limit_ns, &moving, options, nominal), NudgeProgress::Wait);
        let late = nudge.step(limit_ns + 1, &moving, options, nominal);
        assert_eq!(late, NudgeProgress::Failed(Fault::HomingTimeout));
    }
}
