//! Sensor link over real pseudo-terminals: rppal's own code at one end, the board's own code with a simulated HX711 at
//! the other, and the faults between them (table in docs/SENSOR.md).

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use yep::hal::{Clock, ForceSensor, MonotonicClock, NewestForce, newest_force};
use yep::sensor::logs::LogSink;
use yep::sensor::report::{LinkState, SensorState};
use yep::sensor::{SampleError, SampleLimits, Scale, UartOptions, UartSensor};

#[path = "../examples/sensor-host/src/stand.rs"]
#[allow(dead_code)]
mod stand;
#[path = "sensor/wall.rs"]
mod wall;

use stand::{BoardControls, Pty, StandOptions};

/// Longest wait before a test counts as failed.
const PATIENCE: Duration = Duration::from_secs(20);
const RULES: SampleLimits = SampleLimits { range_g: 1e6, fastest_g_per_s: 1e12, invert: false };
/// A scale in which counts are grams.
const PLAIN: Scale = Scale { zero: Some(0.0), per_g: Some(1.0) };

/// A board on a line; unplugged when it is dropped.
struct Plugged {
    controls: Arc<BoardControls>,
    pty: std::path::PathBuf,
    thread: Option<JoinHandle<()>>,
}

impl Plugged {
    fn new(speed: u32, seed: u64) -> Plugged {
        let mut pty = Pty::open().unwrap();
        let controls = Arc::new(BoardControls::default());
        controls.noise.store(3, Relaxed);
        let (device, theirs) = (pty.device.clone(), Arc::clone(&controls));
        let thread =
            std::thread::spawn(move || stand::run(&mut pty, &theirs, StandOptions { speed, seed }, Vec::new));
        Plugged { controls, pty: device, thread: Some(thread) }
    }
}

