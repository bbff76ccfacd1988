//! Virtual wall through the whole force path: converter, driver, board, frames at the line's own speed, protocol,
//! validator. All on one virtual clock, so that the bounds are exact (S12 to S15).

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use yep::drive::executor::StarvationPolicy;
use yep::drive::rings::{CommandFeed, Events, QueuedCommand, Snapshots};
use yep::drive::{
    Control, ControlOptions, LatePolicy, PowerRequest, PulseTiming, Rings, StepLoop, StepStatus, StopLine,
};
use yep::hal::sim::rail::spring_force_g;
use yep::hal::sim::{RailOptions, SimPins, SimulatedOperator, VirtualClock};
use yep::hal::{ForceSample, ForceSensor, NewestForce, newest_force};
use yep::layout;
use yep::machine::{Command, Config, Fault, HomingOptions, Snapshot, State, Supervisor};
use yep::sensor::logs::LogSink;
use yep::sensor::{BoardListener, SampleLimits, SampleValidator, Scale, SensorReport};
use yep::settings::{RailGeometry, Settings, new_id};
use yep::units::{MILLISECOND_NS, Nanos, seconds};
use yep::wave::{Shape, Wave};
use yep_sensor_board::hx711::{Conversion, Hx711};
use yep_sensor_board::sim::Chip;
use yep_sensor_board::{Board, Identity};

const COUNTS_PER_G: f64 = 400.0;
const ZERO_COUNTS: f64 = 12_345.0;
/// Time of a byte: ten bits at 115 200 bit/s.
const BYTE_NS: Nanos = 86_806;
/// Period of the board's loop.
const TURN_NS: Nanos = 250_000;

/// Faults of the line and the converter that a test can switch on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trouble {
    /// There is no wall.
    no_wall: bool,
    dead: bool,
    mute: bool,
    saturated: bool,
    wrong_every: usize,
}

/// A board on a line, on the clock of its caller.
struct WiredSensor {
    rail: RailOptions,
    operator: SimulatedOperator,
    chip: &'static Chip,
    converter: Box<dyn FnMut() -> Conversion>,
    board: Board,
    /// Bytes on the line, with their instants of arrival.
    line: VecDeque<(Nanos, u8)>,
    line_free: Nanos,
    listener: BoardListener,
    newest: NewestForce,
    lived: Nanos,
    sent_bytes: usize,
    trouble: SharedTrouble,
}

impl WiredSensor {
    fn turn(&mut self, now: Nanos) {
        let now_us = (now / 1_000) as u32;
        let trouble = self.trouble.get();
        let spring_g = spring_force_g(&self.rail, self.operator.carriage_mm());
        let force_g = if trouble.no_wall { 0.0 } else { spring_g } + self.operator.pushed_g();
        let counts = if trouble.saturated { i32::MAX } else { (ZERO_COUNTS + force_g * COUNTS_PER_G) as i32 };
        self.chip.set_counts(counts);
        self.chip.set_dead(trouble.dead);
        self.chip.set_rate_hz(self.board.setup().rate_hz);
        self.chip.advance(now_us);
        if let Conversion::Done(counts) = (self.converter)() {
            self.board.convert(counts, now_us);
        }
        while let Some(frame) = self.board.next_frame(now_us) {
            for byte in frame {
                self.sent_bytes += 1;
                let wrong = trouble.wrong_every > 0 && self.sent_bytes.is_multiple_of(trouble.wrong_every);
                self.line_free = self.line_free.max(now) + BYTE_NS;
                if !trouble.mute {
                    self.line.push_back((self.line_free, if wrong { byte ^ 0x5a } else { byte }));
                }
            }
        }
        while self.line.front().is_some_and(|(arrived, _)| *arrived <= now) {
            let byte = self.line.pop_front().map(|(_, byte)| byte);
            self.listener.receive(byte.as_slice(), now);
        }
        let board = &mut self.board;
        self.listener.send_due(now, |frame| board.receive(&frame));
    }
}

impl ForceSensor for WiredSensor {
    fn latest(&mut self, now: Nanos) -> Option<ForceSample> {
        while self.lived + TURN_NS <= now {
            self.lived += TURN_NS;
            self.turn(self.lived);
        }
        self.newest.latest(now)
    }
}

/// The faults, which a test changes while the machine runs.
type SharedTrouble = Rc<Cell<Trouble>>;

/// Both loops on a virtual clock, with a wired sensor.
struct WallRig {
    control: Control<WiredSensor>,
    step_loop: StepLoop<VirtualClock, SimPins<()>>,
    commands: CommandFeed,
    events: Events,
    snapshots: Snapshots,
    operator: SimulatedOperator,
    now: Nanos,
    trouble: SharedTrouble,
    rail: RailOptions,
}

