//! Physical quantities as types: each has a unit and a range, and is finite.
//!
//! Numbers that cross a room's border have these types. Constructors check the range; inside a room the planner
//! calculates in plain `f64`, with the unit in the name (`_mm`, `_mm_s`, `_mm_s2`, `_mm_s3`, `_g`, `_ns`).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number is not finite, or outside the range of its quantity.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{value} {unit} is outside {min} … {max} {unit}")]
pub struct OutOfRangeError {
    /// The rejected value.
    pub value: f64,
    /// Smallest accepted value.
    pub min: f64,
    /// Largest accepted value.
    pub max: f64,
    /// Unit of all three.
    pub unit: &'static str,
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $unit:literal, $min:expr, $max:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(try_from = "f64", into = "f64")]
        pub struct $name(f64);

        impl $name {
            /// Unit, as it is printed.
            pub const UNIT: &'static str = $unit;
            /// Smallest accepted value.
            pub const MIN: f64 = $min;
            /// Largest accepted value.
            pub const MAX: f64 = $max;

            /// Plain number, in this type's unit.
            pub const fn get(self) -> f64 {
                self.0
            }

            /// A constant of the source; panics at compile time if the value is out of range.
            pub const fn constant(value: f64) -> Self {
                assert!(value >= Self::MIN && value <= Self::MAX);
                Self(value)
            }
        }

        impl TryFrom<f64> for $name {
            type Error = OutOfRangeError;

            fn try_from(value: f64) -> Result<Self, OutOfRangeError> {
                // NaN compares false with everything, so no range contains it.
                if (Self::MIN..=Self::MAX).contains(&value) {
                    Ok(Self(value))
                } else {
                    Err(OutOfRangeError { value, min: Self::MIN, max: Self::MAX, unit: $unit })
                }
            }
        }

        impl From<$name> for f64 {
            fn from(quantity: $name) -> f64 {
                quantity.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)?;
                write!(f, " {}", $unit)
            }
        }
    };
}

quantity!(
    /// Length or position along the axis. A positive sign is toward the front.
    Mm, "mm", -10_000.0, 10_000.0
);
quantity!(
    /// Speed, never negative.
    MmPerS, "mm/s", 0.0, 5_000.0
);
quantity!(
    /// Magnitude of an acceleration; not zero, since the axis could never stop then.
    MmPerS2, "mm/s²", 1.0, 200_000.0
);
quantity!(
    /// Magnitude of a jerk.
    MmPerS3, "mm/s³", 1.0, 100_000_000.0
);
quantity!(
    /// Force at the load cell, as the mass whose weight it equals. Negative pushes the carriage back.
    Grams, "g", -1_000_000.0, 1_000_000.0
);
quantity!(
    /// Motor steps per millimetre of the carriage.
    StepsPerMm, "steps/mm", 0.01, 100_000.0
);
quantity!(
    /// Time span chosen by a user.
    Seconds, "s", 0.0, 1.0e9
);

/// Instant on the machine's own monotonic clock, or a time span, in nanoseconds.
///
/// Starts at zero with the process; 64 bits last 584 years. Never wall-clock time (promise S23).
pub type Nanos = u64;

/// One second in [`Nanos`].
pub const SECOND_NS: Nanos = 1_000_000_000;
/// One millisecond in [`Nanos`].
pub const MILLISECOND_NS: Nanos = 1_000_000;
/// One microsecond in [`Nanos`].
pub const MICROSECOND_NS: Nanos = 1_000;

/// Converts a span of [`Nanos`] to seconds.
pub fn seconds(span_ns: Nanos) -> f64 {
    span_ns as f64 * 1e-9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_refuses_what_is_not_finite_or_out_of_range() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.1, 5_000.1] {
            assert!(MmPerS::try_from(bad).is_err(), "{bad} was accepted");
        }
        assert_eq!(MmPerS::try_from(12.5).unwrap().get(), 12.5);
    }

    #[test]
    fn the_error_names_value_range_and_unit() {
        let error = MmPerS::try_from(-1.5).unwrap_err();
        assert_eq!((error.value, error.min, error.max), (-1.5, 0.0, 5_000.0));
        assert!(MmPerS2::try_from(0.0).unwrap_err().to_string().contains("mm/s²"));
    }
}