impl Drop for Plugged {
    fn drop(&mut self) {
        self.controls.over.store(true, Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// The machine's end.
struct Host {
    sensor: UartSensor,
    cell: NewestForce,
    clock: MonotonicClock,
}

impl Host {
    fn on(device: &Path, scale: Scale) -> Host {
        let clock = MonotonicClock::new();
        let (feed, cell) = newest_force();
        let options = UartOptions { device: device.to_owned(), baud: 115_200, rate_hz: 80, rules: RULES };
        let sensor =
            UartSensor::start(options, scale, clock, feed, |report| Ok(LogSink::without_firmware(report)))
                .unwrap();
        Host { sensor, cell, clock }
    }

    fn force_g(&mut self) -> Option<f64> {
        self.cell.latest(self.clock.now()).map(|sample| sample.force_g)
    }

    fn state(&self) -> SensorState {
        self.sensor.report().state().clone()
    }

    #[track_caller]
    fn wait_for_link(&self, link: LinkState) {
        eventually(&format!("the link is {link:?}"), || (self.state().link == link).then_some(()));
    }

    #[track_caller]
    fn wait_for_force(&mut self, force_g: f64) {
        eventually(&format!("{force_g} g are felt"), || {
            self.force_g().filter(|felt| (felt - force_g).abs() < 5.0).map(|_| ())
        });
    }

    #[track_caller]
    fn wait_for_no_force(&mut self) {
        eventually("the force is lost", || self.force_g().is_none().then_some(()));
    }
}

#[track_caller]
fn eventually<T>(what: &str, mut poll: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = poll() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_hundred_frames_a_second_carry_every_conversion() {
    let board = Plugged::new(1, 1);
    board.controls.counts.store(250, Relaxed);
    let mut host = Host::on(&board.pty, PLAIN);
    host.wait_for_force(250.0);
    // Paced by the board's own count, not by the test's clock: a busy host delays both.
    let (frames, conversions, before) =
        (board.controls.frames.load(Relaxed), board.controls.conversions.load(Relaxed), host.state());
    let came = eventually("two hundred conversions", || {
        let came = board.controls.conversions.load(Relaxed) - conversions;
        (came >= 200).then_some(came)
    });
    std::thread::sleep(Duration::from_millis(200));
    let after = host.state();
    let sent = board.controls.frames.load(Relaxed) - frames;
    let second = came as f64 / 80.0;
    assert!(sent as f64 / second >= 100.0, "{sent} frames in {second} s of the board");
    assert!(after.samples - before.samples >= came, "{} of {came}", after.samples - before.samples);
    assert_eq!((after.garbled, after.lost[SampleError::TooFast as usize]), (0, 0));
    assert_eq!(after.link, LinkState::Live);
    assert!(after.board.unwrap().firmware.is_some());
}

/// One byte in 300 is wrong. The board's conversions rise by 7 each from a multiple of 7, without noise, so that any
/// sample that was not sent shows.
fn noisy_line(seed: u64) {
    const STEP: i32 = 7;
    println!("seed {seed}");
    let board = Plugged::new(40, seed);
    board.controls.noise.store(0, Relaxed);
    let mut host = Host::on(&board.pty, PLAIN);
    host.wait_for_link(LinkState::Live);
    let (before, sent_before) = (host.state(), board.controls.frames.load(Relaxed));
    board.controls.rising.store(STEP, Relaxed);
    board.controls.fault_every.store(300, Relaxed);
    let mut last_g = 0.0;
    let mut accepted = 0u32;
    eventually("enough faults", || {
        for _ in 0..100 {
            if let Some(force_g) = host.force_g()
                && force_g != last_g
            {
                assert!(force_g > last_g && force_g % f64::from(STEP) == 0.0, "{force_g} g after {last_g} g");
                last_g = force_g;
                accepted += 1;
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        (board.controls.faults.load(Relaxed) >= 500).then_some(())
    });
    board.controls.fault_every.store(0, Relaxed);
    std::thread::sleep(Duration::from_millis(100));
    let (after, faults) = (host.state(), board.controls.faults.load(Relaxed));
    let sent = board.controls.frames.load(Relaxed) - sent_before;
    let came = after.good_frames - before.good_frames;
    println!("{sent} frames, {faults} wrong bytes, {came} came, {accepted} samples looked at");
    assert!(accepted > 100, "{accepted} samples");
    assert!(after.garbled > 0 && came + 2 * faults >= sent, "more than two frames lost for a wrong byte");
    assert_eq!(after.link, LinkState::Live);
}

#[test]
fn on_a_noisy_line_no_wrong_sample_is_accepted_and_two_frames_are_lost_at_most() {
    for seed in [11, 12, 13] {
        noisy_line(seed);
    }
}

#[test]
fn unplugged_and_plugged_in_again() {
    let folder = tempfile::tempdir().unwrap();
    let device = folder.path().join("sensor");
    let mut host = Host::on(&device, PLAIN);
    host.wait_for_link(LinkState::Unplugged);
    eventually("it is said why", || host.state().trouble);
    for (round, counts) in [300, -400, 500].into_iter().enumerate() {
        let board = Plugged::new(1, round as u64 + 1);
        board.controls.counts.store(counts, Relaxed);
        std::os::unix::fs::symlink(&board.pty, &device).unwrap();
        host.wait_for_force(f64::from(counts));
        std::fs::remove_file(&device).unwrap();
        drop(board);
        host.wait_for_no_force();
        host.wait_for_link(LinkState::Unplugged);
    }
    assert_eq!(host.state().opened, 3);
}

#[test]
fn each_kind_of_peer_has_its_result() {
    let board = Plugged::new(1, 5);
    board.controls.counts.store(100, Relaxed);
    let mut host = Host::on(&board.pty, PLAIN);
    host.wait_for_force(100.0);
    let controls = Arc::clone(&board.controls);
    for (trouble, link) in [
        (&controls.mute, LinkState::Silent),
        (&controls.babbling, LinkState::Babbling),
        (&controls.other_version, LinkState::OtherVersion),
    ] {
        trouble.store(true, Relaxed);
        host.wait_for_no_force();
        host.wait_for_link(link);
        trouble.store(false, Relaxed);
        host.wait_for_force(100.0);
        host.wait_for_link(LinkState::Live);
    }
    // The board works and its converter does not: the link is fresh, the sample old.
    controls.dead.store(true, Relaxed);
    host.wait_for_no_force();
    assert_eq!(host.state().link, LinkState::Live);
    eventually("it is said why", || {
        host.state().last_lost.filter(|why| matches!(why, SampleError::Frozen | SampleError::Silent))
    });
    let now = host.clock.now();
    assert!(host.state().link_age_ms(now) < host.state().sample_age_ms(now), "{:?}", host.state());
    controls.dead.store(false, Relaxed);
    host.wait_for_force(100.0);
    // A restarted board has lost its scale, and gets it again.
    controls.restart.store(true, Relaxed);
    host.wait_for_no_force();
    host.wait_for_force(100.0);
    // Saturated.
    controls.counts.store(i32::MAX / 2, Relaxed);
    eventually("saturated", || (host.state().last_lost == Some(SampleError::Saturated)).then_some(()));
    host.wait_for_no_force();
}

#[test]
fn without_a_scale_there_is_no_force() {
    let board = Plugged::new(1, 6);
    let mut host = Host::on(&board.pty, Scale::default());
    eventually("samples come", || (host.state().lost[SampleError::Unscaled as usize] > 20).then_some(()));
    assert_eq!(host.force_g(), None);
    assert_eq!(host.state().samples, 0);
}
