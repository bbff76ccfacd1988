//! Emulated Raspberry Pi 4 for the real binary. The binary, and rppal in it, are the real ones; a preloaded library
//! (tests/fakepi/) answers for the kernel's drivers, and lists every write to the registers of the pins.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap};
use tempfile::TempDir;

use super::Home;

/// Registers by their number (BCM2711 ARM peripherals, 5.2).
const SET: u32 = 7;
const CLEAR: u32 = 10;
const LEVEL: usize = 13;
const PULL: usize = 57;
const PAGE: usize = 4096;
/// Pins of the header.
const PINS: u8 = 28;

/// The pins of the default wiring.
pub const STEP: u8 = 23;
pub const DIR: u8 = 24;
pub const FRONT: u8 = 21;
pub const BACK: u8 = 20;

/// The preloaded library, built once for all tests of a file.
static SHIM: LazyLock<PathBuf> = LazyLock::new(|| {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fakepi/shim.rs");
    let shim = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libfakepi.so");
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
    rustc.args(["--edition", "2024", "--crate-type", "cdylib", "--crate-name", "fakepi", "-O", "-o"]);
    let built = rustc.arg(&shim).arg(&source).output().expect("rustc can be run");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    shim
});

/// An action of the program on a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinAction {
    /// Driven high, or high once it is an output.
    High,
    /// The same with low.
    Low,
    /// Made an output.
    Output,
    /// Made an input, or something else than an output.
    Released,
}

/// A change of a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// On the system's monotonic clock.
    pub at_ns: u64,
    pub pin: u8,
    pub done: PinAction,
}

/// Positions at which the carriage closes the switches on their default pins, in steps from its position at power-on.
#[derive(Debug, Clone, Copy)]
pub struct Rail {
    pub back: i64,
    pub front: i64,
}

/// An emulated Pi.
pub struct FakePi {
    folder: TempDir,
    registers: &'static [AtomicU32],
    shared: File,
}

impl FakePi {
    /// A Pi at power-on: every pin an input, nothing pressed, the e-stop loop closed.
    pub fn new() -> FakePi {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("proc/cpuinfo", "Hardware\t: BCM2711\nRevision\t: c03114\n");
        put("dev/gpiochip0", "");
        put("dev/i2c-1", "");
        put("arduino", "ok 0");
        put("dev/gpiomem", &"\0".repeat(PAGE));
        put("shared", "");
        let open =
            |path: &str| fs::File::options().read(true).write(true).open(folder.path().join(path)).unwrap();
        let shared = open("shared");
        shared.set_len(32 << 20).unwrap();
        let (page, protection) = (open("dev/gpiomem"), ProtFlags::READ | ProtFlags::WRITE);
        // SAFETY: a new mapping that is never unmapped; both sides use single words of it only.
        #[allow(unsafe_code)]
        let registers = unsafe {
            let page = mmap(std::ptr::null_mut(), PAGE, protection, MapFlags::SHARED, &page, 0).unwrap();
            std::slice::from_raw_parts(page.cast::<AtomicU32>(), PAGE / 4)
        };
        let pi = FakePi { folder, registers, shared };
        // The levels of pull-ups and wiring; e-stop is closed to ground.
        for pulled_up in [FRONT, BACK, 26] {
            pi.set_level(pulled_up, true);
        }
        pi
    }

    /// A home for a server on this Pi, which takes the real-time features that the host has, with these sections in its
    /// configuration.
    pub fn home(&self, config: &str) -> Home {
        // Its wiring is the test's, and was tried by hand.
        self.new_home(&format!("commissioned = 'by_hand'\n[realtime]\nrequire = 'never'\n{config}"))
    }

    /// The same before anybody has tried the wiring.
    pub fn new_home(&self, config: &str) -> Home {
        let home = Home::new(&format!("driver = 'gpio'\n{config}"));
        home.with("LD_PRELOAD", SHIM.as_os_str()).with("FAKEPI_DIR", self.folder.path())
    }

    /// Makes opening this file fail with this error.
    pub fn fail_open(&self, path: &str, errno: i32) {
        self.put(&format!("{path}.errno"), &errno.to_string());
    }

