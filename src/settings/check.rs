//! The rules for settings: each value by itself, then against the others.

use super::Settings;
use super::definition::{Document, MotionPart, STEPS};
use super::field::{Allowed, Bound};
use super::id::is_id;
use super::invalid::{Invalid, InvalidFields};
use crate::motion::MotionLimits;

/// A stored name as it is allowed today: older versions took control characters in.
#[must_use]
pub fn without_controls(name: &str) -> String {
    name.chars().filter(|one| !one.is_control()).collect()
}

impl Settings {
    /// Checks every value.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn check(&self) -> Result<(), Vec<Invalid>> {
        let mut wrong = InvalidFields(Vec::new());
        wrong.document(&self.document);
        if let Some(travel) = self.travel_steps {
            wrong.outside("travel_steps", travel, &STEPS);
            let inside = self.document.max_steps.is_some_and(|steps| steps <= travel);
            wrong.unless(inside, "max_steps", || {
                format!("must be known and at most the travel of {travel} steps")
            });
        }
        let nothing_found = self.document.max_steps.is_none();
        wrong.unless(!(nothing_found && self.calibrated_unix_s.is_some()), "calibrated_unix_s", || {
            "must be absent without a calibration".to_owned()
        });
        wrong.motion(&self.motion);
        if wrong.0.is_empty() { Ok(()) } else { Err(wrong.0) }
    }
}

impl InvalidFields {
    fn document(&mut self, d: &Document) {
        self.unless(is_id(&d.id), "id", || "must be 24 hexadecimal digits".to_owned());
        d.check_values(self);
        // The message names the other value, since it may not be the one that the user has just changed.
        let max_stroke = d.max_stroke;
        self.unless((1..=max_stroke).contains(&d.stroke_limit), "stroke_limit", || {
            format!("must be 1 to max_stroke ({max_stroke} mm), not {}", d.stroke_limit)
        });
        let room = d.padding_mm.checked_mul(2).is_some_and(|both| both < max_stroke);
        self.unless(d.padding_mm >= 0 && room, "padding_mm", || {
            format!(
                "must be 0 or more, and twice it below max_stroke ({max_stroke} mm), not {}",
                d.padding_mm
            )
        });
        if let Some(steps) = d.max_steps {
            self.outside("max_steps", steps, &STEPS);
        }
    }

    fn motion(&mut self, m: &MotionLimits) {
        if let Err((field, why)) = MotionLimits::new(
            m.max_speed,
            m.max_acceleration,
            m.max_jerk,
            m.stop_deceleration,
            m.approach_speed,
        ) {
            self.unless(false, field, || why.to_owned());
        }
        for (row, value) in MotionPart::FIELDS.iter().zip(MotionPart::from(m).values()) {
            if let Allowed::Number(_, Bound::Fixed(hard)) = row.allowed {
                self.unless(value <= hard, row.name, || {
                    format!("must be at most {hard}, the limit of this machine")
                });
            }
        }
    }
}
