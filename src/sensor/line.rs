//! The serial device. rppal's `Uart` is the only serial code of the program, and this is the only file that names it.
//!
//! What it does not do is made up for here: a read that found nothing and a read from a device that is gone both come
//! back empty, and differ only in the time that they took.

use std::path::Path;
use std::time::{Duration, Instant};

use rppal::uart::{Parity, Uart};

/// How long a read waits for the first byte; the driver counts in tenths of a second.
const READ_WAITS: Duration = Duration::from_millis(100);
/// A read that comes back empty sooner did not wait.
const WAITED: Duration = Duration::from_millis(50);
/// So many of those in a row, and the device is gone. A signal may end one early.
const GONE_AFTER: u32 = 3;
const DATA_BITS: u8 = 8;
const STOP_BITS: u8 = 1;

/// An open serial device: 8 data bits, no parity, one stop bit, no flow control.
#[derive(Debug)]
pub struct SerialLine {
    uart: Uart,
    hasty: u32,
}

/// What a read came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadResult {
    /// So many bytes.
    Bytes(usize),
    /// Nothing came in time.
    Nothing,
    /// The device is no longer there.
    Gone,
}

impl SerialLine {
    /// Opens the device, and drops what waits in it.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(device: &Path, baud: u32) -> Result<SerialLine, String> {
        let set_up = || {
            let mut uart = Uart::with_path(device, baud, Parity::None, DATA_BITS, STOP_BITS)?;
            // A peer that does not read holds nobody up.
            uart.set_write_mode(false)?;
            uart.set_read_mode(0, READ_WAITS)?;
            Ok(SerialLine { uart, hasty: 0 })
        };
        set_up().map_err(|error: rppal::uart::Error| error.to_string())
    }

    /// Waits for bytes, for a tenth of a second.
    pub fn read(&mut self, buffer: &mut [u8]) -> ReadResult {
        let began = Instant::now();
        match self.uart.read(buffer) {
            Ok(0) if began.elapsed() >= WAITED => {
                self.hasty = 0;
                ReadResult::Nothing
            }
            Ok(0) => {
                self.hasty += 1;
                if self.hasty < GONE_AFTER { ReadResult::Nothing } else { ReadResult::Gone }
            }
            Ok(count) => {
                self.hasty = 0;
                ReadResult::Bytes(count)
            }
            Err(rppal::uart::Error::Io(error)) if error.kind() == std::io::ErrorKind::Interrupted => {
                ReadResult::Nothing
            }
            Err(_) => ReadResult::Gone,
        }
    }

    /// Sends what the device takes at once. What it does not take is lost: everything that is said here is said again
    /// until it is heard.
    pub fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.uart.write(bytes) {
                Ok(count @ 1..) => bytes = &bytes[count..],
                Ok(0) | Err(_) => return,
            }
        }
    }
}
