//! A homed machine on virtual time with a recorder of its edges and no checker, so that a test sees the edges as they
//! are.

use yep::drive::{CycleObserver, Rehearsal, RehearsalOptions, TraceSample};
use yep::hal::Clock;
use yep::hal::sim::VirtualClock;
use yep::hal::{Edge, EdgeSink};
use yep::machine::{Accepted, Command, State};

#[derive(Default)]
pub struct Edges(pub Vec<Edge>);

impl EdgeSink for Edges {
    fn edge(&mut self, edge: Edge) {
        self.0.push(edge);
    }
}

impl CycleObserver for Edges {
    fn cycle(&mut self, _: &TraceSample) {}
}

pub type Plain = Rehearsal<Edges>;

pub fn homed(clock: &VirtualClock, options: &RehearsalOptions) -> Plain {
    let mut machine = Rehearsal::with_clock(clock.clone(), options, Edges::default());
    assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Now)));
    assert!(machine.run_while(120_000, |snapshot| snapshot.state == State::Homing), "homing goes on");
    assert_eq!(machine.snapshot().state, State::Ready, "{:?}", machine.snapshot().fault);
    machine
}

/// Both loops lose the processor for `stall_ns` at `at`.
pub fn stall(clock: &VirtualClock, at: u64, stall_ns: u64) {
    let mut own = clock.clone();
    clock.set_alarm(at, move || {
        let until = own.now() + stall_ns;
        own.wait_until(until);
    });
}

/// Runs until the axis is faster than `above_mm_s`.
pub fn run_until_fast(machine: &mut Plain, above_mm_s: f64) {
    let reached = machine.run_while(20_000, |snapshot| snapshot.velocity_mm_s.abs() < above_mm_s);
    assert!(reached, "never that fast");
}

/// Distance of the carriage from the reported position; `None` without a reported one.
pub fn position_error_mm(machine: &Plain) -> Option<f64> {
    let shown_mm = machine.snapshot().position_mm?;
    Some((machine.operator().carriage_mm() - 5.0 - shown_mm).abs())
}
