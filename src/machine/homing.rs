//! Homing and calibration: finds both ends, each with two touches, and counts the steps between them.
//!
//! A sequence of straight moves, each bounded in travel, time and speed (promise S9):
//!
//! ```text
//! [leave a switch]  seek front, back off, touch it slowly, leave it,
//!                   seek back,  back off, touch it slowly, park behind the padding
//! ```
//!
//! A switch that closes ends the move in the step loop, before the next edge, so both touches are exact to a step.

use super::fault::Fault;
use super::geometry::{Calibration, Geometry};
use super::motion_port::{MotionOutcome, MotionStatus, Travel};
use crate::motion::{Inputs, RailEnd};
use crate::units::{Mm, MmPerS, Nanos, SECOND_NS};

/// Options of homing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HomingOptions {
    /// Speed of the search for a switch. The step loop cuts the motion there without a ramp, so the motor must be able
    /// to stop dead from this speed. Neither this speed nor the slow one is above the highest speed of the settings.
    pub fast: MmPerS,
    /// Speed of the second touch.
    pub slow: MmPerS,
    /// Distance between the touches.
    pub back_off: Mm,
}

impl Default for HomingOptions {
    fn default() -> Self {
        HomingOptions {
            fast: MmPerS::constant(40.0),
            slow: MmPerS::constant(5.0),
            back_off: Mm::constant(3.0),
        }
    }
}

impl HomingOptions {
    /// The same with no speed above `max_speed`, at which the pulses are fast enough (`Settings::check_step_rate`).
    pub fn within(self, max_speed: MmPerS) -> HomingOptions {
        let at_most = |speed: MmPerS| if speed.get() > max_speed.get() { max_speed } else { speed };
        HomingOptions { fast: at_most(self.fast), slow: at_most(self.slow), ..self }
    }
}

/// Travel of a search, as a share of `max_stroke`.
const SEARCH_SHARE: f64 = 1.1;
/// Longest travel to leave a switch that is closed at the start, in mm.
const LEAVE_MM: f64 = 10.0;
/// Travel of the slow touch beyond the position of the fast one, in mm.
const TOUCH_BEYOND_MM: f64 = 1.0;
/// Largest difference of the two touches, in mm.
const AGREEMENT_MM: f64 = 0.2;
/// Largest deviation of the measured travel from `max_stroke`, as a share of it.
const PLAUSIBLE_SHARE: f64 = 0.2;
/// Time beyond 1.5 times the expected one that a move may take.
const GRACE_NS: Nanos = 2 * SECOND_NS;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HomingPhase {
    /// Off a switch that was closed at the start.
    Leave(RailEnd),
    Seek(RailEnd),
    BackOff(RailEnd),
    Touch(RailEnd),
    /// Off the front switch before the search for the back one.
    Depart,
    Park,
}

/// Next step of homing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HomingProgress {
    /// The move continues.
    Wait,
    /// Make this move.
    Go(Travel),
    /// Complete: both ends are known, and the carriage stands at 0 mm.
    Done(Calibration),
    /// Failed with a fault.
    Failed(Fault),
}

/// A homing in progress.
#[derive(Debug, Clone)]
pub struct Homing {
    options: HomingOptions,
    geometry: Geometry,
    phase: Option<HomingPhase>,
    deadline_ns: Nanos,
    /// Step counter at the fast touch of the present end.
    fast_steps: i64,
    front_steps: i64,
    calibration: Option<Calibration>,
}

impl Homing {
    /// A homing that has not moved yet.
    pub fn new(options: HomingOptions, geometry: Geometry) -> Homing {
        Homing {
            options,
            geometry,
            phase: None,
            deadline_ns: Nanos::MAX,
            fast_steps: 0,
            front_steps: 0,
            calibration: None,
        }
    }

