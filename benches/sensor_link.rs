//! Force sensor link: cost of a frame, and the share of a core that its threads take.
//!
//! - `frame`: a sample made into a frame, as the board does it
//! - `deframe`: a frame taken apart, checked and read as a message
//! - `hear`: the whole way from a frame to the newest sample of the control cycle; `frames_a_core` is its inverse
//! - `log_line`: a frame of the board's log made into text, without writing it
//! - `cpu_N`: the threads on a pseudo-terminal that carries N frames a second, each a new sample; `cpu_N_log` with
//!   80 frames of the log a second on top of them

#[path = "../examples/sensor-host/src/stand.rs"]
#[allow(dead_code)]
mod stand;
mod support;

use std::fs;
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use stand::Pty;
use support::{Samples, counts, print_figure};
use yep::hal::{MonotonicClock, NewestForce, newest_force};
use yep::sensor::firmware::Firmware;
use yep::sensor::line::{ReadResult, SerialLine};
use yep::sensor::logs::LogSink;
use yep::sensor::report::LogReport;
use yep::sensor::{
    BoardListener, SampleLimits, SampleValidator, Scale, SensorReport, UartOptions, UartSensor,
};
use yep::units::{MILLISECOND_NS, Nanos};
use yep_sensor_board::frame::{self, Channel, Deframer, SensorFrame};
use yep_sensor_board::message::{self, ForceReading, FromBoard, Hello, PROTOCOL, Reading, SCHEMA, Setup};

const BAUD: u32 = 115_200;
const RATE_HZ: u16 = 80;
const RULES: SampleLimits = SampleLimits { range_g: 50_000.0, fastest_g_per_s: 1e6, invert: false };
const ZERO: i32 = 81_234;
const PER_G: f32 = 400.0;

/// Number of frames after which the board restarts.
const ROUND: usize = 20_000;
const FRAMES_PER_S: [u32; 2] = [100, 320];
const LOG_FRAMES_PER_S: u32 = 80;
const WATCHED: Duration = Duration::from_secs(10);
/// Number of log frames recorded from the board of examples/sensor-host.
const LOG_FRAMES: usize = 200;

fn main() {
    if let Some((name, count)) = counts::requested() {
        let unit = units(recorded_log().as_ref()).into_iter().find(|unit| unit.name == name);
        (unit.expect("a unit of this name").run)(count);
        return;
    }
    if !support::is_bench_run() {
        return;
    }
    record_log();
    let log = recorded_log();
    for Unit { name, per, batch, mut run } in units(log.as_ref()) {
        let samples = Samples::of(100, batch, &mut run);
        samples.print(&format!("sensor_link.{name}"), &format!("ns/{per}"));
        if name == "hear" {
            samples.map(|ns| 1e9 / ns).print("sensor_link.frames_a_core", "frames/s");
        }
    }
    if counts::is_available() {
        for Unit { name, per, .. } in units(log.as_ref()) {
            counts::print_per_unit(&format!("sensor_link.{name}"), per, name, (20_000, 120_000), 1.0);
        }
    }
    // Lines are formatted as in use, and dropped.
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::sink).init();
    for frames_per_s in FRAMES_PER_S {
        share(frames_per_s, None);
        if let Some(log) = &log {
            share(frames_per_s, Some(log));
        }
    }
}

struct Unit {
    name: &'static str,
    per: &'static str,
    batch: u64,
    run: Box<dyn FnMut(u64)>,
}

fn units(log: Option<&Log>) -> Vec<Unit> {
    let unit = |name, per, batch, run| Unit { name, per, batch, run };
    let mut units = vec![
        unit("frame", "frame", 5_000, framing()),
        unit("deframe", "frame", 5_000, deframing()),
        unit("hear", "frame", 5_000, hearing()),
    ];
    units.extend(log.map(|log| unit("log_line", "line", 2_000, reading(log))));
    units
}

