//! Simulated sensor board: the board's own code with the driver of its converter, a simulated HX711 at its pins, and a
//! pseudo-terminal for its line, with the faults of a line.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use yep_sensor_board::frame::{self, Channel, SensorFrame};
use yep_sensor_board::hx711::{Conversion, Hx711};
use yep_sensor_board::sim::Chip;
use yep_sensor_board::{Board, Identity};

/// A pseudo-terminal: our end, and the device that another program opens.
#[derive(Debug)]
pub struct Pty {
    near: File,
    /// Path of the device.
    pub device: PathBuf,
}

impl Pty {
    /// Opens a pseudo-terminal; it is closed when this is dropped.
    pub fn open() -> std::io::Result<Pty> {
        let near: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&near)?;
        unlockpt(&near)?;
        let device = ptsname(&near, Vec::new())?;
        // Bytes written before the other end opens it must not be echoed.
        let mut terminal = tcgetattr(&near)?;
        terminal.make_raw();
        tcsetattr(&near, OptionalActions::Now, &terminal)?;
        fcntl_setfl(&near, OFlags::NONBLOCK)?;
        Ok(Pty { near: File::from(near), device: PathBuf::from(device.to_string_lossy().into_owned()) })
    }

    /// Bytes that came from the other end.
    pub fn read(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 1_024];
        // The other end is not open, or nothing came.
        let count = self.near.read(&mut bytes).unwrap_or(0);
        bytes.truncate(count);
        bytes
    }

    /// Sends as many bytes as the line accepts; returns their number.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        self.near.write(bytes).unwrap_or(0)
    }
}

/// Controls of the simulated board. Each takes effect within a millisecond.
#[derive(Debug, Default)]
pub struct BoardControls {
    /// Output of the load cell's bridge.
    pub counts: AtomicI32,
    /// Rise of the output per conversion, in counts.
    pub rising: AtomicI32,
    /// Noise of the conversions, in counts.
    pub noise: AtomicU32,
    /// The converter has no power.
    pub dead: AtomicBool,
    /// The board sends nothing.
    pub mute: AtomicBool,
    /// The line carries noise instead of frames.
    pub babbling: AtomicBool,
    /// The board reports another protocol version.
    pub other_version: AtomicBool,
    /// One byte in about this many is wrong; zero: none.
    pub fault_every: AtomicU32,
    /// Power off and on.
    pub restart: AtomicBool,
    /// Ends the stand.
    pub over: AtomicBool,
    /// Frames sent so far.
    pub frames: AtomicU64,
    /// Bytes made wrong so far.
    pub faults: AtomicU64,
    /// Conversions so far.
    pub conversions: AtomicU64,
}

/// Xorshift random numbers, repeatable by seed.
#[derive(Debug, Clone, Copy)]
pub struct Xorshift(u64);

impl Xorshift {
    /// A generator with this seed.
    pub fn new(seed: u64) -> Xorshift {
        Xorshift(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Options of a stand.
#[derive(Debug, Clone, Copy)]
pub struct StandOptions {
    /// Speed of the board relative to real time.
    pub speed: u32,
    /// Seed of the noise on the line.
    pub seed: u64,
}

/// Runs a board on the near end of `pty` until `over` is set. `logged` returns the frames of the board's log.
pub fn run(
    pty: &mut Pty,
    controls: &Arc<BoardControls>,
    options: StandOptions,
    mut logged: impl FnMut() -> Vec<Vec<u8>>,
) {
    let began = Instant::now();
    let mut random = Xorshift::new(options.seed);
    let mut now_us = 0u32;
    let chip = Chip::new(now_us);
    let (data, clock, wait) = chip.pins();
    let mut converter = Hx711::new(data, clock, wait);
    let identity = Identity { firmware: [0, 1, 0], serial: options.seed };
    let mut board = Board::new(identity, now_us);
    let mut counts = 0i32;
    while !controls.over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_micros(500));
        let target_us = (began.elapsed().as_micros() as u64 * u64::from(options.speed)) as u32;
        // The period of the board's loop is half a millisecond of its own time.
        while target_us.wrapping_sub(now_us) >= 500 {
            now_us = now_us.wrapping_add(500);
            if controls.restart.swap(false, Ordering::Relaxed) {
                board = Board::new(identity, now_us);
            }
            chip.set_dead(controls.dead.load(Ordering::Relaxed));
            chip.set_noise(controls.noise.load(Ordering::Relaxed));
            chip.set_rate_hz(board.setup().rate_hz);
            chip.set_counts(controls.counts.load(Ordering::Relaxed).saturating_add(counts));
            chip.advance(now_us);
            if let Conversion::Done(result) = converter.read() {
                board.convert(result, now_us);
                counts = counts.saturating_add(controls.rising.load(Ordering::Relaxed));
                controls.conversions.fetch_add(1, Ordering::Relaxed);
            }
            board.receive(&pty.read());
            let logs = logged().into_iter().filter_map(|log| frame::frame(Channel::Log, &log));
            let frames: Vec<SensorFrame> =
                std::iter::from_fn(|| board.next_frame(now_us)).chain(logs).collect();
            for frame in frames {
                send(pty, &frame, controls, &mut random, options.speed > 1);
            }
        }
    }
}

/// Sends a frame. A board that runs faster than its line is `patient`: it waits until the other end has read.
fn send(pty: &mut Pty, frame: &[u8], controls: &BoardControls, random: &mut Xorshift, patient: bool) {
    if controls.mute.load(Ordering::Relaxed) {
        return;
    }
    let mut bytes = frame.to_vec();
    if controls.babbling.load(Ordering::Relaxed) {
        bytes.iter_mut().for_each(|byte| *byte = (random.next() >> 32) as u8);
    } else if controls.other_version.load(Ordering::Relaxed) {
        // The first field behind the variant of a Hello is its protocol version.
        bytes = frame::frame(Channel::Message, &[0, 99, 1, 2, 3]).map_or(bytes, |frame| frame.to_vec());
    }
    controls.frames.fetch_add(1, Ordering::Relaxed);
    let every = u64::from(controls.fault_every.load(Ordering::Relaxed));
    for byte in &mut bytes {
        if every > 0 && random.next() >> 16 & 0xffff_ffff < 0xffff_ffff / every {
            *byte ^= ((random.next() >> 32) as u8).max(1);
            controls.faults.fetch_add(1, Ordering::Relaxed);
        }
    }
    let mut sent = pty.write(&bytes);
    while patient && sent < bytes.len() && !controls.over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_micros(200));
        sent += pty.write(&bytes[sent..]);
    }
}
