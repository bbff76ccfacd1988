//! Refused settings: which, and by which rule.

use std::ops::RangeInclusive;

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
}
