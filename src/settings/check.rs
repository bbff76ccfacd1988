//! Whether settings are possible: each value by itself, then against the others.

use std::ops::RangeInclusive;

use super::bounds::{
    CHART_PERCENT, CHART_VALUES, FORCE_LIMIT, MAX_STROKE, MICROSTEPS_PER_REV, NAME_CHARS, STEPS,
    TICK_STROKE_LIMIT, WAVE_RESOLUTION,
};
use super::id::is_id;
use super::{Document, Settings};
use crate::layout;
use crate::motion::MotionLimits;
use crate::units::OutOfRangeError;

/// Why a setting is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {message}")]
pub struct Invalid {
    /// The setting, by the name that clients use.
    pub field: &'static str,
    /// What it would have to be; reads on after the name of the field.
    pub message: String,
}

impl Invalid {
    pub(super) fn chart_length(given: usize) -> Invalid {
        Invalid {
            field: "stroke_force_chart",
            message: format!("must have exactly {CHART_VALUES} values, not {given}"),
        }
    }
}

/// `new` as a quantity, or `now` if there is no new value; an impossible one is added to `wrong`.
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
        let m = &self.motion;
        if let Err((field, why)) = MotionLimits::new(
            m.max_speed,
            m.max_acceleration,
            m.max_jerk,
            m.stop_deceleration,
            m.approach_speed,
        ) {
            wrong.unless(false, field, || why.to_owned());
        }
        for (field, value, hard) in [
            ("max_speed_mm_s", m.max_speed.get(), layout::MAX_SPEED_MM_S),
            ("max_acceleration_mm_s2", m.max_acceleration.get(), layout::MAX_ACCELERATION_MM_S2),
            ("max_jerk_mm_s3", m.max_jerk.get(), layout::MAX_JERK_MM_S3),
            ("stop_deceleration_mm_s2", m.stop_deceleration.get(), layout::MAX_ACCELERATION_MM_S2),
        ] {
            wrong.unless(value <= hard, field, || {
                format!("must be at most {hard}, the limit of this machine")
            });
        }
        if wrong.0.is_empty() { Ok(()) } else { Err(wrong.0) }
    }
}

struct InvalidFields(Vec<Invalid>);

impl InvalidFields {
    fn unless(&mut self, right: bool, field: &'static str, message: impl FnOnce() -> String) {
        if !right {
            self.0.push(Invalid { field, message: message() });
        }
    }

    fn outside(&mut self, field: &'static str, value: i64, range: &RangeInclusive<i64>) {
        self.unless(range.contains(&value), field, || {
            format!("must be {} to {}, not {value}", range.start(), range.end())
        });
    }

    fn document(&mut self, d: &Document) {
        self.unless(is_id(&d.id), "id", || "must be 24 hexadecimal digits".to_owned());
        self.unless(d.name.chars().count() <= NAME_CHARS, "name", || {
            format!("must have at most {NAME_CHARS} characters")
        });
        self.unless(!d.name.chars().any(char::is_control), "name", || {
            "must have no control characters, no line breaks among them".to_owned()
        });
        self.unless(d.active, "active", || "must be true: there is one settings document".to_owned());
        self.outside("tick_stroke_limit", d.tick_stroke_limit, &TICK_STROKE_LIMIT);
        self.outside("force_limit", d.force_limit, &FORCE_LIMIT);
        if let Some(value) = d.stroke_force_chart.iter().find(|value| !CHART_PERCENT.contains(value)) {
            self.outside("stroke_force_chart", *value, &CHART_PERCENT);
        }
        self.outside("microsteps_per_rev", d.microsteps_per_rev, &MICROSTEPS_PER_REV);
        self.outside("wave_resolution", d.wave_resolution, &WAVE_RESOLUTION);
        self.outside("max_stroke", d.max_stroke, &MAX_STROKE);
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
}
