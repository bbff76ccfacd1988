//! Where things are on the rail, in steps and in millimetres.
//!
//! Two frames. The *step counter* of the step loop counts emitted steps from wherever it was switched on:
//! the only truth about position. The *axis* is what calibration makes of it: 0 mm is the back switch plus
//! the padding, positive is toward the front.

use crate::units::{Mm, StepsPerMm};

/// What the user measured or chose about the rail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// Distance between the points where the two switches close, in mm, measured by hand.
    pub max_stroke: Mm,
    /// Kept clear at each end, in mm.
    pub padding: Mm,
    /// What motor, driver and belt should make: microsteps of a turn over the travel of a turn.
    pub nominal: StepsPerMm,
    /// Most steps that the driver's pulses allow in a second.
    pub max_steps_per_s: f64,
}

impl Geometry {
    /// Length of the usable range that a calibration should find, in mm.
    pub fn expected_range_mm(&self) -> f64 {
        (self.max_stroke.get() - 2.0 * self.padding.get().max(MIN_PADDING_MM)).max(0.0)
    }
}

/// Closest that the usable range may come to a switch, in mm: even without padding no wave may press it.
const MIN_PADDING_MM: f64 = 1.0;

/// What one calibration found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calibration {
    /// Step counter at the place that is 0 mm of the axis.
    pub origin_steps: i64,
    /// Steps between the points where the two switches close.
    pub travel_steps: i64,
    /// Steps of the usable range: the travel without the padding at both ends.
    pub max_steps: i64,
}

impl Calibration {
    /// The calibration that follows from the two places where the switches closed.
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

    /// Steps for a millimetre: the whole travel over the distance that the user measured.
    pub fn steps_per_mm(&self, geometry: &Geometry) -> f64 {
        Self::scale(geometry, self.travel_steps)
    }

    /// Length of the usable range in mm.
    pub fn range_mm(&self, geometry: &Geometry) -> f64 {
        self.max_steps as f64 / self.steps_per_mm(geometry)
    }

    /// Position of the axis for a reading of the step counter, in mm.
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
    }
}
