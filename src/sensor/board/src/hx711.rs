//! The HX711, a 24-bit converter for load cells, over any two pins.
//!
//! Data sheet (Avia Semiconductor): DOUT falls when a conversion is ready. Each rising edge of PD_SCK shifts out one
//! bit, the highest first; the 25th pulse chooses channel A with gain 128 for the next conversion, and lets DOUT rise
//! again. PD_SCK must not stay high for 60 µs, or the converter switches itself off: on a chip with long interrupts
//! the firmware reads inside a critical section.

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{InputPin, OutputPin};

/// The highest conversion result; the converter gives it for everything above, too.
pub const MAX_COUNTS: i32 = 0x7f_ffff;
/// The lowest one.
pub const MIN_COUNTS: i32 = -0x80_0000;

/// Conversions a second that the pin RATE chooses from, with the usual clock inside.
pub const RATES_HZ: [u16; 2] = [10, 80];

const BITS: u32 = 24;
/// Both halves of a clock pulse; at least 0.2 µs, and data are there 0.1 µs after the edge.
const HALF_PULSE_US: u32 = 1;

/// What a look at the converter came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversion {
    /// The next one is not ready.
    Waiting,
    /// A new one, between [`MIN_COUNTS`] and [`MAX_COUNTS`].
    Done(i32),
    /// The converter or a pin did not behave: nothing can be said.
    Misread,
}

/// The converter behind its two pins.
#[derive(Debug)]
pub struct Hx711<D, C, W> {
    data: D,
    clock: C,
    delay: W,
}

impl<D: InputPin, C: OutputPin, W: DelayNs> Hx711<D, C, W> {
    /// On these pins: DOUT, PD_SCK.
    pub fn new(data: D, clock: C, delay: W) -> Hx711<D, C, W> {
        Hx711 { data, clock, delay }
    }

    /// Reads the conversion that is ready, if one is; takes about 50 µs then, and nothing otherwise.
    pub fn look(&mut self) -> Conversion {
        match self.data.is_high() {
            Ok(true) => Conversion::Waiting,
            Ok(false) => self.shift_out().map_or(Conversion::Misread, Conversion::Done),
            Err(_) => Conversion::Misread,
        }
    }

    fn shift_out(&mut self) -> Option<i32> {
        let mut word = 0u32;
        for _ in 0..BITS {
            word = word << 1 | u32::from(self.pulse()?);
        }
        // Now channel and gain of the next one; then the converter is busy again, unless it was disturbed.
        self.pulse()?;
        let busy = self.data.is_high().ok()?;
        // The sign is the highest of the 24 bits.
        busy.then_some((word << (32 - BITS)).cast_signed() >> (32 - BITS))
    }

    /// One clock pulse; the bit that it shifted out.
    fn pulse(&mut self) -> Option<bool> {
        self.clock.set_high().ok()?;
        self.delay.delay_us(HALF_PULSE_US);
        let bit = self.data.is_high().ok();
        // Whatever happened, never leave it high.
        self.clock.set_low().ok()?;
        self.delay.delay_us(HALF_PULSE_US);
        bit
    }
}

/// Whether a result is at an end of the converter's range, and so may stand for anything beyond it.
#[must_use]
pub const fn saturated(counts: i32) -> bool {
    counts <= MIN_COUNTS || counts >= MAX_COUNTS
}

/// The rate that the converter has nearest to the wanted one.
#[must_use]
pub fn nearest_rate_hz(wanted_hz: u16) -> u16 {
    RATES_HZ.into_iter().min_by_key(|rate| rate.abs_diff(wanted_hz)).unwrap_or(RATES_HZ[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Chip;

    #[test]
    fn every_kind_of_result_is_read_as_it_was_converted() {
        let chip = Chip::new(0);
        let (data, clock, delay) = chip.pins();
        let mut converter = Hx711::new(data, clock, delay);
        for (index, counts) in
            [0, 1, -1, 8_388_606, MAX_COUNTS, MIN_COUNTS, 0x55_5555, -0x55_5556].into_iter().enumerate()
        {
            assert_eq!(converter.look(), Conversion::Waiting, "before {counts}");
            chip.set_counts(counts);
            chip.advance((index as u32 + 1) * 12_500);
            assert_eq!(converter.look(), Conversion::Done(counts));
        }
    }

    #[test]
    fn a_disturbed_converter_is_not_believed() {
        let chip = Chip::new(0);
        let (data, clock, delay) = chip.pins();
        let mut converter = Hx711::new(data, clock, delay);
        chip.set_stuck_low(true);
        assert_eq!(converter.look(), Conversion::Misread);
        chip.set_stuck_low(false);
        chip.set_dead(true);
        chip.advance(1_000_000);
        assert_eq!(converter.look(), Conversion::Waiting);
    }

    #[test]
    fn the_rate_is_one_that_the_converter_has() {
        for (wanted, rate) in [(0, 10), (10, 10), (44, 10), (46, 80), (80, 80), (u16::MAX, 80)] {
            assert_eq!(nearest_rate_hz(wanted), rate);
        }
        assert!(saturated(MAX_COUNTS) && saturated(MIN_COUNTS) && !saturated(0));
    }
}
