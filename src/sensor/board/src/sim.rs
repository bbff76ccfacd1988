//! Simulated HX711 behind its two pins, written from its data sheet and not from the driver.

use core::cell::{Cell, RefCell};
use core::convert::Infallible;

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{ErrorType, InputPin, OutputPin};

/// PD_SCK high for this long is power-down.
const POWER_DOWN_NS: u32 = 60_000;
const BITS: u32 = 24;

/// Simulated converter.
#[derive(Debug)]
pub struct Chip {
    state: RefCell<ChipState>,
    counts: Cell<i32>,
    noise_counts: Cell<u32>,
    period_us: Cell<u32>,
    dead: Cell<bool>,
    stuck_low: Cell<bool>,
}

#[derive(Debug)]
struct ChipState {
    /// Instant of the last conversion.
    converted_us: u32,
    /// The conversion that is ready or being shifted out.
    word: u32,
    /// Clock pulses since the conversion was ready.
    pulses: u32,
    ready: bool,
    clock_high: bool,
    high_ns: u32,
    chance: u32,
}

impl Chip {
    /// The state at power-on, at 80 conversions a second.
    pub fn new(now_us: u32) -> Chip {
        let state = ChipState {
            converted_us: now_us,
            word: 0,
            pulses: 0,
            ready: false,
            clock_high: false,
            high_ns: 0,
            chance: 0x2545_f491,
        };
        Chip {
            state: RefCell::new(state),
            counts: Cell::new(0),
            noise_counts: Cell::new(0),
            period_us: Cell::new(12_500),
            dead: Cell::new(false),
            stuck_low: Cell::new(false),
        }
    }

    /// Sets the bridge's signal in counts; beyond 24 bits the converter saturates.
    pub fn set_counts(&self, counts: i32) {
        self.counts.set(counts);
    }

    /// Sets the amplitude of the noise.
    pub fn set_noise(&self, counts: u32) {
        self.noise_counts.set(counts);
    }

    /// Sets the conversion rate, as the pin RATE does.
    pub fn set_rate_hz(&self, rate_hz: u16) {
        self.period_us.set(1_000_000 / u32::from(rate_hz.max(1)));
    }

    /// Takes the power away: DOUT stays high.
    pub fn set_dead(&self, dead: bool) {
        self.dead.set(dead);
    }

    /// Makes a short circuit of DOUT to ground.
    pub fn set_stuck_low(&self, stuck: bool) {
        self.stuck_low.set(stuck);
    }

    /// Advances the time to `now_us`.
    pub fn advance(&self, now_us: u32) {
        let mut state = self.state.borrow_mut();
        let period_us = self.period_us.get();
        if now_us.wrapping_sub(state.converted_us) < period_us || (state.pulses > 0 && state.ready) {
            return;
        }
        // Conversions stay on a fixed grid of periods, however rarely this is called.
        let whole = now_us.wrapping_sub(state.converted_us) / period_us * period_us;
        state.converted_us = state.converted_us.wrapping_add(whole);
        // A linear congruential generator gives the same noise in each run.
        state.chance = state.chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let span = 2 * self.noise_counts.get() + 1;
        let noise = ((state.chance >> 8) % span).cast_signed() - self.noise_counts.get().cast_signed();
        let counts = self.counts.get().saturating_add(noise);
        state.word = counts.clamp(-0x80_0000, 0x7f_ffff).cast_unsigned();
        (state.pulses, state.ready) = (0, true);
    }

    /// The pins DOUT and PD_SCK, and the delay between edges.
    pub fn pins(&self) -> (Data<'_>, SimClockPin<'_>, Wait<'_>) {
        (Data(self), SimClockPin(self), Wait(self))
    }
}

/// The pin DOUT.
#[derive(Debug)]
pub struct Data<'a>(&'a Chip);

/// The pin PD_SCK.
#[derive(Debug)]
pub struct SimClockPin<'a>(&'a Chip);

/// Delay between edges, which advances the simulated time.
#[derive(Debug)]
pub struct Wait<'a>(&'a Chip);

impl ErrorType for Data<'_> {
    type Error = Infallible;
}

impl ErrorType for SimClockPin<'_> {
    type Error = Infallible;
}

impl InputPin for Data<'_> {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        let state = self.0.state.borrow();
        let bit = match state.pulses {
            0 => !state.ready,
            pulses if pulses <= BITS => state.word >> (BITS - pulses) & 1 == 1,
            _ => true,
        };
        Ok((bit || self.0.dead.get()) && !self.0.stuck_low.get())
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        self.is_high().map(|high| !high)
    }
}

impl OutputPin for SimClockPin<'_> {
    fn set_high(&mut self) -> Result<(), Infallible> {
        let mut state = self.0.state.borrow_mut();
        if !state.clock_high && state.ready {
            state.pulses += 1;
            if state.pulses > BITS {
                state.ready = false;
            }
        }
        (state.clock_high, state.high_ns) = (true, 0);
        Ok(())
    }

    fn set_low(&mut self) -> Result<(), Infallible> {
        let mut state = self.0.state.borrow_mut();
        if state.high_ns >= POWER_DOWN_NS {
            (state.ready, state.pulses) = (false, 0);
        }
        if state.pulses > BITS {
            state.pulses = 0;
        }
        state.clock_high = false;
        Ok(())
    }
}

impl DelayNs for Wait<'_> {
    fn delay_ns(&mut self, ns: u32) {
        let mut state = self.0.state.borrow_mut();
        state.high_ns = state.high_ns.saturating_add(ns);
    }
}