    /// Replaces the content of a file of the Pi atomically, as the other side may be reading.
    pub fn put(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let new = self.folder.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, path).unwrap();
    }

    /// Removes a file.
    pub fn remove(&self, path: &str) {
        fs::remove_file(self.folder.path().join(path)).unwrap();
    }

    /// Makes an input high or low.
    pub fn set_level(&self, pin: u8, high: bool) {
        if high {
            self.registers[LEVEL].fetch_or(1 << pin, Ordering::SeqCst);
        } else {
            self.registers[LEVEL].fetch_and(!(1 << pin), Ordering::SeqCst);
        }
    }

    /// True if the pin is high.
    pub fn is_high(&self, pin: u8) -> bool {
        self.registers[LEVEL].load(Ordering::SeqCst) >> pin & 1 == 1
    }

    /// True if the pin is an output.
    pub fn is_output(&self, pin: u8) -> bool {
        self.registers[usize::from(pin) / 10].load(Ordering::SeqCst) >> (pin % 10 * 3) & 7 == 1
    }

    /// True if the pin is an input that is pulled up.
    pub fn is_pulled_up(&self, pin: u8) -> bool {
        let word = self.registers[PULL + usize::from(pin) / 16].load(Ordering::SeqCst);
        !self.is_output(pin) && word >> (pin % 16 * 2) & 3 == 1
    }

    /// Sets the positions at which the carriage closes the switches; `None` for no switches.
    pub fn set_rail(&self, rail: Option<Rail>) {
        if let Some(Rail { back, front }) = rail {
            self.shared.write_all_at(&back.to_ne_bytes(), 24).unwrap();
            self.shared.write_all_at(&front.to_ne_bytes(), 32).unwrap();
        }
        self.shared.write_all_at(&u64::from(rail.is_some()).to_ne_bytes(), 16).unwrap();
    }

    /// Blocks the next write of this process for ever.
    pub fn block_next_write(&self, process: u32) {
        self.shared.write_all_at(&u64::from(process).to_ne_bytes(), 40).unwrap();
    }

    /// Position of the carriage, in steps toward the front from its position at power-on.
    pub fn position(&self) -> i64 {
        i64::from_ne_bytes(self.word(8))
    }

    fn word(&self, at_byte: u64) -> [u8; 8] {
        let mut bytes = [0; 8];
        self.shared.read_exact_at(&mut bytes, at_byte).unwrap();
        bytes
    }

    /// All changes of the pins, in order.
    pub fn changes(&self) -> Vec<Change> {
        let count = u64::from_ne_bytes(self.word(0)) as usize;
        let mut list = vec![0; count * 16];
        self.shared.read_exact_at(&mut list, 64).unwrap();
        let (mut functions, mut changes) = ([0_u32; 3], Vec::new());
        for write in list.chunks_exact(16) {
            let at_ns = u64::from_ne_bytes(write[..8].try_into().unwrap());
            let half = |range: std::ops::Range<usize>| u32::from_ne_bytes(write[range].try_into().unwrap());
            let (register, value) = (half(8..12), half(12..16));
            let mut change = |pin, done| changes.push(Change { at_ns, pin, done });
            let each = |bits: u32| (0..PINS).filter(move |pin| bits >> pin & 1 == 1);
            match register {
                SET => {
                    each(value).for_each(|pin| change(pin, PinAction::High));
                }
                CLEAR => {
                    each(value).for_each(|pin| change(pin, PinAction::Low));
                }
                0..3 => {
                    let is_output = |functions: u32, place: u8| functions >> (place * 3) & 7 == 1;
                    for place in 0..10 {
                        let pin = register as u8 * 10 + place;
                        match (is_output(functions[register as usize], place), is_output(value, place)) {
                            (false, true) => change(pin, PinAction::Output),
                            (true, false) => change(pin, PinAction::Released),
                            _ => {}
                        }
                    }
                    functions[register as usize] = value;
                }
                _ => {}
            }
        }
        changes
    }

    /// Number of this action on a pin.
    pub fn count(&self, pin: u8, done: PinAction) -> usize {
        self.changes().iter().filter(|change| change.pin == pin && change.done == done).count()
    }

    /// Pulses so far.
    pub fn steps(&self) -> usize {
        self.count(STEP, PinAction::High)
    }

    /// Pins that became outputs before they were set low.
    pub fn driven_too_early(&self) -> BTreeSet<u8> {
        let (mut low, mut early) = (BTreeSet::new(), BTreeSet::new());
        for Change { pin, done, .. } in self.changes() {
            match done {
                PinAction::Low => _ = low.insert(pin),
                PinAction::High => _ = low.remove(&pin),
                PinAction::Output if !low.contains(&pin) => _ = early.insert(pin),
                PinAction::Output | PinAction::Released => {}
            }
        }
        early
    }
}
