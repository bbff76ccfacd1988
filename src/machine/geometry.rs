//! Rail geometry and calibration: conversion of step counts to millimetres.
//!
//! There are two frames. The *step counter* of the step loop counts emitted steps from its position at power-on;
//! emitted steps are the only truth about position. The *axis* follows from calibration: 0 mm is the back switch plus
//! the padding, positive is toward the front.

use crate::motion::RailEnd;
use crate::units::{Mm, StepsPerMm};

/// Rail, as the user measured and configured it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// Distance between the points where the two switches close, in mm, measured by hand.
    pub max_stroke: Mm,
    /// Margin at each end, in mm.
    pub padding: Mm,
    /// Nominal steps per millimetre of motor, driver and belt: microsteps per turn over the travel per turn. In use
    /// until a calibration has measured the actual value.
    pub nominal: StepsPerMm,
    /// Highest step rate that the driver's pulses allow, in steps per second.
    pub max_steps_per_s: f64,
}

impl Geometry {
    /// Expected length of the usable range, in mm, for the time before a calibration.
    pub fn expected_range_mm(&self) -> f64 {
        (self.max_stroke.get() - 2.0 * self.padding.get().max(MIN_PADDING_MM)).max(0.0)
    }
}

/// Smallest margin at a switch, in mm: even without padding no wave may press it.
const MIN_PADDING_MM: f64 = 1.0;

/// Result of a calibration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calibration {
    /// Step counter at 0 mm of the axis.
    pub origin_steps: i64,
    /// Steps between the points where the two switches close.
    pub travel_steps: i64,
    /// Steps of the usable range: the travel without the padding at both ends.
    pub max_steps: i64,
}

impl Calibration {
    /// Calibration from the step counter at the two points where the switches closed.
    pub fn from_touches(geometry: &Geometry, back_steps: i64, front_steps: i64) -> Calibration {
        let travel_steps = front_steps - back_steps;
        let padding_mm = geometry.padding.get().max(MIN_PADDING_MM);
        let padding_steps = (padding_mm * Self::scale(geometry, travel_steps)) as i64;
        Calibration {
            origin_steps: back_steps + padding_steps,
            travel_steps,
            max_steps: travel_steps - 2 * padding_steps,
        }
    }

    fn scale(geometry: &Geometry, travel_steps: i64) -> f64 {
        travel_steps as f64 / geometry.max_stroke.get()
    }

    /// Steps per millimetre: the whole travel over the distance that the user measured.
    pub fn steps_per_mm(&self, geometry: &Geometry) -> f64 {
        Self::scale(geometry, self.travel_steps)
    }

    /// Length of the usable range in mm.
    pub fn range_mm(&self, geometry: &Geometry) -> f64 {
        self.max_steps as f64 / self.steps_per_mm(geometry)
    }

    /// Distance from where the switch at `end` closes for a value of the step counter, in mm; negative beyond it.
    pub fn from_switch_mm(&self, geometry: &Geometry, end: RailEnd, counter_steps: i64) -> f64 {
        let back_steps = self.origin_steps - (self.travel_steps - self.max_steps) / 2;
        let steps = match end {
            RailEnd::Back => counter_steps - back_steps,
            RailEnd::Front => back_steps + self.travel_steps - counter_steps,
        };
        steps as f64 / self.steps_per_mm(geometry)
    }

    /// Position of the axis for a value of the step counter, in mm.
    pub fn position_mm(&self, geometry: &Geometry, counter_steps: i64) -> f64 {
        (counter_steps - self.origin_steps) as f64 / self.steps_per_mm(geometry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_original_rail_has_ten_steps_a_millimetre_and_1450_usable_steps() {
        let geometry = Geometry {
            max_stroke: Mm::constant(155.0),
            padding: Mm::constant(5.0),
            nominal: StepsPerMm::constant(10.0),
            max_steps_per_s: 200_000.0,
        };
        let calibration = Calibration::from_touches(&geometry, -300, 1_250);
        assert_eq!(calibration.travel_steps, 1_550);
        assert_eq!(calibration.max_steps, 1_450);
        assert_eq!(calibration.steps_per_mm(&geometry), 10.0);
        assert_eq!(calibration.range_mm(&geometry), 145.0);
        assert_eq!(calibration.position_mm(&geometry, -250), 0.0);
        let from_switch_mm = |end, steps| calibration.from_switch_mm(&geometry, end, steps);
        assert_eq!((from_switch_mm(RailEnd::Back, -250), from_switch_mm(RailEnd::Front, -250)), (5.0, 150.0));
        assert_eq!(from_switch_mm(RailEnd::Front, 1_260), -1.0);
    }
}
