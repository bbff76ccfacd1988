//! Scale of a force sensor: zero and factor that convert readings to grams.
//!
//! `force = (reading − zero) / per_g`. The board on the serial line computes it, and loses the scale without power.
//! [`ScaleStore`] is the place that stores it; `app` implements it with the store, which this room does not name.

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
    /// Name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            SensorKind::Uart => "uart",
            SensorKind::I2c => "i2c",
        }
    }

    /// Unit of its readings: converter counts, or grams by its own calibration.
    pub const fn unit(self) -> &'static str {
        match self {
            SensorKind::Uart => "counts",
            SensorKind::I2c => "g",
        }
    }

    /// Scale before the first tare. The older load cell weighs in grams by itself.
    pub const fn untared(self) -> Scale {
        match self {
            SensorKind::Uart => Scale { zero: None, per_g: None },
            SensorKind::I2c => Scale { zero: Some(0.0), per_g: Some(1.0) },
        }
    }
}

/// Zero and factor; `force = (reading − zero) / per_g`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Scale {
    /// Reading of the unloaded cell; `None` before the first tare.
    pub zero: Option<f64>,
    /// Change of the reading per gram; `None` before the first calibration, negative for a cell that is mounted the
    /// other way round.
    pub per_g: Option<f64>,
}

impl Scale {
    /// Force of a reading (g); `None` without a tare and a calibration.
    pub fn force_g(&self, reading: f64) -> Option<f64> {
        Some((reading - self.zero?) / self.per_g?)
    }
}

/// Future of [`ScaleStore::save`].
pub type SaveFuture<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// Persistent storage for the scale of one sensor.
pub trait ScaleStore: Send + Sync {
    /// The stored scale; `None` if there is none for this kind of sensor.
    fn scale(&self) -> Option<Scale>;

    /// Stores the scale durably. On an error, which says why, nothing has changed.
    fn save(&self, scale: Scale) -> SaveFuture<'_>;
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
