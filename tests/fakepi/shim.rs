//! Preloaded library that emulates a Raspberry Pi: files that rppal opens are taken from the folder `$FAKEPI_DIR`, and
//! its calls to the kernel's drivers are answered here. rppal itself runs unchanged.
//!
//! tests/support/real/fake_pi.rs builds it, and lays out the folder:
//!
//! - a file of the same path as the real one, such as `dev/gpiomem`: opened instead; a missing file does not exist for
//!   the program
//! - that path with `.errno`: opening it fails with this number
//! - `busy-<pin>`: the kernel reports that another program holds the line
//! - `arduino`: behaviour of the load cell on the I2C bus, read anew with each transfer: a word (`ok`, `swapped`,
//!   `nack`, `slow`) and the weight in grams
//! - `shared`: memory that this library shares with the test, see `gpio`

#[path = "gpio.rs"]
mod gpio;
#[path = "i2c.rs"]
mod i2c;

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_ulong, c_void};
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

unsafe extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
    fn __errno_location() -> *mut c_int;
}

/// Numbers of system calls of x86-64, the only processor whose single steps `gpio` supports.
mod number {
    pub const MMAP: i64 = 9;
    pub const IOCTL: i64 = 16;
    pub const OPENAT: i64 = 257;
    pub const EVENTFD2: i64 = 290;
}

const AT_FDCWD: c_int = -100;
const ENOENT: c_int = 2;
const EBUSY: c_int = 16;

/// Paths that are answered here instead of by the kernel.
const FAKED: [&str; 6] = [
    "/proc/cpuinfo",
    "/sys/firmware/devicetree/base/",
    "/dev/gpiomem",
    "/dev/mem",
    "/dev/gpiochip",
    "/dev/i2c-",
];

/// Kind of a file descriptor.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Other,
    Registers,
    Chip,
    Bus,
}

static KINDS: [AtomicU8; 4096] = [const { AtomicU8::new(0) }; 4096];

fn kind(fd: c_int) -> Kind {
    match KINDS.get(fd as usize).map_or(0, |kind| kind.load(Relaxed)) {
        1 => Kind::Registers,
        2 => Kind::Chip,
        3 => Kind::Bus,
        _ => Kind::Other,
    }
}

fn folder() -> Option<&'static PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(|| std::env::var_os("FAKEPI_DIR").map(PathBuf::from)).as_ref()
}

fn fail(errno: c_int) -> c_int {
    unsafe { *__errno_location() = errno };
    -1
}

unsafe fn open_anything(path: *const c_char, flags: c_int, mode: c_int) -> c_int {
    let wanted = unsafe { CStr::from_ptr(path) }.to_str().unwrap_or("");
    let open = |path: *const c_char| unsafe { syscall(number::OPENAT, AT_FDCWD, path, flags, mode) } as c_int;
    let (opened, kind) = match folder() {
        Some(folder) if FAKED.iter().any(|faked| wanted.starts_with(faked)) => {
            let instead = folder.join(&wanted[1..]);
            let refused = fs::read_to_string(format!("{}.errno", instead.display()));
            if let Some(errno) = refused.ok().and_then(|text| text.trim().parse().ok()) {
                return fail(errno);
            }
            let Ok(name) = CString::new(instead.into_os_string().into_encoded_bytes()) else {
                return fail(ENOENT);
            };
            let kind = match wanted {
                "/dev/gpiomem" => Kind::Registers,
                _ if wanted.starts_with("/dev/gpiochip") => Kind::Chip,
                _ if wanted.starts_with("/dev/i2c-") => Kind::Bus,
                _ => Kind::Other,
            };
            (open(name.as_ptr()), kind)
        }
        _ => (open(path), Kind::Other),
    };
    if let Some(slot) = KINDS.get(opened as usize) {
        slot.store(kind as u8, Relaxed);
    }
    opened
}

/// # Safety
/// As open(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: c_int) -> c_int {
    unsafe { open_anything(path, flags, mode) }
}

/// # Safety
/// As open(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: c_int) -> c_int {
    unsafe { open_anything(path, flags, mode) }
}

/// # Safety
/// As mmap(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap64(
    at: *mut c_void,
    length: usize,
    protection: c_int,
    flags: c_int,
    fd: c_int,
    offset: i64,
) -> *mut c_void {
    if kind(fd) == Kind::Registers {
        return unsafe { gpio::map(fd) };
    }
    unsafe { syscall(number::MMAP, at, length, protection, flags, fd, offset) as *mut c_void }
}

/// # Safety
/// As mmap(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap(
    at: *mut c_void,
    length: usize,
    protection: c_int,
    flags: c_int,
    fd: c_int,
    offset: i64,
) -> *mut c_void {
    unsafe { mmap64(at, length, protection, flags, fd, offset) }
}

/// # Safety
/// As ioctl(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ioctl(fd: c_int, request: c_ulong, argument: *mut u8) -> c_int {
    match (kind(fd), request & 0xffff) {
        // GPIO_GET_CHIPINFO: name, label, number of lines.
        (Kind::Chip, 0xb401) => {
            let label = b"pinctrl-bcm2711\0";
            unsafe {
                std::ptr::copy_nonoverlapping(label.as_ptr(), argument.add(32), label.len());
                argument.add(64).cast::<u32>().write_unaligned(58);
            }
            0
        }
        // GPIO_V2_GET_LINE: the first number of the request is the line, the last one is the answer.
        (Kind::Chip, 0xb407) => {
            let line = unsafe { argument.cast::<u32>().read_unaligned() };
            if folder().is_some_and(|folder| folder.join(format!("busy-{line}")).exists()) {
                return fail(EBUSY);
            }
            let size = (request >> 16 & 0x3fff) as usize;
            let events = unsafe { syscall(number::EVENTFD2, 0, 0) } as c_int;
            unsafe { argument.add(size - 4).cast::<c_int>().write_unaligned(events) };
            0
        }
        (Kind::Bus, request) => unsafe { i2c::ioctl(request, argument) },
        _ => unsafe { syscall(number::IOCTL, fd, request, argument) as c_int },
    }
}