    /// Advances by one control cycle.
    pub fn step(&mut self, now: Nanos, inputs: Inputs, motion: &MotionStatus) -> HomingProgress {
        let Some(phase) = self.phase else {
            return if inputs.front && inputs.back {
                HomingProgress::Failed(Fault::BothLimitsClosed)
            } else {
                self.begin_phase(now, first_phase(inputs), motion)
            };
        };
        if now > self.deadline_ns {
            return HomingProgress::Failed(Fault::HomingTimeout);
        }
        match (motion.resting, motion.outcome) {
            (true, Some(outcome)) => match self.evaluate_move(phase, outcome, inputs, motion) {
                Ok(Some(next)) => self.begin_phase(now, next, motion),
                Ok(None) => self.calibration.map_or(HomingProgress::Wait, HomingProgress::Done),
                Err(fault) => HomingProgress::Failed(fault),
            },
            _ => HomingProgress::Wait,
        }
    }

    fn begin_phase(&mut self, now: Nanos, phase: HomingPhase, motion: &MotionStatus) -> HomingProgress {
        let nominal = self.geometry.nominal.get();
        let max_stroke_mm = self.geometry.max_stroke.get();
        let HomingOptions { fast, slow, back_off } = self.options;
        let toward = |end: RailEnd, mm: f64| if end == RailEnd::Front { mm } else { -mm };
        let (mm, speed, armed_inputs) = match phase {
            HomingPhase::Leave(end) => (
                -toward(end, LEAVE_MM.min(max_stroke_mm / 4.0)),
                slow.get().max(fast.get() / 2.0),
                Inputs::all_except(end),
            ),
            HomingPhase::Seek(end) => (toward(end, SEARCH_SHARE * max_stroke_mm), fast.get(), Inputs::ALL),
            HomingPhase::BackOff(end) => {
                (-toward(end, back_off.get()), slow.get().max(fast.get() / 2.0), Inputs::all_except(end))
            }
            HomingPhase::Touch(end) => {
                (toward(end, back_off.get() + TOUCH_BEYOND_MM), slow.get(), Inputs::ALL)
            }
            HomingPhase::Depart => {
                (-back_off.get(), slow.get().max(fast.get() / 2.0), Inputs::all_except(RailEnd::Front))
            }
            HomingPhase::Park => {
                let origin = self.calibration.map_or(motion.count_steps, |found| found.origin_steps);
                (
                    (origin - motion.count_steps) as f64 / nominal,
                    fast.get(),
                    Inputs::all_except(RailEnd::Back),
                )
            }
        };
        self.phase = Some(phase);
        let expected_s = mm.abs() / speed;
        self.deadline_ns = now + (1.5 * expected_s * SECOND_NS as f64) as Nanos + GRACE_NS;
        let to_steps = motion.count_steps + libm::round(mm * nominal) as i64;
        HomingProgress::Go(Travel { to_steps, steps_per_mm: nominal, speed_mm_s: speed, armed_inputs })
    }

    /// Evaluates the end of a move: returns the next phase, none after the last one, or a fault.
    fn evaluate_move(
        &mut self,
        phase: HomingPhase,
        outcome: MotionOutcome,
        inputs: Inputs,
        motion: &MotionStatus,
    ) -> Result<Option<HomingPhase>, Fault> {
        let touched = match outcome {
            MotionOutcome::Completed => None,
            MotionOutcome::Tripped(active) => Some(active),
            MotionOutcome::Ramped | MotionOutcome::Halted => return Err(Fault::Halted),
            MotionOutcome::Starved => return Err(Fault::ControlLate),
            MotionOutcome::Late => return Err(Fault::StepLate),
        };
        if let Some(active) = touched {
            if active.e_stop {
                return Err(Fault::EStop);
            }
            if active.driver_alarm {
                return Err(Fault::DriverAlarm);
            }
            if active.front && active.back {
                return Err(Fault::BothLimitsClosed);
            }
        }
        match phase {
            HomingPhase::Leave(end) => {
                check_switch_opened(end, touched, inputs).map(|()| Some(HomingPhase::Seek(RailEnd::Front)))
            }
            HomingPhase::BackOff(end) => {
                check_switch_opened(end, touched, inputs).map(|()| Some(HomingPhase::Touch(end)))
            }
            HomingPhase::Depart => check_switch_opened(RailEnd::Front, touched, inputs)
                .map(|()| Some(HomingPhase::Seek(RailEnd::Back))),
            HomingPhase::Park => check_switch_opened(RailEnd::Back, touched, inputs).map(|()| None),
            HomingPhase::Seek(end) => {
                check_switch_closed(end, touched, Fault::NoSwitchFound(end))?;
                self.fast_steps = motion.count_steps;
                Ok(Some(HomingPhase::BackOff(end)))
            }
            HomingPhase::Touch(end) => {
                check_switch_closed(end, touched, Fault::TouchDisagrees(end))?;
                let apart_mm =
                    (motion.count_steps - self.fast_steps).abs() as f64 / self.geometry.nominal.get();
                let step_mm = 1.0 / self.geometry.nominal.get();
                if apart_mm > AGREEMENT_MM.max(step_mm) + 1e-9 {
                    return Err(Fault::TouchDisagrees(end));
                }
                self.record_touch(end, motion.count_steps)
            }
        }
    }

