//! Emulated I2C bus with the Arduino load cell at address 20.
//!
//! Its program prepares a value when a register is named, which takes it a moment, and returns one byte per read.

use std::ffi::{c_int, c_ulong};
use std::fs;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::{fail, folder};

const EREMOTEIO: c_int = 121;
const ADDRESS_OF_ARDUINO: usize = 20;
/// Time that the Arduino takes to prepare a value.
const LAY_OUT: Duration = Duration::from_micros(100);

/// `i2c_smbus_ioctl_data` of linux/i2c-dev.h.
#[repr(C)]
struct Transfer {
    reads: u8,
    command: u8,
    size: u32,
    data: *mut u8,
}

static ADDRESS: Mutex<usize> = Mutex::new(0);

/// The prepared value: its instant, its bytes, and the index of the next byte.
static LAID_OUT: Mutex<Option<(Instant, [u8; 4], usize)>> = Mutex::new(None);

pub unsafe fn ioctl(request: c_ulong, argument: *mut u8) -> c_int {
    match request {
        // I2C_FUNCS: plain transfers and all of SMBus.
        0x0705 => unsafe { argument.cast::<c_ulong>().write_unaligned(0x0eff_0001) },
        // I2C_SLAVE, I2C_SLAVE_FORCE
        0x0703 | 0x0706 => *ADDRESS.lock().unwrap() = argument as usize,
        // I2C_SMBUS
        0x0720 => return unsafe { transfer(&mut *argument.cast()) },
        // I2C_RETRIES, I2C_TIMEOUT, I2C_TENBIT, I2C_PEC
        _ => {}
    }
    0
}

unsafe fn transfer(transfer: &mut Transfer) -> c_int {
    const BYTE: u32 = 1;
    let how = folder().and_then(|folder| fs::read_to_string(folder.join("arduino")).ok()).unwrap_or_default();
    let (word, grams) = how.split_once(' ').unwrap_or((&how, "0"));
    if *ADDRESS.lock().unwrap() != ADDRESS_OF_ARDUINO || word == "nack" || transfer.size != BYTE {
        return fail(EREMOTEIO);
    }
    if word == "slow" {
        std::thread::sleep(Duration::from_millis(30));
    }
    let mut laid_out = LAID_OUT.lock().unwrap();
    if transfer.reads == 0 {
        let grams: f32 = grams.trim().parse().unwrap_or(f32::NAN);
        let bytes = if word == "swapped" { grams.to_be_bytes() } else { grams.to_le_bytes() };
        *laid_out = (transfer.command == 0).then(|| (Instant::now(), bytes, 0));
        return 0;
    }
    // A read that is too early, or one too many, returns the level of an idle bus.
    let byte = match &mut *laid_out {
        Some((since, bytes, next)) if since.elapsed() >= LAY_OUT && *next < bytes.len() => {
            *next += 1;
            bytes[*next - 1]
        }
        _ => 0xff,
    };
    unsafe { *transfer.data = byte };
    0
}
