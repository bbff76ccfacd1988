//! Older load cell: an Arduino with an HX711 on the I2C bus.
//!
//! Its protocol: the number of a register is written to it, it needs a moment to prepare the value, and then returns
//! one byte per read. Register 0 holds the weight as a little-endian `f32` in grams. There is no sequence number and no
//! checksum. A reading that is incomplete, late or implausible is a lost sample, never one of 0 g (promise S13); the
//! previous sample ages meanwhile (S12).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rppal::i2c::I2c;

use super::PiError;
use crate::hal::{Clock, MonotonicClock};
use crate::units::{MICROSECOND_NS, MILLISECOND_NS, Nanos, SECOND_NS};

/// Register of the weight.
const REGISTER: u8 = 0;
/// Time from naming the register to the first byte.
const LAY_OUT: Duration = Duration::from_micros(100);
/// Interval between readings: 80 a second, the highest rate of an HX711.
pub const PERIOD_NS: Nanos = 12_500 * MICROSECOND_NS;
/// A reading takes 1.2 ms at 100 kHz. One that took longer than this may be a mixture of two.
const DEADLINE_NS: Nanos = 10 * MILLISECOND_NS;
/// Kernel timeout of one transfer, in ms; it counts in units of 10 ms.
const TRANSFER_MS: u32 = 10;
/// Largest plausible weight of such a machine, in grams.
const MOST_G: f32 = 100_000.0;
/// Shortest interval between two log lines about lost samples.
const LOG_INTERVAL_NS: Nanos = 10 * SECOND_NS;

/// The load cell, read by a thread of its own while this value lives.
#[derive(Debug)]
pub struct I2cLoadCell {
    quit: Arc<AtomicBool>,
}

/// Reason for a lost sample.
#[derive(Debug, PartialEq, thiserror::Error)]
enum ReadError {
    #[error("it does not answer ({0})")]
    Silent(String),
    #[error("it answered after {} ms", .0 / MILLISECOND_NS)]
    Late(Nanos),
    #[error("{0} is no weight in grams")]
    Implausible(f32),
}

impl I2cLoadCell {
    /// Begins to read. `on_sample` gets each weight in grams, or none for a lost sample, with the instants at which the
    /// reading began and ended.
    ///
    /// # Errors
    /// If the bus does not exist or this user may not use it. A load cell that does not answer is no error: it may be
    /// connected later.
    pub fn start(
        clock: MonotonicClock,
        bus: u8,
        address: u8,
        on_sample: impl FnMut(Option<f64>, Nanos, Nanos) + Send + 'static,
    ) -> Result<I2cLoadCell, PiError> {
        let failed = || PiError::of_bus(format!("/dev/i2c-{bus}"));
        let mut i2c = I2c::with_bus(bus).map_err(failed())?;
        i2c.set_slave_address(u16::from(address)).map_err(failed())?;
        // Adapters that do not support it keep their timeout of a second.
        let _ = i2c.set_timeout(TRANSFER_MS);
        let quit = Arc::new(AtomicBool::new(false));
        let mut reader = Reader { i2c, clock, on_sample, lost: 0, log_again_ns: 0 };
        let quitting = Arc::clone(&quit);
        thread::Builder::new()
            .name("load-cell".into())
            .spawn(move || {
                let mut next = reader.clock.now();
                while !quitting.load(Ordering::Acquire) {
                    reader.take_sample();
                    // A missed reading is not made up for.
                    next = (next + PERIOD_NS).max(reader.clock.now());
                    reader.clock.doze_until(next);
                }
            })
            .map_err(|error| PiError::System { what: "starting to read the load cell", error })?;
        Ok(I2cLoadCell { quit })
    }
}

impl Drop for I2cLoadCell {
    /// The thread ends after its present reading; it is not joined.
    fn drop(&mut self) {
        self.quit.store(true, Ordering::Release);
    }
}

struct Reader<H> {
    i2c: I2c,
    clock: MonotonicClock,
    on_sample: H,
    /// Consecutive lost samples.
    lost: u32,
    log_again_ns: Nanos,
}

impl<H: FnMut(Option<f64>, Nanos, Nanos)> Reader<H> {
    fn take_sample(&mut self) {
        let at = self.clock.now();
        let read = self.read().map_err(|error| ReadError::Silent(error.to_string()));
        let now = self.clock.now();
        match read.and_then(|bytes| parse_weight(bytes, now - at)) {
            Ok(force_g) => {
                (self.on_sample)(Some(force_g), at, now);
                if self.lost > 0 && self.log_again_ns > 0 {
                    tracing::info!(lost = self.lost, "the load cell is there");
                }
                (self.lost, self.log_again_ns) = (0, 0);
            }
            Err(lost) => {
                (self.on_sample)(None, at, now);
                self.lost = self.lost.saturating_add(1);
                if now >= self.log_again_ns && self.lost > 1 {
                    self.log_again_ns = now + LOG_INTERVAL_NS;
                    tracing::warn!(lost = self.lost, "no weight from the load cell: {lost}");
                }
            }
        }
    }

    fn read(&self) -> Result<[u8; 4], rppal::i2c::Error> {
        self.i2c.smbus_send_byte(REGISTER)?;
        thread::sleep(LAY_OUT);
        let mut bytes = [0; 4];
        for byte in &mut bytes {
            *byte = self.i2c.smbus_receive_byte()?;
        }
        Ok(bytes)
    }
}

/// The weight in grams, if it is plausible and in time.
fn parse_weight(bytes: [u8; 4], took_ns: Nanos) -> Result<f64, ReadError> {
    if took_ns > DEADLINE_NS {
        return Err(ReadError::Late(took_ns));
    }
    let force_g = f32::from_le_bytes(bytes);
    // Subnormal numbers are bytes in the wrong order.
    let plausible = (force_g == 0.0 || force_g.is_normal()) && force_g.abs() <= MOST_G;
    if plausible { Ok(f64::from(force_g)) } else { Err(ReadError::Implausible(force_g)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plausible_weight_in_time_is_a_sample() {
        for force_g in [0.0, -0.0, 123.5, -2_000.25, MOST_G, -MOST_G] {
            assert_eq!(parse_weight(force_g.to_le_bytes(), DEADLINE_NS), Ok(f64::from(force_g)));
            assert_eq!(
                parse_weight(force_g.to_le_bytes(), DEADLINE_NS + 1),
                Err(ReadError::Late(DEADLINE_NS + 1))
            );
        }
        // The bus reads ones if no device answers.
        assert!(parse_weight([0xff; 4], 0).is_err());
        for force_g in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 2.0 * MOST_G, f32::MIN_POSITIVE / 2.0] {
            assert!(parse_weight(force_g.to_le_bytes(), 0).is_err(), "{force_g}");
        }
        for force_g in [123.5_f32, -2_000.25, 1.0] {
            assert!(parse_weight(force_g.to_be_bytes(), 0).is_err(), "{force_g} in the wrong order");
        }
    }
}
