//! defmt log of the board on a host: whole frames, collected for the line.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// The board's clock, for the log.
pub static NOW_US: AtomicU32 = AtomicU32::new(0);

static TAKEN: AtomicBool = AtomicBool::new(false);
static FRAME: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static FRAMES: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

#[defmt::global_logger]
struct Log;

// SAFETY: acquire waits until no other thread is between it and release, so no two frames mix.
unsafe impl defmt::Logger for Log {
    fn acquire() {
        while TAKEN.swap(true, Ordering::Acquire) {
            std::hint::spin_loop();
        }
    }

    unsafe fn flush() {}

    unsafe fn release() {
        let frame = std::mem::take(&mut *FRAME.lock().expect("no holder of it panics"));
        FRAMES.lock().expect("no holder of it panics").push(frame);
        TAKEN.store(false, Ordering::Release);
    }

    unsafe fn write(bytes: &[u8]) {
        FRAME.lock().expect("no holder of it panics").extend_from_slice(bytes);
    }
}

defmt::timestamp!("{=u32:us}", NOW_US.load(Ordering::Relaxed));

/// Takes the frames since the last call.
pub fn take() -> Vec<Vec<u8>> {
    std::mem::take(&mut *FRAMES.lock().expect("no holder of it panics"))
}
