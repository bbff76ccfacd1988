//! Main loop of the force sensor's board for any chip: [`run`] needs a converter, a serial line and a clock.
//!
//! - [`log`]: the log of the firmware, on the same line
#![no_std]

pub mod log;

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{InputPin, OutputPin};
use heapless::Deque;
use yep_sensor_board::frame::{self, Channel};
use yep_sensor_board::hx711::{Conversion, Hx711};
use yep_sensor_board::{Board, Identity};

/// Capacity of the output queue in bytes: a dozen frames.
const WAITING: usize = 512;

/// A serial line without blocking.
pub trait Serial {
    /// The next received byte, if there is one.
    fn read_byte(&mut self) -> Option<u8>;

    /// True if the line accepts a byte now.
    fn can_write(&mut self) -> bool;

    /// Sends a byte; call it only if `can_write` is true.
    fn write_byte(&mut self, byte: u8);
}

/// The version of this firmware.
pub const VERSION: [u8; 3] = [0, 1, 0];

/// Main loop: converts, receives and sends for ever. `rate` gets the conversion rate in Hz when it changes; `between`
/// is called once per turn, for the needs of the chip.
pub fn run<D: InputPin, C: OutputPin, W: DelayNs>(
    mut converter: Hx711<D, C, W>,
    mut serial: impl Serial,
    serial_number: u64,
    mut now_us: impl FnMut() -> u32,
    mut rate: impl FnMut(u16),
    mut between: impl FnMut(u32),
) -> ! {
    let mut board = Board::new(Identity { firmware: VERSION, serial: serial_number }, now_us());
    let mut waiting = Deque::<u8, WAITING>::new();
    let mut rate_hz = 0;
    defmt::info!("the board is up, version {=[u8]}", VERSION);
    loop {
        let now = now_us();
        log::set_time(now);
        between(now);
        if rate_hz != board.setup().rate_hz {
            rate_hz = board.setup().rate_hz;
            rate(rate_hz);
        }
        match converter.read() {
            Conversion::Waiting => {}
            Conversion::Done(counts) => board.convert(counts, now_us()),
            Conversion::Misread => defmt::warn!("a conversion was disturbed"),
        }
        while let Some(byte) = serial.read_byte() {
            board.receive(&[byte]);
        }
        // Reading a conversion takes time.
        let now = now_us();
        while let Some(next) = board.next_frame(now) {
            send(&mut waiting, &next);
        }
        log::drain(|log| {
            if let Some(next) = frame::frame(Channel::Log, log) {
                send(&mut waiting, &next);
            }
        });
        while serial.can_write() {
            let Some(byte) = waiting.pop_front() else { break };
            serial.write_byte(byte);
        }
    }
}

/// Queues a whole frame or nothing: half a frame would destroy the next one, too.
fn send(waiting: &mut Deque<u8, WAITING>, frame: &[u8]) {
    if waiting.capacity() - waiting.len() >= frame.len() {
        for byte in frame {
            // There is room, as checked above.
            let _ = waiting.push_back(*byte);
        }
    }
}
