//! Driver of the HX711, a 24-bit ADC for load cells, over two GPIO pins.
//!
//! Data sheet (Avia Semiconductor): DOUT falls when a conversion is ready. Each rising edge of PD_SCK shifts out one
//! bit, MSB first; the 25th pulse selects channel A with gain 128 for the next conversion, and lets DOUT rise again.
//! The converter powers down when PD_SCK stays high for 60 µs, so on a chip with long interrupts the firmware reads
//! inside a critical section.

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{InputPin, OutputPin};

/// Highest conversion result, also of everything above the range.
pub const MAX_COUNTS: i32 = 0x7f_ffff;
/// Lowest conversion result, also of everything below the range.
pub const MIN_COUNTS: i32 = -0x80_0000;

/// Conversion rates that the pin RATE selects, with the internal clock (1/s).
pub const RATES_HZ: [u16; 2] = [10, 80];

const BITS: u32 = 24;
/// Length of each half of a clock pulse; the data sheet asks for 0.2 µs, and data are valid 0.1 µs after the edge.
const HALF_PULSE_US: u32 = 1;

/// Result of polling the converter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversion {
    /// No conversion is ready.
    Waiting,
    /// A new conversion, between [`MIN_COUNTS`] and [`MAX_COUNTS`].
    Done(i32),
    /// The converter or a pin did not follow the data sheet; the result is not known.
    Misread,
}

/// The converter and its two pins.
#[derive(Debug)]
pub struct Hx711<D, C, W> {
    data: D,
    clock: C,
    delay: W,
}

impl<D: InputPin, C: OutputPin, W: DelayNs> Hx711<D, C, W> {
    /// A converter on the pins DOUT (`data`) and PD_SCK (`clock`).
    pub fn new(data: D, clock: C, delay: W) -> Hx711<D, C, W> {
        Hx711 { data, clock, delay }
    }

    /// Polls the converter; reads a conversion that is ready, which takes about 50 µs.
    pub fn read(&mut self) -> Conversion {
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
        // The 25th pulse selects channel and gain; afterwards DOUT is high, unless the transfer was disturbed.
        self.pulse()?;
        let busy = self.data.is_high().ok()?;
        // Sign extension from 24 bits.
        busy.then_some((word << (32 - BITS)).cast_signed() >> (32 - BITS))
    }

    /// Makes one clock pulse; returns the bit that it shifted out.
    fn pulse(&mut self) -> Option<bool> {
        self.clock.set_high().ok()?;
        self.delay.delay_us(HALF_PULSE_US);
        let bit = self.data.is_high().ok();
        // Set low even after an error: high for 60 µs is power-down.
        self.clock.set_low().ok()?;
        self.delay.delay_us(HALF_PULSE_US);
        bit
    }
}

/// Returns whether a result is at an end of the converter's range, which stands for anything beyond it too.
pub const fn is_saturated(counts: i32) -> bool {
    counts <= MIN_COUNTS || counts >= MAX_COUNTS
}

/// The converter's rate that is nearest to `wanted_hz`.
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
            assert_eq!(converter.read(), Conversion::Waiting, "before {counts}");
            chip.set_counts(counts);
            chip.advance((index as u32 + 1) * 12_500);
            assert_eq!(converter.read(), Conversion::Done(counts));
        }
    }

    #[test]
    fn a_disturbed_converter_is_not_believed() {
        let chip = Chip::new(0);
        let (data, clock, delay) = chip.pins();
        let mut converter = Hx711::new(data, clock, delay);
        chip.set_stuck_low(true);
        assert_eq!(converter.read(), Conversion::Misread);
        chip.set_stuck_low(false);
        chip.set_dead(true);
        chip.advance(1_000_000);
        assert_eq!(converter.read(), Conversion::Waiting);
    }

    #[test]
    fn the_rate_is_one_that_the_converter_has() {
        for (wanted, rate) in [(0, 10), (10, 10), (44, 10), (46, 80), (80, 80), (u16::MAX, 80)] {
            assert_eq!(nearest_rate_hz(wanted), rate);
        }
        assert!(is_saturated(MAX_COUNTS) && is_saturated(MIN_COUNTS) && !is_saturated(0));
    }
}
