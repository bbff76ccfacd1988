//! Emulated GPIO registers that record every write.
//!
//! A page of memory only holds the last written value. So the program gets its page read-only: each write faults, is
//! executed alone by a single step of the processor, and is then recorded with its instant, changes the levels as the
//! chip would, and moves a carriage that closes the limit switches. No write is missed, however busy the host is; a
//! write takes some microseconds.
//!
//! The list of writes is in `$FAKEPI_DIR/shared`, which every process of this Pi continues, also after a kill:
//!
//! | at byte | content |
//! |---|---|
//! | 0 | `u64`, number of writes |
//! | 8 | `i64`, position of the carriage in steps toward the front from its start |
//! | 16 | `u64`, non-zero if the carriage closes switches |
//! | 40 | `u64`, id of the process whose next write blocks while the id stands here |
//! | 24, 32 | `i64`, positions at which it closes the back and the front switch |
//! | 64 | the writes: `u64` ns of the system's monotonic clock, `u32` register, `u32` value |

use std::ffi::{c_int, c_void};
use std::fs::File;
use std::mem::{size_of, zeroed};
use std::os::fd::AsRawFd;
use std::ptr::{addr_of, addr_of_mut, null_mut};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, Ordering::SeqCst};

use super::{folder, number, syscall};

const PAGE: usize = 4096;
/// Registers by their number (BCM2711 ARM peripherals, 5.2).
const SET: usize = 7;
const CLEAR: usize = 10;
const LEVEL: usize = 13;

/// The default wiring.
const STEP: u32 = 1 << 23;
const DIR: u32 = 1 << 24;
const FRONT: u32 = 1 << 21;
const BACK: u32 = 1 << 20;

const SHARED: usize = 32 << 20;

const READ: c_int = 1;
const WRITE: c_int = 2;
const MAP_SHARED: c_int = 1;
const SIGTRAP: c_int = 5;
const SIGSEGV: c_int = 11;
const SA_SIGINFO: c_int = 4;
const SA_ONSTACK: c_int = 0x0800_0000;
/// The processor's flag for single steps.
const TRAP_FLAG: u64 = 0x100;
/// Index of the flags in the context of a signal, in words.
const FLAGS_IN_CONTEXT: usize = 5 + 17;

unsafe extern "C" {
    fn mprotect(at: *mut c_void, length: usize, protection: c_int) -> c_int;
    fn sigaction(signal: c_int, new: *const Action, old: *mut Action) -> c_int;
    fn clock_gettime(clock: c_int, time: *mut [i64; 2]) -> c_int;
}

/// glibc's `struct sigaction`.
#[repr(C)]
struct Action {
    handler: usize,
    mask: [u64; 16],
    flags: c_int,
    restorer: usize,
}

/// The registers: the program's read-only mapping, and our writable one.
static SEEN: AtomicPtr<AtomicU32> = AtomicPtr::new(null_mut());
static REGISTERS: AtomicPtr<AtomicU32> = AtomicPtr::new(null_mut());
static LIST: AtomicPtr<u8> = AtomicPtr::new(null_mut());
/// A write is under way, to this register.
static WRITING: AtomicBool = AtomicBool::new(false);
static WRITTEN: AtomicU64 = AtomicU64::new(0);
/// Level that SET and CLEAR gave each pin, whether it is an output or not.
static LATCH: AtomicU32 = AtomicU32::new(0);
static mut BEFORE: Action = Action { handler: 0, mask: [0; 16], flags: 0, restorer: 0 };

/// Maps the registers for the program.
pub unsafe fn map(fd: c_int) -> *mut c_void {
    let map = |length: usize, protection: c_int, fd: c_int| unsafe {
        syscall(number::MMAP, 0usize, length, protection, MAP_SHARED, fd, 0usize) as *mut c_void
    };
    let Some(shared) =
        folder().and_then(|folder| File::options().read(true).write(true).open(folder.join("shared")).ok())
    else {
        return map(PAGE, READ | WRITE, fd);
    };
    LIST.store(map(SHARED, READ | WRITE, shared.as_raw_fd()).cast(), SeqCst);
    REGISTERS.store(map(PAGE, READ | WRITE, fd).cast(), SeqCst);
    let seen = map(PAGE, READ, fd);
    SEEN.store(seen.cast(), SeqCst);
    unsafe {
        let mut action: Action = zeroed();
        action.flags = SA_SIGINFO | SA_ONSTACK;
        action.handler = on_fault as *const () as usize;
        sigaction(SIGSEGV, &action, addr_of_mut!(BEFORE));
        action.handler = on_step as *const () as usize;
        sigaction(SIGTRAP, &action, null_mut());
    }
    seen
}

