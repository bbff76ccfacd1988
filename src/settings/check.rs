//! The rules for settings: each value by itself, then against the others.

use std::ops::RangeInclusive;

use super::Settings;
use super::definition::{Document, MotionPart, STEPS};
use super::field::{Allowed, Bound};
use super::id::is_id;
use crate::motion::MotionLimits;
use crate::units::OutOfRangeError;

/// Why a setting is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {message}")]
pub struct Invalid {
    /// The setting, by the name that clients use.
    pub field: &'static str,
    /// The rule that it breaks; reads on after the name of the field.
    pub message: String,
}

/// `new` as a quantity, or `now` without a new value; one out of the unit's range is added to `wrong`.
pub(super) fn in_unit<Q: TryFrom<f64, Error = OutOfRangeError> + Copy>(
    field: &'static str,
    new: Option<f64>,
    now: Q,
    wrong: &mut Vec<Invalid>,
) -> Q {
    new.map_or(Ok(now), Q::try_from).unwrap_or_else(|OutOfRangeError { value, min, max, unit }| {
        wrong.push(Invalid { field, message: format!("must be {min} to {max} {unit}, not {value}") });
        now
    })
}

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

/// Everything that is wrong so far.
pub struct InvalidFields(pub Vec<Invalid>);

impl InvalidFields {
    pub(super) fn unless(&mut self, right: bool, field: &'static str, message: impl FnOnce() -> String) {
        if !right {
            self.0.push(Invalid { field, message: message() });
        }
    }

    pub(super) fn outside(&mut self, field: &'static str, value: i64, range: &RangeInclusive<i64>) {
        self.unless(range.contains(&value), field, || {
            format!("must be {} to {}, not {value}", range.start(), range.end())
        });
    }

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
