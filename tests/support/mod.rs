//! Shared test helpers: the rehearsed machine with usual settings, and a recorder of its edges.
#![allow(dead_code)]

use yep::diag::step_train::Precision;
use yep::diag::{CheckOptions, PulseChecker};
use yep::drive::{CycleObserver, PulseTiming, Rehearsal, RehearsalOptions, TraceSample};
use yep::hal::sim::{RailOptions, VirtualClock};
use yep::hal::{Edge, EdgeKind, EdgeSink};
use yep::machine::{Accepted, Command, Config, Geometry, HomingOptions, SessionRules, Snapshot, State};
use yep::motion::{ALLOWANCE_POINTS, Allowance, MotionLimits};
use yep::units::{Grams, Mm, StepsPerMm};
use yep::wave::{Shape, Wave};

/// Edge sink that records every edge and passes it to the pulse checker; a violation fails the test with its trace.
pub struct Recorder(pub Vec<Edge>, PulseChecker, pub OnEdge);

/// Action of a test in the middle of the step loop, at an edge.
pub type OnEdge = Option<Box<dyn FnMut(Edge)>>;

impl EdgeSink for Recorder {
    fn edge(&mut self, edge: Edge) {
        self.0.push(edge);
        self.1.add_edge(edge);
        if let Some(on_edge) = &mut self.2 {
            on_edge(edge);
        }
    }
}

impl CycleObserver for Recorder {
    fn cycle(&mut self, seen: &TraceSample) {
        if let Some(violation) = self.1.check(seen) {
            panic!("{violation}");
        }
    }
}

/// Precision on a clock without lateness: an edge is where the plan puts it, except for rounding.
pub const PUNCTUAL: Precision = Precision { edge_ns: 30, slews: false };

pub fn recorder(options: &RehearsalOptions, precision: Precision) -> Recorder {
    let homing = &options.homing;
    let check = CheckOptions {
        timing: options.timing,
        precision,
        homing_mm_s: homing.fast.get().max(homing.slow.get()),
    };
    Recorder(Vec::new(), PulseChecker::new(check), None)
}

/// The instants and directions of the steps among edges.
pub fn steps(edges: &[Edge]) -> Vec<(u64, bool)> {
    edges
        .iter()
        .filter_map(|edge| match edge.kind {
            EdgeKind::StepBegins { forward } => Some((edge.at, forward)),
            _ => None,
        })
        .collect()
}

/// The default settings, as the settings room makes them of the app's defaults.
pub fn config() -> Config {
    Config {
        geometry: Geometry {
            max_stroke: Mm::constant(155.0),
            padding: Mm::constant(5.0),
            nominal: StepsPerMm::constant(10.0),
            max_steps_per_s: 200_000.0,
        },
        stroke_limit: Mm::constant(155.0),
        limits: MotionLimits::default(),
        allowance: Allowance::new(
            Grams::constant(1_000.0),
            core::array::from_fn(|i| 600.0 * (1.0 - i as f64 / (ALLOWANCE_POINTS - 1) as f64)),
        ),
    }
}

pub fn timing() -> PulseTiming {
    PulseTiming { high_ns: 2_500, low_ns: 2_500, direction_setup_ns: 5_000, direction_hold_ns: 5_000 }
}

pub fn options() -> RehearsalOptions {
    RehearsalOptions {
        rail: RailOptions::default(),
        config: config(),
        homing: HomingOptions::default(),
        session: SessionRules::default(),
        timing: timing(),
        lateness_ends_motion: true,
    }
}

pub fn machine(options: &RehearsalOptions) -> Rehearsal<Recorder> {
    Rehearsal::new(options, recorder(options, PUNCTUAL))
}

/// A machine that has been calibrated.
pub fn homed(options: &RehearsalOptions) -> Rehearsal<Recorder> {
    calibrated(machine(options))
}

/// The same on the test's clock, with edges checked at this precision.
pub fn homed_on(
    clock: &VirtualClock,
    options: &RehearsalOptions,
    precision: Precision,
) -> Rehearsal<Recorder> {
    calibrated(Rehearsal::with_clock(clock.clone(), options, recorder(options, precision)))
}

fn calibrated(mut machine: Rehearsal<Recorder>) -> Rehearsal<Recorder> {
    assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Now)));
    let settled = machine.run_while(60_000, |snapshot| snapshot.state == State::Homing);
    assert!(settled, "homing goes on for ever");
    let snapshot = machine.snapshot();
    assert_eq!(snapshot.state, State::Ready, "homing ended with {}", snapshot.why);
    machine
}

pub fn sine(period_s: f64) -> Command {
    Command::Run(Wave::new(Shape::Sine, period_s).unwrap())
}

pub fn square(period_s: f64) -> Command {
    Command::Run(Wave::new(Shape::Square, period_s).unwrap())
}

/// Runs until the machine leaves `state`.
pub fn leave(machine: &mut Rehearsal<Recorder>, state: State, limit_ms: u64) -> Snapshot {
    assert!(machine.run_while(limit_ms, |snapshot| snapshot.state == state), "still {state:?}");
    machine.snapshot()
}