unsafe extern "C" fn on_fault(_signal: c_int, info: *const usize, context: *mut u64) {
    // `si_addr` is the third word.
    let at = unsafe { *info.add(2) };
    let seen = SEEN.load(SeqCst) as usize;
    if !(seen..seen + PAGE).contains(&at) {
        // Not one of our pages: the fault comes again, to the previous handler.
        unsafe { sigaction(SIGSEGV, addr_of!(BEFORE), null_mut()) };
        return;
    }
    while WRITING.swap(true, SeqCst) {
        std::hint::spin_loop();
    }
    WRITTEN.store(((at - seen) / size_of::<u32>()) as u64, SeqCst);
    unsafe {
        mprotect(seen as *mut c_void, PAGE, READ | WRITE);
        *context.add(FLAGS_IN_CONTEXT) |= TRAP_FLAG;
    }
}

unsafe extern "C" fn on_step(_signal: c_int, _info: *const usize, context: *mut u64) {
    unsafe { *context.add(FLAGS_IN_CONTEXT) &= !TRAP_FLAG };
    unsafe { mprotect(SEEN.load(SeqCst).cast(), PAGE, READ) };
    written(WRITTEN.load(SeqCst) as usize);
    WRITING.store(false, SeqCst);
}

fn register(number: usize) -> &'static AtomicU32 {
    unsafe { &*REGISTERS.load(SeqCst).add(number) }
}

fn word<T>(at_byte: usize) -> &'static T {
    unsafe { &*LIST.load(SeqCst).add(at_byte).cast() }
}

fn written(number: usize) {
    let value = register(number).load(SeqCst);
    let mut now = [0; 2];
    unsafe { clock_gettime(1, &mut now) };
    let index = word::<AtomicU64>(0).load(SeqCst) as usize;
    let at_byte = 64 + index * 16;
    if at_byte + 16 <= SHARED {
        word::<AtomicU64>(at_byte).store(now[0] as u64 * 1_000_000_000 + now[1] as u64, SeqCst);
        word::<AtomicU32>(at_byte + 8).store(number as u32, SeqCst);
        word::<AtomicU32>(at_byte + 12).store(value, SeqCst);
    }
    let before = LATCH.load(SeqCst);
    match number {
        SET => LATCH.store(before | value, SeqCst),
        CLEAR => LATCH.store(before & !value, SeqCst),
        _ => {}
    }
    let latch = LATCH.load(SeqCst);
    let outputs = (0..28).filter(|pin| register(pin / 10).load(SeqCst) >> (pin % 10 * 3) & 7 == 1);
    let outputs: u32 = outputs.map(|pin| 1 << pin).sum();
    let level = register(LEVEL);
    level.fetch_and(!outputs | latch, SeqCst);
    level.fetch_or(outputs & latch, SeqCst);
    if latch & !before & STEP != 0 {
        let position = word::<AtomicI64>(8);
        position.fetch_add(if latch & DIR != 0 { 1 } else { -1 }, SeqCst);
    }
    if word::<AtomicU64>(16).load(SeqCst) != 0 {
        let position = word::<AtomicI64>(8).load(SeqCst);
        for (pin, pressed) in [
            (BACK, position <= word::<AtomicI64>(24).load(SeqCst)),
            (FRONT, position >= word::<AtomicI64>(32).load(SeqCst)),
        ] {
            if pressed {
                level.fetch_and(!pin, SeqCst);
            } else {
                level.fetch_or(pin, SeqCst);
            }
        }
    }
    // The count is written last, so a reader that sees it sees its write.
    word::<AtomicU64>(0).store(index as u64 + 1, SeqCst);
    while word::<AtomicU64>(40).load(SeqCst) == u64::from(std::process::id()) {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}
