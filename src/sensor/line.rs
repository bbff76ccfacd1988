//! Serial device, on rppal's `Uart`; no other file of the program names that.
//!
//! rppal does not tell a read that timed out from a read of an unplugged device: both return no bytes. They differ in
//! the time that they took, which is measured here.

use std::path::Path;
use std::time::{Duration, Instant};

use rppal::uart::{Parity, Uart};

/// Read timeout for the first byte; the kernel's driver counts in tenths of a second.
const READ_WAITS: Duration = Duration::from_millis(100);
/// An empty read that returns sooner than this did not wait.
const WAITED: Duration = Duration::from_millis(50);
/// This many such reads in a row mean that the device was unplugged. A signal may end one read early.
const GONE_AFTER: u32 = 3;
const DATA_BITS: u8 = 8;
const STOP_BITS: u8 = 1;

/// An open serial device: 8 data bits, no parity, one stop bit, no flow control.
#[derive(Debug)]
pub struct SerialLine {
    uart: Uart,
    hasty: u32,
}

/// Result of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadResult {
    /// The number of bytes.
    Bytes(usize),
    /// The read timed out.
    Nothing,
    /// The device was unplugged.
    Gone,
}

impl SerialLine {
    /// Opens the device, and discards bytes that were received before.
    ///
    /// # Errors
    /// The system's message.
    pub fn open(device: &Path, baud: u32) -> Result<SerialLine, String> {
        let set_up = || {
            let mut uart = Uart::with_path(device, baud, Parity::None, DATA_BITS, STOP_BITS)?;
            // Writing must not block on a peer that does not read.
            uart.set_write_mode(false)?;
            uart.set_read_mode(0, READ_WAITS)?;
            Ok(SerialLine { uart, hasty: 0 })
        };
        set_up().map_err(|error: rppal::uart::Error| error.to_string())
    }

    /// Reads into `buffer`; waits at most a tenth of a second for the first byte.
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

    /// Writes without waiting. Bytes that the device does not take are lost; [`protocol`](super::protocol) repeats
    /// every order until it is confirmed.
    pub fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.uart.write(bytes) {
                Ok(count @ 1..) => bytes = &bytes[count..],
                Ok(0) | Err(_) => return,
            }
        }
    }
}