impl WallRig {
    /// A calibrated machine, with a sensor of this sample rate.
    fn new(rail: RailOptions, rate_hz: u16) -> WallRig {
        let (operator, trouble) = (SimulatedOperator::default(), SharedTrouble::default());
        let status = Arc::new(StepStatus::default());
        let (stop_line, power) = (StopLine::default(), PowerRequest::default());
        let Rings { control, chunks, bridge } = Rings::new();
        let step_loop = StepLoop::new(
            VirtualClock::default(),
            SimPins::new(rail, operator.clone(), ()),
            chunks,
            (status.clone(), stop_line.clone(), power.clone()),
            TIMING,
            LatePolicy { ends_motion: true },
        );
        let control = Control::new(
            Supervisor::new(config(), HomingOptions::default()),
            status,
            control,
            Some(wired(rail, operator.clone(), rate_hz, trouble.clone())),
            (stop_line, power),
            ControlOptions {
                starvation: StarvationPolicy::EndsMotion,
                step_loop_silence_s: seconds(layout::STEP_LOOP_SILENCE_NS),
            },
        );
        let mut rig = WallRig {
            control,
            step_loop,
            commands: bridge.commands,
            events: bridge.events,
            snapshots: bridge.snapshots,
            operator,
            now: 0,
            trouble,
            rail,
        };
        // The wall is added later, as homing ends at the force limit. Homing does not begin without samples.
        rig.trouble.set(Trouble { no_wall: true, ..Trouble::default() });
        rig.run_ms(1_500);
        rig.send(Command::Calibrate);
        rig.run_ms(5);
        while rig.snapshot().state == State::Homing {
            assert!(rig.now < 60_000 * MILLISECOND_NS, "homing goes on for ever");
            rig.cycle();
        }
        assert_eq!(rig.snapshot().state, State::Ready, "{}", rig.snapshot().why);
        rig.trouble.set(Trouble::default());
        rig
    }

    fn send(&mut self, command: Command) {
        assert!(self.commands.enqueue(QueuedCommand { id: 1, expires_ns: u64::MAX, command }).is_ok());
    }

    fn cycle(&mut self) {
        self.now += layout::CONTROL_PERIOD_NS;
        self.step_loop.run_until(self.now);
        self.control.cycle(self.now);
        while self.events.dequeue().is_some() {}
        while self.snapshots.dequeue().is_some() {}
    }

    fn run_ms(&mut self, ms: u64) {
        for _ in 0..ms * MILLISECOND_NS / layout::CONTROL_PERIOD_NS {
            self.cycle();
        }
    }

    fn snapshot(&self) -> Snapshot {
        self.control.snapshot(self.now)
    }

    /// Force on the wall, in grams.
    fn pressed_g(&self) -> f64 {
        -spring_force_g(&self.rail, self.operator.carriage_mm())
    }
}

const TIMING: PulseTiming = PulseTiming {
    high_ns: layout::PULSE_HIGH_NS,
    low_ns: layout::PULSE_LOW_NS,
    direction_setup_ns: layout::DIR_SETUP_NS,
    direction_hold_ns: layout::DIR_HOLD_NS,
};

fn config() -> Config {
    Settings::fresh(new_id()).config(&RailGeometry::default())
}

fn wired(
    rail: RailOptions,
    operator: SimulatedOperator,
    rate_hz: u16,
    trouble: SharedTrouble,
) -> WiredSensor {
    let report = SensorReport::default();
    let (feed, newest) = newest_force();
    let rules = SampleLimits { range_g: 20_000.0, fastest_g_per_s: 500_000.0, invert: false };
    let scale = Scale { zero: Some(ZERO_COUNTS), per_g: Some(COUNTS_PER_G) };
    let validator = SampleValidator::new(rules, feed, report.clone());
    let listener =
        BoardListener::new(rate_hz, scale, validator, report.clone(), LogSink::without_firmware(report));
    // The pins borrow the chip.
    let chip: &'static Chip = Box::leak(Box::new(Chip::new(0)));
    chip.set_noise(20);
    let (data, clock, wait) = chip.pins();
    let mut driver = Hx711::new(data, clock, wait);
    WiredSensor {
        rail,
        operator,
        chip,
        converter: Box::new(move || driver.read()),
        board: Board::new(Identity::default(), 0),
        line: VecDeque::new(),
        line_free: 0,
        listener,
        newest,
        lived: 0,
        sent_bytes: 0,
        trouble,
    }
}

fn sine(period_s: f64) -> Command {
    Command::Run(Wave::new(Shape::Sine, period_s).unwrap())
}

/// A rail with a wall at two thirds of its length.
fn walled(stiffness_g_per_mm: f64) -> RailOptions {
    RailOptions { wall_mm: 100.0, stiffness_g_per_mm, ..RailOptions::default() }
}

/// The greatest force on the carriage while a sine runs against the wall.
fn peak_g(rail: RailOptions, rate_hz: u16, period_s: f64, wrong_every: usize) -> f64 {
    let mut rig = WallRig::new(rail, rate_hz);
    rig.trouble.set(Trouble { wrong_every, ..Trouble::default() });
    rig.send(sine(period_s));
    let mut peak_g = 0f64;
    for _ in 0..15_000 {
        rig.cycle();
        peak_g = peak_g.max(rig.pressed_g());
        assert_eq!(rig.snapshot().fault, None, "{}", rig.snapshot().why);
    }
    assert_eq!(rig.snapshot().state, State::Running);
    peak_g
}

