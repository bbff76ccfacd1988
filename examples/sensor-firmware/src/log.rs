//! defmt log on the same line as the samples: whole frames wait here until the loop sends them.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, Ordering};

use heapless::Vec;

/// Capacity of the queue of frames, each behind its length in a byte. A frame that does not fit is lost.
const WAITING: usize = 512;
/// The longest frame.
const LONGEST: usize = 200;

static NOW_US: AtomicU32 = AtomicU32::new(0);

struct Held {
    /// Interrupts are off from acquire to release; this state switches them on again.
    restore: critical_section::RestoreState,
    frame: Vec<u8, LONGEST>,
    too_long: bool,
    waiting: Vec<u8, WAITING>,
}

struct Shared(UnsafeCell<Held>);

// SAFETY: every access is inside a critical section on a chip with one core: between acquire and release, or in drain.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared(UnsafeCell::new(Held {
    restore: critical_section::RestoreState::invalid(),
    frame: Vec::new(),
    too_long: false,
    waiting: Vec::new(),
}));

#[defmt::global_logger]
struct Log;

// SAFETY: acquire begins a critical section and release ends it, so that frames do not mix.
unsafe impl defmt::Logger for Log {
    fn acquire() {
        // SAFETY: release ends it, with this very state.
        let restore = unsafe { critical_section::acquire() };
        // SAFETY: inside the critical section.
        let held = unsafe { &mut *SHARED.0.get() };
        held.restore = restore;
        held.frame.clear();
        held.too_long = false;
    }

    unsafe fn flush() {}

    unsafe fn release() {
        // SAFETY: still inside the critical section of acquire.
        let held = unsafe { &mut *SHARED.0.get() };
        let room = held.waiting.capacity() - held.waiting.len();
        if !held.too_long && room > held.frame.len() {
            // There is room, and a length fits a byte.
            let _ = held.waiting.push(held.frame.len() as u8);
            let _ = held.waiting.extend_from_slice(&held.frame);
        }
        // SAFETY: the state that acquire got.
        unsafe { critical_section::release(held.restore) };
    }

    unsafe fn write(bytes: &[u8]) {
        // SAFETY: inside the critical section of acquire.
        let held = unsafe { &mut *SHARED.0.get() };
        held.too_long |= held.frame.extend_from_slice(bytes).is_err();
    }
}

defmt::timestamp!("{=u32:us}", NOW_US.load(Ordering::Relaxed));

/// Sets the time of the log.
pub fn set_time(now_us: u32) {
    NOW_US.store(now_us, Ordering::Relaxed);
}

/// Passes every queued frame to `send`.
pub fn drain(mut send: impl FnMut(&[u8])) {
    let waiting = critical_section::with(|_| {
        // SAFETY: inside a critical section.
        let held = unsafe { &mut *SHARED.0.get() };
        core::mem::take(&mut held.waiting)
    });
    let mut rest = &waiting[..];
    while let Some((length, behind)) = rest.split_first() {
        let (frame, behind) = behind.split_at(usize::from(*length).min(behind.len()));
        send(frame);
        rest = behind;
    }
}

/// Resets the board after a panic; it introduces itself anew.
#[cfg(target_os = "none")]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    cortex_m::peripheral::SCB::sys_reset()
}
