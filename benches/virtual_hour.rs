//! Simulation speed: real time for an hour of the machine on virtual time, a calibration and then a sine of 5 s. The
//! goal is well under a minute.

#[path = "../tests/support/mod.rs"]
mod machine;
mod support;

use std::time::Instant;

use support::{Samples, counts, print_figure};
use yep::drive::{CycleObserver, Rehearsal};
use yep::hal::{Edge, EdgeKind, EdgeSink};
use yep::machine::{Accepted, Command, State};

const HOUR_S: u64 = 3_600;
const HOURS: usize = 3;
const CYCLES_PER_S: u64 = 1_000;

/// An edge sink that only counts the steps.
#[derive(Default)]
struct Counter(u64);

impl EdgeSink for Counter {
    fn edge(&mut self, edge: Edge) {
        self.0 += u64::from(matches!(edge.kind, EdgeKind::StepBegins { .. }));
    }
}

impl CycleObserver for Counter {}

/// A machine that runs its sine.
fn running() -> Rehearsal<Counter> {
    let mut machine = Rehearsal::new(&machine::options(), Counter::default());
    assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Now)));
    assert!(machine.run_while(60_000, |snapshot| snapshot.state == State::Homing));
    assert_eq!(machine.command(machine::sine(5.0)), Some(Ok(Accepted::Now)));
    machine.run_ms(10_000);
    machine
}

/// Runs it for `seconds`; returns the number of steps.
fn run(machine: &mut Rehearsal<Counter>, seconds: u64) -> u64 {
    let before = machine.sink().0;
    machine.run_ms(1_000 * seconds);
    machine.sink().0 - before
}

fn main() {
    if let Some((_, seconds)) = counts::requested() {
        run(&mut running(), seconds);
        return;
    }
    if !support::is_bench_run() {
        return;
    }
    let mut steps = 0;
    let hour = |_| {
        let begin = Instant::now();
        steps = run(&mut running(), HOUR_S);
        begin.elapsed().as_secs_f64()
    };
    let walls = Samples::new((0..HOURS).map(hour).collect());
    walls.print("virtual_hour.wall", "s");
    walls.scaled(1e9 / (HOUR_S * CYCLES_PER_S) as f64).print("virtual_hour.cycle", "ns/cycle");
    walls.scaled(1e9 / steps as f64).print("virtual_hour.step", "ns/step");
    print_figure("virtual_hour.steps", steps as f64, "steps", "in the hour, at 10 steps/mm");
    if counts::is_available() {
        // Whole periods, so that the steps per second are those of the hour.
        let per_s = steps as f64 / HOUR_S as f64;
        counts::print_per_unit("virtual_hour.cycle", "cycle", "seconds", (10, 40), CYCLES_PER_S as f64);
        counts::print_per_unit("virtual_hour.step", "step", "seconds", (10, 40), per_s);
    }
}
