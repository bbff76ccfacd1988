//! Readings of the axis for clients of version 4: its position, and the force on it.
//!
//! Readings are whole numbers in a range that the device list names. The position is the share of the window, in the
//! steps in which it is commanded. The force goes out as a `Pressure`, the one kind of reading that fits and that every
//! client library knows: its amount in g, without its direction, because the type has no sign. The Rust client 11 knows
//! `Position` in a device list but not in a reading; who asks for one gets it, and nobody else does.

use super::device::{AXIS_FEATURE, FORCE_FEATURE, POSITION_STEPS};

/// Largest force in a reading, in g.
pub const MAX_FORCE_G: u32 = 100_000;

/// Kind of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadingKind {
    /// Where the axis is in its window.
    Position,
    /// The force on it.
    Pressure,
}

impl ReadingKind {
    /// All of them, in the order of their features.
    pub const ALL: [ReadingKind; 2] = [ReadingKind::Position, ReadingKind::Pressure];

    /// Name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            ReadingKind::Position => "Position",
            ReadingKind::Pressure => "Pressure",
        }
    }

    /// Index of the feature that has it.
    pub const fn feature(self) -> u32 {
        match self {
            ReadingKind::Position => AXIS_FEATURE,
            ReadingKind::Pressure => FORCE_FEATURE,
        }
    }

    /// Largest value; the smallest one is 0.
    pub const fn max(self) -> u32 {
        match self {
            ReadingKind::Position => POSITION_STEPS,
            ReadingKind::Pressure => MAX_FORCE_G,
        }
    }
}

/// A reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ButtplugReading {
    /// Where the axis is.
    Position {
        /// Share of the window, from 0 at its back to 1 at its front; outside of it the nearer end is sent.
        share: f64,
    },
    /// The force on it.
    Pressure {
        /// The force, in g; its sign is not sent.
        force_g: f64,
    },
}

impl ButtplugReading {
    /// Its kind.
    pub const fn kind(self) -> ReadingKind {
        match self {
            ButtplugReading::Position { .. } => ReadingKind::Position,
            ButtplugReading::Pressure { .. } => ReadingKind::Pressure,
        }
    }

    /// The value that is sent, in the range of its kind.
    pub fn value(self) -> u32 {
        let max = f64::from(self.kind().max());
        let value = match self {
            ButtplugReading::Position { share } => share * max,
            ButtplugReading::Pressure { force_g } => force_g.abs(),
        };
        // NaN becomes 0 with the conversion.
        value.round().clamp(0.0, max) as u32
    }
}
