//! Scripts: time to read, analyse and draw one of 50 000 actions, and the memory that reading takes.
//!
//! - `scripts.read`: a funscript as large as is allowed, `scripts.read_csv`: the largest number of actions
//! - `scripts.analyse`: of that one, in a window in which half of it is shortened; `scripts.heat`: its strip
//! - `scripts.memory`: growth of the resident memory while it is read
//! - `scripts.put`, `scripts.list`: one into the folder, durably; a folder of 200 that is known, and that is not

mod support;

use std::hint::black_box;
use std::time::Instant;

use support::{Samples, ms, print_figure};
use yep::motion::MotionLimits;
use yep::scripts::library::MAX_SCRIPTS;
use yep::scripts::{Library, MAX_ACTIONS, MAX_BYTES, analyse, heat, read};

const RUNS: usize = 20;

fn main() {
    if !support::is_bench_run() {
        return;
    }
    // Before anything else has made room.
    let csv = csv(MAX_ACTIONS);
    let before = peak_kb();
    let script = read(csv.as_bytes()).expect("a script");
    let how = format!("{} bytes, {} actions", csv.len(), script.actions.len());
    print_figure("scripts.memory", (peak_kb() - before) / 1e3, "MB", &how);

    let timed = |run: &mut dyn FnMut()| {
        let samples = (0..RUNS).map(|_| {
            let begin = Instant::now();
            run();
            ms(begin.elapsed())
        });
        Samples::new(samples.collect())
    };
    let funscript = funscript();
    timed(&mut || drop(black_box(read(funscript.as_bytes())))).print("scripts.read", "ms");
    timed(&mut || drop(black_box(read(csv.as_bytes())))).print("scripts.read_csv", "ms");
    let limits = MotionLimits::DEFAULT.profile(MotionLimits::DEFAULT.max_speed.get());
    timed(&mut || {
        black_box(analyse(&script, 100.0, limits, 1.0));
    })
    .print("scripts.analyse", "ms");
    timed(&mut || drop(black_box(heat(&script, 1_000)))).print("scripts.heat", "ms");

    let state = tempfile::tempdir().expect("a folder");
    let library = Library::open(state.path());
    timed(&mut || drop(black_box(library.put("x.csv", csv.as_bytes())))).print("scripts.put", "ms");
    // A real script has 1 400 actions.
    let real = self::csv(1_400);
    for i in 1..MAX_SCRIPTS {
        library.put(&format!("{i}.csv"), real.as_bytes()).expect("room for it");
    }
    timed(&mut || drop(black_box(library.list()))).print("scripts.list", "ms");
    timed(&mut || drop(black_box(Library::open(state.path()).list()))).print("scripts.list_unknown", "ms");
}

/// Strokes of 60 to 100 % in 220 ms, each seventh in 80 ms.
fn action(i: usize) -> (usize, usize) {
    (i * 200 + i % 7 * 20, i % 2 * (60 + i % 41))
}

fn csv(actions: usize) -> String {
    (0..actions).map(action).map(|(at, pos)| format!("{at},{pos}\n")).collect()
}

/// A funscript just below the largest size.
fn funscript() -> String {
    let mut text = String::from("{\"version\":\"1.0\",\"actions\":[{\"at\":0,\"pos\":0}");
    for (at, pos) in (1..MAX_ACTIONS).map(action) {
        let next = format!(",{{\"at\":{at},\"pos\":{pos}}}");
        if text.len() + next.len() + 2 > MAX_BYTES {
            break;
        }
        text += &next;
    }
    text + "]}"
}

/// Highest resident memory of this process so far, in kB.
fn peak_kb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kb| kb.parse().ok()).unwrap_or(0.0)
}
