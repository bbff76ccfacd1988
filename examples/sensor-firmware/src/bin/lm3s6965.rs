//! Board that QEMU emulates (`-machine lm3s6965evb`), with the simulated converter at its pins. Its load rises and
//! falls by a kilogram in ten seconds, at 100 counts per gram.
#![no_std]
#![no_main]

use core::cell::Cell;

use cortex_m::Peripherals;
use cortex_m::peripheral::syst::SystClkSource;
use yep_sensor_board::hx711::Hx711;
use yep_sensor_board::sim::Chip;
use yep_sensor_firmware::{Serial, run};

const UART0: usize = 0x4000_c000;
/// Data and flag registers of a PL011, in words from its base.
const DATA: usize = 0;
const FLAGS: usize = 6;
const RECEIVE_EMPTY: u32 = 1 << 4;
const TRANSMIT_FULL: u32 = 1 << 5;
/// A tick of the core's clock after reset, as QEMU has it.
const TICK_NS: u32 = 80;
const LONGEST_TICKS: u32 = 0x00ff_ffff;

const ZERO_COUNTS: i32 = 50_000;
const COUNTS_PER_G: i32 = 100;
/// Half a period of the load.
const RISE_US: u32 = 5_000_000;

struct Line;

fn register(word: usize) -> *mut u32 {
    (UART0 + 4 * word) as *mut u32
}

impl Serial for Line {
    fn read_byte(&mut self) -> Option<u8> {
        // SAFETY: the flag register of this machine's UART, which reading does not change.
        let flags = unsafe { register(FLAGS).read_volatile() };
        // SAFETY: its data register; there is a byte in it.
        (flags & RECEIVE_EMPTY == 0).then(|| unsafe { register(DATA).read_volatile() } as u8)
    }

    fn can_write(&mut self) -> bool {
        // SAFETY: as above.
        unsafe { register(FLAGS).read_volatile() & TRANSMIT_FULL == 0 }
    }

    fn write_byte(&mut self, byte: u8) {
        // SAFETY: the data register of this machine's UART, which has room.
        unsafe { register(DATA).write_volatile(u32::from(byte)) }
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let Some(mut core) = Peripherals::take() else { cortex_m::peripheral::SCB::sys_reset() };
    core.SYST.set_clock_source(SystClkSource::Core);
    core.SYST.set_reload(LONGEST_TICKS);
    core.SYST.clear_current();
    core.SYST.enable_counter();
    // The counter runs down and around; it is looked at far more often than once around.
    let (last, ticks) = (Cell::new(LONGEST_TICKS), Cell::new(0u64));
    let now_us = || {
        let now = cortex_m::peripheral::SYST::get_current();
        ticks.set(ticks.get() + u64::from(last.replace(now).wrapping_sub(now) & LONGEST_TICKS));
        (ticks.get() * u64::from(TICK_NS) / 1_000) as u32
    };
    let chip = Chip::new(0);
    chip.set_noise(20);
    let (data, clock, wait) = chip.pins();
    run(
        Hx711::new(data, clock, wait),
        Line,
        6965,
        now_us,
        |rate_hz| chip.set_rate_hz(rate_hz),
        |now| {
            let phase = now % (2 * RISE_US);
            let up = if phase < RISE_US { phase } else { 2 * RISE_US - phase };
            chip.set_counts(ZERO_COUNTS + COUNTS_PER_G * (up / (RISE_US / 1_000)).cast_signed());
            chip.advance(now);
        },
    )
}
