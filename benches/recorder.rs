//! Flight recorder: cost of a record, and of freezing, writing and exporting a whole recording.
//!
//! - `recorder.look`: the trace sample at the end of a control cycle, put into its ring and taken out, in one thread
//! - `recorder.record`: one trace sample made into a record
//! - `recorder.freeze`, `recorder.encode`, `recorder.keep`: a whole recording out of the ring, as a file, and on the
//!   disk
//! - `recorder.csv`: the same as rows

#[path = "../tests/support/mod.rs"]
mod machine;
mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use support::{Samples, counts, ms, print_figure};
use yep::diag::Recorder;
use yep::diag::recorder::export::{self, ExportSpan};
use yep::diag::recorder::ring::CAPACITY;
use yep::diag::recorder::{Archive, Recording, file};
use yep::drive::TraceSample;
use yep::drive::cycle_trace::trace_ring;
use yep::machine::Fault;

/// Trace samples of a machine that follows a sine, one per cycle.
fn running() -> Vec<TraceSample> {
    let mut machine = machine::homed(&machine::options());
    machine.command(machine::sine(5.0));
    let mut seen = Vec::new();
    for _ in 0..5_000 {
        machine.run_ms(1);
        seen.push(machine.trace_sample());
    }
    seen
}

fn record(recorder: &mut Recorder, seen: &[TraceSample], count: u64) {
    for seen in seen.iter().cycle().take(count as usize) {
        black_box(recorder.record(black_box(seen)));
    }
}

/// A full recording.
fn recording(recorder: &mut Recorder, seen: &[TraceSample]) -> Recording {
    record(recorder, seen, CAPACITY as u64);
    recorder.record(&TraceSample { fault: Some(Fault::EStop), ..seen[0] });
    recorder.finish().expect("a fault was seen")
}

fn main() {
    if let Some((_, count)) = counts::requested() {
        record(&mut Recorder::new(), &running(), count);
        return;
    }
    if !support::is_bench_run() {
        return;
    }
    let seen = running();
    let (mut feed, mut taken) = trace_ring();
    Samples::of(100, 5_000, |count| {
        for seen in seen.iter().cycle().take(count as usize) {
            let _ = feed.enqueue(black_box(*seen));
            black_box(taken.dequeue());
        }
    })
    .print("recorder.look", "ns/cycle");
    let mut recorder = Recorder::new();
    Samples::of(100, 5_000, |count| record(&mut recorder, &seen, count)).print("recorder.record", "ns/cycle");
    if counts::is_available() {
        counts::print_per_unit("recorder.record", "cycle", "record", (20_000, 120_000), 1.0);
    }

    let timed = |run: &mut dyn FnMut()| {
        let samples = (0..20).map(|_| {
            let begin = Instant::now();
            run();
            ms(begin.elapsed())
        });
        Samples::new(samples.collect())
    };
    record(&mut recorder, &seen, CAPACITY as u64);
    let freeze = &mut || {
        recorder.record(&TraceSample { fault: None, ..seen[0] });
        recorder.record(&TraceSample { fault: Some(Fault::EStop), ..seen[0] });
        black_box(recorder.finish());
    };
    timed(freeze).print("recorder.freeze", "ms");
    let whole = recording(&mut recorder, &seen);
    timed(&mut || drop(black_box(file::encode(&whole)))).print("recorder.encode", "ms");
    let folder = tempfile::tempdir().expect("a folder");
    let archive = Archive::open(folder.path());
    timed(&mut || {
        black_box(archive.save(whole.clone(), Duration::ZERO));
    })
    .print("recorder.keep", "ms");
    let part = ExportSpan { seconds: f64::NEG_INFINITY..=f64::INFINITY, every: 1 };
    timed(&mut || drop(black_box(export::csv(&whole, &part)))).print("recorder.csv", "ms");
    let how = format!("{} records", whole.records.len());
    print_figure("recorder.file", file::encode(&whole).len() as f64 / 1e6, "MB", &how);
    print_figure("recorder.rows", export::csv(&whole, &part).len() as f64 / 1e6, "MB", &how);
}
