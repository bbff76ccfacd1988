//! What the settings mean to the machine: checked numbers, ready to use at 1 kHz.

use super::geometry::Geometry;
use crate::motion::{Allowance, Limits};
use crate::units::Mm;

/// Everything the user's settings say about motion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// The rail.
    pub geometry: Geometry,
    /// Longest stroke that the user wants: the waves fill this much of the usable range, from the back.
    pub stroke_limit: Mm,
    /// Speed, acceleration and jerk.
    pub limits: Limits,
    /// Speed against force.
    pub allowance: Allowance,
}

impl Config {
    /// How long the strokes of waves are at most in a usable range of `range_mm`, in mm.
    #[must_use]
    pub fn stroke_mm(&self, range_mm: f64) -> f64 {
        range_mm.min(self.stroke_limit.get())
    }

    /// Whether this lets the axis do more than `other`, or describes another rail: such a change waits for
    /// the axis to be at rest (S21).
    #[must_use]
    pub fn needs_rest_after(&self, other: &Config) -> bool {
        self.geometry != other.geometry
            || self.stroke_limit > other.stroke_limit
            || self.limits.wider_than(&other.limits)
            || self.allowance.wider_than(&other.allowance)
    }
}
