//! What the readings of a sensor mean.
//!
//! `force = (reading − zero) / per_g`. The board on the serial line calculates it and forgets it without power; a
//! [`ScaleStore`] remembers it, which is the store, though this room does not know it.

use std::pin::Pin;

/// A kind of sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SensorKind {
    /// The board on a serial line.
    Uart,
    /// The older load cell on the I2C bus.
    I2c,
}

impl SensorKind {
    /// As in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            SensorKind::Uart => "uart",
            SensorKind::I2c => "i2c",
        }
    }

    /// What its readings are in: results of a converter, or what it takes for grams.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            SensorKind::Uart => "counts",
            SensorKind::I2c => "g",
        }
    }

    /// What its readings mean until somebody tares it. The older load cell weighs in grams by itself.
    #[must_use]
    pub const fn untared(self) -> Scale {
        match self {
            SensorKind::Uart => Scale { zero: None, per_g: None },
            SensorKind::I2c => Scale { zero: Some(0.0), per_g: Some(1.0) },
        }
    }
}

/// What readings mean.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Scale {
    /// The reading of an unloaded cell, once somebody has tared.
    pub zero: Option<f64>,
    /// What a gram adds to it, once somebody has calibrated; negative for a cell that is mounted the other way round.
    pub per_g: Option<f64>,
}

impl Scale {
    /// The force that a reading means, in grams, if that is known.
    #[must_use]
    pub fn force_g(&self, reading: f64) -> Option<f64> {
        Some((reading - self.zero?) / self.per_g?)
    }
}

/// A scale that is being written down.
pub type Keeping<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// Remembers the scale of one sensor.
pub trait ScaleStore: Send + Sync {
    /// The scale, if one is remembered that belongs to this kind of sensor.
    fn scale(&self) -> Option<Scale>;

    /// Writes the scale down. When it is done, a power cut can no longer lose it; when it failed, with why, nothing has
    /// changed.
    fn keep(&self, scale: Scale) -> Keeping<'_>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_force_needs_zero_and_factor() {
        assert_eq!(Scale { zero: Some(1_000.0), per_g: None }.force_g(5.0), None);
        assert_eq!(Scale { zero: Some(1_000.0), per_g: Some(-100.0) }.force_g(500.0), Some(5.0));
        assert_eq!(SensorKind::Uart.untared().force_g(7.0), None);
        assert_eq!(SensorKind::I2c.untared().force_g(7.0), Some(7.0));
    }
}