/// Distance that the axis goes on at `v` mm/s after an event that should stop it, by the reaction budget: a sample, its
/// frame, the cycle and the queue; then the deceleration of a wave builds up, and brakes.
fn budget_mm(v: f64, rate_hz: u16) -> f64 {
    let limits = config().limits;
    let (a, j) = (limits.max_acceleration.get(), limits.max_jerk.get());
    let known_s = 1.0 / f64::from(rate_hz) + 0.004 + 0.001 + 0.012;
    v * (known_s + a / j) + v * v / (2.0 * a)
}

#[test]
fn s14_a_soft_wall_is_pressed_no_further_beyond_the_limit_than_the_budget() {
    // At nine tenths of the limit the chart still allows 10 % of 1200 mm/s; the bound includes the last tenth.
    let v = config().allowance.speed_mm_s(900.0);
    for (rate_hz, period_s, wrong_every) in [(80, 2.0, 0), (80, 5.0, 0), (10, 5.0, 0), (80, 2.0, 307)] {
        let rail = walled(40.0);
        let peak_g = peak_g(rail, rate_hz, period_s, wrong_every);
        let most_g = 1_000.0 + rail.stiffness_g_per_mm * budget_mm(v, rate_hz);
        println!(
            "{rate_hz} samples/s, a sine of {period_s} s, a wrong byte in {wrong_every}: {peak_g:.0} g of {most_g:.0} g"
        );
        // S13: wrong bytes neither stop the axis nor cause a wrong force.
        assert!((600.0..most_g).contains(&peak_g), "{peak_g} g");
    }
}

#[test]
fn s14_a_hard_wall_is_met_within_the_reaction_budget() {
    // The force limit is reached after two millimetres.
    let rail = walled(500.0);
    for period_s in [2.0, 5.0] {
        let overrun_mm = peak_g(rail, 80, period_s, 0) / rail.stiffness_g_per_mm;
        // The highest speed of the sine, over 145 mm.
        let v = 145.0 / 2.0 * std::f64::consts::TAU / period_s;
        let most_mm = 2.0 + budget_mm(v, 80);
        println!("a sine of {period_s} s: {overrun_mm:.2} mm beyond the wall, of {most_mm:.2} mm");
        assert!(overrun_mm <= most_mm, "{overrun_mm} mm of {most_mm} mm");
    }
}

#[test]
fn s12_a_sensor_that_fails_in_any_way_ends_the_motion_and_keeps_the_position() {
    let fine = Trouble::default();
    for (name, trouble, within_ms) in [
        ("dead", Trouble { dead: true, ..fine }, 45),
        ("mute", Trouble { mute: true, ..fine }, 120),
        ("saturated", Trouble { saturated: true, ..fine }, 130),
        ("garbled", Trouble { wrong_every: 3, ..fine }, 130),
    ] {
        let mut rig = WallRig::new(RailOptions::default(), 80);
        rig.send(sine(2.0));
        rig.run_ms(3_000);
        assert_eq!(rig.snapshot().state, State::Running);
        rig.trouble.set(trouble);
        rig.run_ms(within_ms);
        let snapshot = rig.snapshot();
        assert_eq!(snapshot.fault, Some(Fault::ForceSampleLost), "{name}: not within {within_ms} ms");
        assert_eq!(snapshot.force_g, None, "{name}");
        rig.run_ms(300);
        let snapshot = rig.snapshot();
        assert!(snapshot.position_mm.is_some() && snapshot.velocity_mm_s == 0.0, "{name}: {snapshot:?}");
        // The sensor comes back by itself; the motion does not.
        rig.trouble.set(fine);
        rig.run_ms(1_000);
        assert!(rig.snapshot().force_g.is_some(), "{name}");
        assert_eq!(rig.snapshot().state, State::Faulted, "{name}");
    }
}

#[test]
fn what_the_sensor_protects_bounds_the_speed() {
    let fastest_mm_s = |overrun_mm: Option<f64>, rate_hz| {
        let mut rig = WallRig::new(RailOptions::default(), rate_hz);
        if let Some(overrun_mm) = overrun_mm {
            rig.control.limit_overrun(overrun_mm);
        }
        rig.send(sine(1.0));
        let mut fastest_mm_s = 0f64;
        for _ in 0..5_000 {
            rig.cycle();
            fastest_mm_s = fastest_mm_s.max(rig.snapshot().velocity_mm_s.abs());
        }
        assert_eq!(rig.snapshot().fault, None);
        fastest_mm_s
    };
    assert!(fastest_mm_s(None, 80) > 400.0);
    let (fast, slow) = (fastest_mm_s(Some(10.0), 80), fastest_mm_s(Some(10.0), 10));
    assert!((150.0..185.0).contains(&fast) && (60.0..90.0).contains(&slow), "{fast} and {slow} mm/s");
}
