//! Machine with any gear whose edges are checked twice: by the edge oracle, with the limits that the test set and the
//! input lines but no report of the machine; and by the pulse checker.

use yep::diag::step_train::Precision;
use yep::diag::{CheckOptions, PulseChecker};
use yep::drive::{CycleObserver, Rehearsal, RehearsalOptions, TraceSample};
use yep::hal::sim::{RailOptions, VirtualClock};
use yep::hal::{Edge, EdgeKind, EdgeSink};
use yep::machine::{Accepted, Command, Config, Inputs, SessionRules, State};
use yep::motion::MotionLimits;
use yep::settings::{Settings, new_id};
use yep::trial::edge_oracle::{self, EdgeOracle, KinematicBounds, OracleResolution};
use yep::trial::gear::Gear;

/// Edge sink that checks every step and keeps none.
pub struct EdgeCheck {
    oracle: EdgeOracle,
    checker: PulseChecker,
    bounds: edge_oracle::WindowLimits,
    pub steps: u64,
}

impl EdgeSink for EdgeCheck {
    fn edge(&mut self, edge: Edge) {
        self.checker.add_edge(edge);
        if let EdgeKind::StepBegins { forward } = edge.kind {
            self.steps += 1;
            if let Err(found) = self.oracle.step(edge.at, forward, &self.bounds) {
                panic!("{found}");
            }
        }
    }

    fn input_lines(&mut self, _at: u64, inputs: Inputs) {
        if inputs != Inputs::default() {
            self.oracle.reset();
        }
    }
}

impl CycleObserver for EdgeCheck {
    fn cycle(&mut self, seen: &TraceSample) {
        if let Some(violation) = self.checker.check(seen) {
            panic!("{violation}");
        }
    }
}

impl EdgeCheck {
    /// Sets the limits of a wave without a stop; earlier steps are forgotten.
    pub fn expect_gentle(&mut self, limits: &MotionLimits, steps_per_mm: f64) {
        let bounds = KinematicBounds::of(
            limits.max_speed.get(),
            limits.max_acceleration.get(),
            limits.max_jerk.get(),
            steps_per_mm,
        );
        self.bounds = edge_oracle::WindowLimits { firm: bounds, gentle: None };
        self.oracle.reset();
    }

    /// Widens the limits to at least these, stops included.
    pub fn expect_firm(&mut self, limits: &MotionLimits, fastest_mm_s: f64, steps_per_mm: f64) {
        let new = KinematicBounds::of(
            limits.max_speed.get().max(fastest_mm_s),
            limits.stop_deceleration.get(),
            limits.stop_jerk_mm_s3(),
            steps_per_mm,
        );
        let old = self.bounds.firm;
        let firm = KinematicBounds {
            speed: old.speed.max(new.speed),
            acceleration: old.acceleration.max(new.acceleration),
            jerk: old.jerk.max(new.jerk),
        };
        self.bounds = edge_oracle::WindowLimits { firm, gentle: None };
    }

    pub fn windows(&self) -> u64 {
        self.oracle.windows()
    }
}

/// The settings of a machine of that gear.
pub fn config(gear: &Gear) -> Config {
    gear.apply_to(Settings::fresh(new_id())).config(&gear.rail())
}

/// A calibrated machine of that gear, and its steps/mm.
pub fn homed(gear: &Gear) -> (Rehearsal<EdgeCheck>, f64) {
    let options = RehearsalOptions {
        rail: RailOptions {
            length_mm: gear.length_mm,
            steps_per_mm: gear.steps_per_mm(),
            start_mm: gear.length_mm / 3.0,
            wall_mm: 10.0 * gear.length_mm,
            ..RailOptions::default()
        },
        config: config(gear),
        homing: gear.homing,
        session: SessionRules::default(),
        timing: gear.timing,
        lateness_ends_motion: true,
    };
    let timing = gear.timing;
    let turn_ns = timing.high_ns + timing.low_ns + timing.direction_setup_ns + timing.direction_hold_ns;
    let oracle = EdgeOracle::new(OracleResolution { edge_ns: 40, turn_ns, narrowest: 0 });
    // Two touches differ by a step at most.
    let touched = (gear.length_mm * gear.steps_per_mm() + 2.0) / gear.max_stroke_mm as f64;
    let steps_per_mm = touched.max(gear.steps_per_mm());
    let nothing = KinematicBounds { speed: 0.0, acceleration: 0.0, jerk: 0.0 };
    let bounds = edge_oracle::WindowLimits { firm: nothing, gentle: None };
    let checker = PulseChecker::new(CheckOptions {
        timing,
        precision: Precision { edge_ns: 40, slews: false },
        homing_mm_s: gear.homing.fast.get().max(gear.homing.slow.get()),
    });
    let mut edge_check = EdgeCheck { oracle, checker, bounds, steps: 0 };
    edge_check.expect_firm(&gear.limits, gear.homing.fast.get(), steps_per_mm);
    let mut machine = Rehearsal::with_clock(VirtualClock::default(), &options, edge_check);
    assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Now)));
    assert!(machine.run_while(300_000, |snapshot| snapshot.state == State::Homing), "homing goes on");
    let snapshot = machine.snapshot();
    assert_eq!(snapshot.state, State::Ready, "homing ended with {}: {gear:?}", snapshot.why);
    (machine, steps_per_mm)
}
