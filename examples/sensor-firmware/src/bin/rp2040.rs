//! Board with an RP2040: UART0 on GP0 (to the Pi's RX) and GP1 (from its TX), the HX711's DOUT on GP2, PD_SCK on GP3,
//! its RATE on GP4 where that is wired, 115 200 bit/s. There is no interrupt here, so PD_SCK never stays high for long.
#![no_std]
#![no_main]

use embedded_hal::digital::{OutputPin, PinState};
use rp2040_hal::Clock;
use rp2040_hal::clocks::init_clocks_and_plls;
use rp2040_hal::fugit::RateExtU32;
use rp2040_hal::gpio::Pins;
use rp2040_hal::pac::Peripherals;
use rp2040_hal::uart::{DataBits, StopBits, UartConfig, UartPeripheral};
use rp2040_hal::{Sio, Timer, Watchdog};
use yep_sensor_board::hx711::Hx711;
use yep_sensor_firmware::{Serial, run};

/// The second boot loader, which starts the flash chip of a Pico.
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT2: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

const CRYSTAL_HZ: u32 = 12_000_000;
const BAUD: u32 = 115_200;
/// A board that hangs is reset.
const WATCHDOG_MS: u32 = 500;

struct Line<D: rp2040_hal::uart::UartDevice, P: rp2040_hal::uart::ValidUartPinout<D>>(
    UartPeripheral<rp2040_hal::uart::Enabled, D, P>,
);

impl<D: rp2040_hal::uart::UartDevice, P: rp2040_hal::uart::ValidUartPinout<D>> Serial for Line<D, P> {
    fn read_byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        // Noise on the line is what the frames' checksum is for.
        matches!(self.0.read_raw(&mut byte), Ok(1)).then_some(byte[0])
    }

    fn can_write(&mut self) -> bool {
        self.0.uart_is_writable()
    }

    fn write_byte(&mut self, byte: u8) {
        let _ = self.0.write_raw(&[byte]);
    }
}

#[rp2040_hal::entry]
fn main() -> ! {
    let Some(mut chip) = Peripherals::take() else { cortex_m::peripheral::SCB::sys_reset() };
    let mut watchdog = Watchdog::new(chip.WATCHDOG);
    let clocks = init_clocks_and_plls(
        CRYSTAL_HZ,
        chip.XOSC,
        chip.CLOCKS,
        chip.PLL_SYS,
        chip.PLL_USB,
        &mut chip.RESETS,
        &mut watchdog,
    );
    // A board whose clock does not start is reset.
    let Ok(clocks) = clocks else { cortex_m::peripheral::SCB::sys_reset() };
    let timer = Timer::new(chip.TIMER, &mut chip.RESETS, &clocks);
    let sio = Sio::new(chip.SIO);
    let pins = Pins::new(chip.IO_BANK0, chip.PADS_BANK0, sio.gpio_bank0, &mut chip.RESETS);
    let line = (pins.gpio0.into_function(), pins.gpio1.into_function());
    let config = UartConfig::new(BAUD.Hz(), DataBits::Eight, None, StopBits::One);
    let uart = UartPeripheral::new(chip.UART0, line, &mut chip.RESETS)
        .enable(config, clocks.peripheral_clock.freq());
    // The rate is one that this clock can make.
    let Ok(uart) = uart else { cortex_m::peripheral::SCB::sys_reset() };
    let converter = Hx711::new(pins.gpio2.into_pull_up_input(), pins.gpio3.into_push_pull_output(), timer);
    let mut rate = pins.gpio4.into_push_pull_output();
    watchdog.start(rp2040_hal::fugit::MillisDurationU32::from_ticks(WATCHDOG_MS).convert());
    run(
        converter,
        Line(uart),
        0,
        || timer.get_counter_low(),
        |rate_hz| {
            let _ = rate.set_state(PinState::from(rate_hz > 40));
        },
        |_| watchdog.feed(),
    )
}