/// The first messages of the board, and then samples of forces that never repeat.
fn board_message(number: u32, period_us: u32) -> FromBoard {
    match number {
        0 => FromBoard::Hello(Hello {
            protocol: PROTOCOL,
            schema: SCHEMA,
            firmware: [0; 3],
            serial: 1,
            garbled: 0,
        }),
        1 => FromBoard::Setup(Setup { zero_counts: Some(ZERO), counts_per_g: Some(PER_G), rate_hz: RATE_HZ }),
        _ => {
            let counts = ZERO + (number % 4_000) as i32 * 37;
            let taken_us = number * period_us;
            let reading = Reading::Force((counts - ZERO) as f32 / PER_G);
            FromBoard::Sample(ForceReading { number, taken_us, sent_us: taken_us + 300, counts, reading })
        }
    }
}

fn frame_of(number: u32, period_us: u32) -> SensorFrame {
    frame::message(&board_message(number, period_us)).expect("it fits")
}

fn round() -> Vec<SensorFrame> {
    (0..ROUND as u32).map(|number| frame_of(number, 3_125)).collect()
}

fn framing() -> Box<dyn FnMut(u64)> {
    let messages: Vec<FromBoard> = (0..ROUND as u32).map(|number| board_message(number, 3_125)).collect();
    let mut messages = (0..ROUND).cycle().map(move |i| messages[i]);
    Box::new(move |count| {
        for message in messages.by_ref().take(count as usize) {
            black_box(frame::message(black_box(&message)));
        }
    })
}

fn deframing() -> Box<dyn FnMut(u64)> {
    let frames = round();
    let (mut deframer, mut next) = (Deframer::new(), 0);
    Box::new(move |count| {
        for _ in 0..count {
            deframer.feed(black_box(&frames[next % ROUND]), |_, payload| {
                black_box(message::read::<FromBoard>(payload));
            });
            next += 1;
        }
    })
}

fn listener(report: &SensorReport) -> (BoardListener, NewestForce) {
    let (feed, cell) = newest_force();
    let scale = Scale { zero: Some(f64::from(ZERO)), per_g: Some(f64::from(PER_G)) };
    let validator = SampleValidator::new(RULES, feed, report.clone());
    (
        BoardListener::new(
            RATE_HZ,
            scale,
            validator,
            report.clone(),
            LogSink::without_firmware(report.clone()),
        ),
        cell,
    )
}

fn hearing() -> Box<dyn FnMut(u64)> {
    let (frames, report) = (round(), SensorReport::default());
    let (mut listener, cell) = listener(&report);
    let (mut next, mut now): (usize, Nanos) = (0, 0);
    Box::new(move |count| {
        for _ in 0..count {
            now += 3 * MILLISECOND_NS + 125_000;
            listener.receive(black_box(&frames[next % ROUND]), now);
            next += 1;
        }
        black_box(&cell);
        // All messages behind the first ones are samples, and none of them is lost.
        let (state, rounds) = (report.state(), next.div_ceil(ROUND));
        assert_eq!(state.samples as usize, next - 2 * rounds, "{:?}", *state);
    })
}

/// The log of a board.
struct Log {
    firmware: PathBuf,
    frames: Vec<Vec<u8>>,
}

fn reading(log: &Log) -> Box<dyn FnMut(u64)> {
    let (firmware, frames) = (Firmware::open(&log.firmware).expect("its file"), log.frames.clone());
    let mut next = 0;
    Box::new(move |count| {
        for _ in 0..count {
            black_box(firmware.read(black_box(&frames[next % frames.len()])).expect("a line"));
            next += 1;
        }
    })
}

/// File with log frames for the processes whose instructions are counted.
fn record() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("sensor_link.log")
}

fn host_program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/sensor-host/release/yep-sensor-host")
}

