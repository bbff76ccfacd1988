//! Scripts: time to read, analyse and draw one of 50 000 actions, and the memory that reading takes.
//!
//! - `scripts.read`: a funscript as large as is allowed, `scripts.read_csv`: the largest number of actions
//! - `scripts.analyse`: of that one, in a window in which half of it is shortened; `scripts.heat`: its strip
//! - `scripts.memory`: growth of the resident memory while it is read
//! - `scripts.play_*`: a control cycle while such a script is played, with what tells the machine its points: of 2 000 and of 50 000
//!   actions, in nanoseconds and in instructions; the length must not matter
//! - `scripts.put`, `scripts.list`: one into the folder, durably; a folder of 200 that is known, and that is not

mod support;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use support::{Samples, counts, ms, print_figure};
use yep::api::playback::playing::Playing;
use yep::motion::{FeedLimits, FeedWindow, Feeder, Kinematics, MotionLimits};
use yep::scripts::library::MAX_SCRIPTS;
use yep::scripts::{Library, MAX_ACTIONS, MAX_BYTES, analyse, heat, read};

const RUNS: usize = 20;
/// Actions of a script that is played, and the name of the figure.
const PLAYED: [(&str, usize); 2] = [("play_2000", 2_000), ("play_50000", MAX_ACTIONS)];

fn main() {
    if let Some((name, count)) = counts::requested() {
        let (_, actions) =
            PLAYED.into_iter().find(|(played, _)| *played == name).expect("a figure of this name");
        playing(actions)(count);
        return;
    }
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

    for (name, actions) in PLAYED {
        Samples::of(20, 5_000, playing(actions)).print(&format!("scripts.{name}"), "ns/cycle");
    }
    if counts::is_available() {
        for (name, _) in PLAYED {
            counts::print_per_unit(&format!("scripts.{name}"), "cycle", name, (20_000, 100_000), 1.0);
        }
    }

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

/// Control cycles of a feed that plays the second half of a script of that many actions; what tells it the points comes every 20.
fn playing(actions: usize) -> impl FnMut(u64) {
    const EVERY: u64 = 20;
    const CYCLE_NS: u64 = 1_000_000;
    let limits = MotionLimits::DEFAULT;
    let (most, approach_mm_s) = (limits.profile(limits.max_speed.get()), limits.approach_speed.get());
    let window = FeedWindow { back_mm: 0.0, front_mm: 100.0 };
    let mut feeder = Feeder::new(window, FeedLimits { most, approach_mm_s, ahead_s: 0.006 });
    feeder.begin(50.0, 0.0);
    let script = Arc::new(read(csv(actions).as_bytes()).expect("a script"));
    let middle_s = f64::from(script.duration_ms()) / 2_000.0;
    let mut played = Playing::new("x", script, (0, middle_s), 1.0);
    played.set_running(true, 0);
    let (mut done, mut axis) = (0u64, Kinematics::at_rest(50.0));
    move |count| {
        for _ in 0..count {
            let at_ns = done * CYCLE_NS;
            let at_s = at_ns as f64 * 1e-9;
            if done.is_multiple_of(EVERY) {
                for point in played.next_points(at_ns).points {
                    feeder.push_point(point, at_s);
                }
            }
            done += 1;
            feeder.settle(&axis, false);
            feeder.advance(at_s + 0.007);
            axis = black_box(feeder.reference());
        }
    }
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