    fn record_touch(&mut self, end: RailEnd, count_steps: i64) -> Result<Option<HomingPhase>, Fault> {
        if end == RailEnd::Front {
            self.front_steps = count_steps;
            return Ok(Some(HomingPhase::Depart));
        }
        let travel_mm = (self.front_steps - count_steps) as f64 / self.geometry.nominal.get();
        let max_stroke_mm = self.geometry.max_stroke.get();
        if (travel_mm - max_stroke_mm).abs() > PLAUSIBLE_SHARE * max_stroke_mm {
            return Err(Fault::ImplausibleTravel);
        }
        self.calibration = Some(Calibration::from_touches(&self.geometry, count_steps, self.front_steps));
        Ok(Some(HomingPhase::Park))
    }
}

fn first_phase(inputs: Inputs) -> HomingPhase {
    if inputs.front {
        HomingPhase::Leave(RailEnd::Front)
    } else if inputs.back {
        HomingPhase::Leave(RailEnd::Back)
    } else {
        HomingPhase::Seek(RailEnd::Front)
    }
}

/// Checks a move off the switch of `end`: it must be complete and have opened the switch. Only the other switch can
/// have ended it.
fn check_switch_opened(end: RailEnd, touched: Option<Inputs>, inputs: Inputs) -> Result<(), Fault> {
    if touched.is_some() {
        Err(Fault::SwitchTooSoon(end.opposite()))
    } else if inputs.limit(end) {
        Err(Fault::SwitchStuck(end))
    } else {
        Ok(())
    }
}

/// Checks a move toward `end`: its switch must have ended it.
fn check_switch_closed(end: RailEnd, touched: Option<Inputs>, otherwise: Fault) -> Result<(), Fault> {
    match touched {
        None => Err(otherwise),
        Some(active) if active.limit(end) => Ok(()),
        Some(_) => Err(Fault::WrongSwitch(end)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::StepsPerMm;

    #[test]
    fn a_move_that_does_not_end_is_given_up_in_time() {
        let geometry = Geometry {
            max_stroke: Mm::constant(155.0),
            padding: Mm::constant(5.0),
            nominal: StepsPerMm::constant(10.0),
            max_steps_per_s: 200_000.0,
        };
        let mut homing = Homing::new(HomingOptions::default(), geometry);
        let at_rest = MotionStatus {
            resting: true,
            outcome: None,
            count_steps: 0,
            stop_took_ns: 0,
            stop_steps: 0,
            asked_ns: None,
        };
        assert!(matches!(homing.step(0, Inputs::default(), &at_rest), HomingProgress::Go(_)));
        let moving = MotionStatus { resting: false, ..at_rest };
        // 170.5 mm at 40 mm/s, half of that again, and two seconds.
        let limit_ns = (1.5 * 170.5 / 40.0 * 1e9) as Nanos + GRACE_NS;
        assert_eq!(homing.step(limit_ns - 1, Inputs::default(), &moving), HomingProgress::Wait);
        let late = homing.step(limit_ns + 1_000, Inputs::default(), &moving);
        assert_eq!(late, HomingProgress::Failed(Fault::HomingTimeout));
    }
}