/// Builds the board of examples/sensor-host, which has a real log, and records its output.
fn record_log() {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--target-dir"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("target/sensor-host"))
        // Its own configuration for cargo is in its folder.
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sensor-host"))
        .status();
    let _ = fs::remove_file(record());
    if !built.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: examples/sensor-host does not build, its log is not measured");
        return;
    }
    let folder = support::server::folder();
    let device = folder.path().join("board");
    let mut board = Command::new(host_program())
        .arg("--link")
        .arg(&device)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the board starts");
    writeln!(board.stdin.as_mut().expect("a pipe"), "chatter").expect("it listens");
    let begin = Instant::now();
    let mut line = loop {
        match SerialLine::open(&device, BAUD) {
            Ok(line) => break line,
            Err(error) => assert!(begin.elapsed() < Duration::from_secs(20), "{error}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let (mut deframer, mut frames, mut buffer) = (Deframer::new(), Vec::new(), [0; 4_096]);
    while frames.len() < LOG_FRAMES {
        assert!(begin.elapsed() < Duration::from_secs(60), "the board does not say enough");
        if let ReadResult::Bytes(count) = line.read(&mut buffer) {
            deframer.feed(&buffer[..count], |channel, payload| {
                if channel == Channel::Log {
                    frames.push(payload.to_vec());
                }
            });
        }
    }
    let _ = board.kill();
    let _ = board.wait();
    fs::write(record(), serde_json::to_vec(&frames).expect("bytes")).expect("the record");
}

fn recorded_log() -> Option<Log> {
    let frames = serde_json::from_slice(&fs::read(record()).ok()?).ok()?;
    Some(Log { firmware: host_program(), frames })
}

/// Measures the share of a core of the receiving threads at `frames_per_s`.
fn share(frames_per_s: u32, log: Option<&Log>) {
    let mut pty = Pty::open().expect("a pseudo-terminal");
    let (feed, cell) = newest_force();
    let options = UartOptions { device: pty.device.clone(), baud: BAUD, rate_hz: RATE_HZ, rules: RULES };
    let scale = Scale { zero: Some(f64::from(ZERO)), per_g: Some(f64::from(PER_G)) };
    let sensor = UartSensor::start(options, scale, MonotonicClock::new(), feed, |report| match log {
        Some(log) => LogSink::with_firmware(&log.firmware, report),
        None => Ok(LogSink::without_firmware(report)),
    })
    .expect("a thread");
    std::thread::sleep(Duration::from_millis(300));

    let period = Duration::from_secs(1) / frames_per_s;
    let begin = Instant::now();
    let (mut number, mut logged) = (0, 0);
    let mut write_for = |time: Duration| {
        let until = begin.elapsed() + time;
        while begin.elapsed() < until {
            let at = period * number;
            std::thread::sleep(at.saturating_sub(begin.elapsed()));
            pty.write(&frame_of(number, period.as_micros() as u32));
            number += 1;
            // As many log frames as are due by now.
            while let Some(log) = log
                && at >= Duration::from_secs(1) / LOG_FRAMES_PER_S * logged
            {
                let text = &log.frames[logged as usize % log.frames.len()];
                pty.write(&frame::frame(Channel::Log, text).expect("it fits"));
                logged += 1;
            }
            let _ = pty.read();
        }
        number
    };
    // The file of the firmware is read, and the first burst of lines is over.
    let sent_before = write_for(Duration::from_secs(3));
    let measure = || (cpu_ns("sensor"), cpu_ns("sensor-log"), sensor.report().state().clone());
    let before = measure();
    let sent = write_for(WATCHED) - sent_before;
    let after = measure();
    drop(cell);

    let percent = |from: u64, to: u64| 100.0 * (to - from) as f64 / WATCHED.as_nanos() as f64;
    let (hearing, reading) = (percent(before.0, after.0), percent(before.1, after.1));
    let (before, after) = (before.2, after.2);
    let lines = |logs: &LogReport| logs.said + logs.suppressed;
    let how = format!(
        "over {} s; sensor {hearing:.2}, sensor-log {reading:.2}; {} of {sent} samples came, {} of {} lines were said",
        WATCHED.as_secs(),
        after.samples - before.samples,
        after.logs.said - before.logs.said,
        lines(&after.logs) - lines(&before.logs),
    );
    let name = format!("sensor_link.cpu_{frames_per_s}{}", if log.is_some() { "_log" } else { "" });
    print_figure(&name, hearing + reading, "% of a core", &how);
}

/// Processor time of this process's threads with that name, as the scheduler counts it.
fn cpu_ns(name: &str) -> u64 {
    let threads = fs::read_dir("/proc/self/task").expect("the threads").flatten();
    let of = |folder: PathBuf| -> Option<u64> {
        (fs::read_to_string(folder.join("comm")).ok()?.trim() == name).then_some(())?;
        fs::read_to_string(folder.join("schedstat")).ok()?.split(' ').next()?.parse().ok()
    };
    threads.filter_map(|thread| of(thread.path())).sum()
}
