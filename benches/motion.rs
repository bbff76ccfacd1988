//! Cost of planning and stepping: nanoseconds, and instructions where valgrind is installed.
//!
//! - `tracker_*`: one control cycle of planning: the approach at a bounded speed, a sine that can be followed, a square
//!   that cannot; for each also its dearest cycle, which limits a real-time loop
//! - `follower`: one control cycle of the reference; `follower_changing`: the same while waves with other graphs,
//!   periods and parts of the stroke come, one each 300 cycles
//! - `feed_stream`: one control cycle of the reference of a stream of 100 targets a second; `feed_moves`: the same while each of
//!   these targets is a move of half a second that replaces the one before: the dearest that a sender can do
//! - `feed_script`: one control cycle of the reference of a script with a stroke each 200 ms, which the limits do not allow;
//!   `feed_script_dense`: the same for points each 20 ms; `feed_script_anew`: the same while all of them come anew each 20 cycles, each
//!   time shifted by 3 ms
//! - `wave_*`: one point of a graph with its derivatives: with a formula, and through 10 and 1 000 points
//! - `step_*`: one step from planned pieces of 1 ms to its instant, with few and with many steps a piece
//! - `runs_make`, `runs_expand`: one step of the peers' stroke (150 mm, 80 steps/mm, up to 32 000 steps/s, cycles of
//!   1 ms) from planned pieces to a cubic, and from the cubic to its instant
//! - `tail`: the quickest stop behind one cycle
//! - `plan`: a whole move to rest at once; `plan_rsruckig`: the same moves by the planner that the tests compare with
//! - `ring`: one chunk through the ring between the loops, both ends in one thread
//! - `loops_*`: a step of a whole machine, both loops, along a sine with that peak rate, on a clock and pins that cost
//!   nothing; `loops_*.step_loop` is the step loop's part of it

#[path = "../tests/seams/fine.rs"]
mod fine;
#[path = "../tests/support/loops.rs"]
mod loops;
#[path = "../tests/support/mod.rs"]
mod machine;
mod support;

use std::hint::black_box;
use std::rc::Rc;
use std::time::Instant;

use rsruckig::prelude::{InputParameter, Ruckig, ThrowErrorHandler, Trajectory};
use support::{Samples, counts, print_figure};
use yep::drive::Rings;
use yep::drive::chunk::Chunk;
use yep::motion::plan::{MovePlan, Target};
use yep::motion::runs::{RunMaker, StepRun};
use yep::motion::{
    CycleBounds, FeedLimits, FeedTarget, FeedWindow, Feeder, Follower, Inputs, Kinematics, MotionLimits,
    Pace, Piece, ProfileLimits, RampLimits, ScriptPoint, Tracker, step_times, stop,
};
use yep::wave::envelope::Size;
use yep::wave::interpolate::{Interpolation, Knot, through};
use yep::wave::trapezoid::{Shares, trapezoid};
use yep::wave::{Cubics, Graph, Shape, Wave};

const CYCLE_S: f64 = 0.001;
const RANGE_MM: f64 = 145.0;
/// Resolution of the default simulated rail, and that of 1/16 steps on the same pulley.
const FEW_STEPS_PER_MM: f64 = 10.0;
const MANY_STEPS_PER_MM: f64 = 80.0;

/// Instructions of Klipper's host per step (itersolve, stepcompress and the queue, trapezoid), measured for the same
/// strokes.
const KLIPPER: f64 = 228.0;

/// Number of different whole moves.
const MOVES: usize = 4_000;

/// An operation that is measured by repetition.
struct Unit {
    name: &'static str,
    per: &'static str,
    /// Repetitions for one sample of its time: whole rounds, where the parts of a round differ.
    batch: u64,
    run: Box<dyn FnMut(u64)>,
}

fn units() -> Vec<Unit> {
    let unit = |name, per, batch, run| Unit { name, per, batch, run };
    vec![
        unit("tracker_approach", "cycle", 5_000, tracking(approach())),
        unit("tracker_sine", "cycle", 5_000, tracking(sine())),
        unit("tracker_square", "cycle", 5_000, tracking(square())),
        unit("follower", "cycle", 5_000, following()),
        unit("follower_changing", "cycle", 5_000, following_changes()),
        unit("feed_stream", "cycle", 5_000, feeding(0.01)),
        unit("feed_moves", "cycle", 5_000, feeding(0.5)),
        unit("feed_script", "cycle", 5_000, playing(0.2, false)),
        unit("feed_script_dense", "cycle", 5_000, playing(0.02, false)),
        unit("feed_script_anew", "cycle", 5_000, playing(0.02, true)),
        unit("wave_sine", "point", 50_000, evaluating(Shape::Sine)),
        unit("wave_square", "point", 50_000, evaluating(Shape::Square)),
        unit("wave_trapezoid", "point", 50_000, evaluating(trapezoid(QUARTERS))),
        unit("wave_points_10", "point", 50_000, evaluating(jagged(10))),
        unit("wave_points_1000", "point", 50_000, evaluating(jagged(1_000))),
        unit("step_10_per_mm", "step", 2_900, stepping(FEW_STEPS_PER_MM)),
        unit("step_80_per_mm", "step", 23_200, stepping(MANY_STEPS_PER_MM)),
        unit("runs_make", "step", 24_000, making()),
        unit("runs_expand", "step", 24_000, expanding()),
        unit("tail", "tail", 5_000, stopping()),
        unit("plan", "move", MOVES as u64, planning()),
        unit("plan_rsruckig", "move", MOVES as u64, planning_with_rsruckig()),
        unit("ring", "chunk", 50_000, passing()),
    ]
}

fn main() {
    if let Some((name, count)) = counts::requested() {
        if let Some((_, steps_per_mm, speed)) = LOOPS.into_iter().find(|(loops, ..)| *loops == name) {
            run_loops(steps_per_mm, speed, count);
            return;
        }
        let unit = units().into_iter().find(|unit| unit.name == name);
        (unit.expect("a unit of this name").run)(count);
        return;
    }
    if !support::is_bench_run() {
        return;
    }
    for Unit { name, per, batch, mut run } in units() {
        Samples::of(100, batch, &mut run).print(&format!("motion.{name}"), &format!("ns/{per}"));
    }
    for (name, course) in [("approach", approach()), ("sine", sine()), ("square", square())] {
        dearest(name, course);
    }
    if counts::is_available() {
        let mut runs = 0.0;
        for Unit { name, per, .. } in units() {
            // Whole rounds of strokes, 24 000 steps each, and about as many repetitions of every other unit.
            let range = (24_000, 120_000);
            let counted = counts::print_per_unit(&format!("motion.{name}"), per, name, range, 1.0);
            if name.starts_with("runs_") {
                runs += counted.unwrap_or(f64::NAN);
            }
        }
        for (name, steps_per_mm, speed) in LOOPS {
            print_loops(name, steps_per_mm, speed);
        }
        print_figure("motion.runs", runs, "instructions/step", "made and expanded; the aim is 17");
        let how = format!("Klipper's {KLIPPER} instructions a step by what a step costs in runs");
        print_figure("motion.runs.beside_klipper", KLIPPER / runs, "x", &how);
    }
}

/// Name, steps/mm and highest speed of the sines that the whole machine runs.
const LOOPS: [(&str, f64, f64); 3] =
    [("loops_1khz", 10.0, 100.0), ("loops_32khz", 80.0, 400.0), ("loops_196khz", 400.0, 490.0)];

/// A homed machine runs its sine for `seconds`; returns the number of steps.
fn run_loops(steps_per_mm: f64, speed: f64, seconds: u64) -> u64 {
    let mut loops =
        loops::Loops::homed(&fine::fine(machine::options(), steps_per_mm, 500.0), loops::Costs::default());
    loops.command(machine::sine(fine::period_s(speed)));
    let before = loops.rail().made();
    loops.run_ms(1_000 * seconds);
    loops.rail().made() - before
}

fn print_loops(name: &str, steps_per_mm: f64, speed: f64) {
    let range = (4, 12);
    let [few, many] = [range.0, range.1].map(|seconds| run_loops(steps_per_mm, speed, seconds));
    let per_s = (many - few) as f64 / (range.1 - range.0) as f64;
    counts::print_per_unit(&format!("motion.{name}"), "step", name, range, per_s);
    let part = counts::only_within("*step_loop_alone*");
    counts::print_per_unit_with(part, &format!("motion.{name}.step_loop"), "step", name, range, per_s);
}

/// A reference cycle by cycle, repeated, and an axis that follows it.
#[derive(Clone)]
struct Course {
    reference: Rc<[Kinematics]>,
    speed_mm_s: f64,
    next: usize,
    tracker: Tracker,
    axis: Kinematics,
}

impl Course {
    fn new(reference: Vec<Kinematics>, speed_mm_s: f64) -> Course {
        let axis = reference[0];
        Course { reference: reference.into(), speed_mm_s, next: 0, tracker: Tracker::new(CYCLE_S), axis }
    }

    fn cycle(&mut self, limits: &MotionLimits) {
        let bounds = CycleBounds {
            low_mm: 0.0,
            high_mm: RANGE_MM,
            forward_mm_s: self.speed_mm_s,
            backward_mm_s: self.speed_mm_s,
            pace_mm_s: f64::INFINITY,
        };
        let now = self.reference[self.next];
        self.next = (self.next + 1) % self.reference.len();
        let then = self.reference[self.next];
        self.axis = black_box(self.tracker.plan(self.axis, now, then, limits, &bounds)).end;
    }
}

/// From end to end and back at 60 mm/s, each with the time that it takes.
fn approach() -> Course {
    let reference = (0..5_000).map(|i| Kinematics::at_rest(if i < 2_500 { RANGE_MM } else { 0.0 }));
    Course::new(reference.collect(), MotionLimits::default().approach_speed.get())
}

/// A period of a sine of 5 s, which every limit allows.
fn sine() -> Course {
    wave(Shape::Sine, 5.0)
}

/// A period of a square of 1 s, during half of which the axis moves.
fn square() -> Course {
    wave(Shape::Square, 1.0)
}

fn wave(shape: Shape, period_s: f64) -> Course {
    let reference = (0..(period_s / CYCLE_S) as u32).map(|i| {
        let point = shape.at(f64::from(i) * CYCLE_S / period_s);
        Kinematics {
            p: RANGE_MM * point.position,
            v: RANGE_MM * point.slope / period_s,
            a: RANGE_MM * point.curvature / (period_s * period_s),
        }
    });
    Course::new(reference.collect(), MotionLimits::default().max_speed.get())
}

fn tracking(mut course: Course) -> Box<dyn FnMut(u64)> {
    let limits = MotionLimits::default();
    Box::new(move |count| {
        for _ in 0..count {
            course.cycle(&limits);
        }
    })
}

/// Measures every cycle of the second round by itself, often enough that interruptions and cold caches do not count.
fn dearest(name: &str, mut course: Course) {
    const TIMES: u32 = 20;
    const ATTEMPTS: u32 = 5;
    let limits = MotionLimits::default();
    let cycles = course.reference.len();
    for _ in 0..cycles {
        course.cycle(&limits);
    }
    let mut of_one = || {
        let here = course.clone();
        let attempt = |_| {
            let mut copies = vec![here.clone(); TIMES as usize];
            let begin = Instant::now();
            for copy in &mut copies {
                copy.cycle(&limits);
            }
            begin.elapsed().as_nanos() as f64 / f64::from(TIMES)
        };
        let least = (0..ATTEMPTS).map(attempt).fold(f64::INFINITY, f64::min);
        course.cycle(&limits);
        least
    };
    let all = Samples::new((0..cycles).map(|_| of_one()).collect());
    let how = format!("of the {cycles} cycles of one round, each the best of {ATTEMPTS}");
    print_figure(&format!("motion.tracker_{name}.dearest"), all.max(), "ns/cycle", &how);
}

fn following() -> Box<dyn FnMut(u64)> {
    let mut follower = Follower::new(Wave::new(Shape::Sine, 5.0).expect("a period"));
    let axis = Kinematics::at_rest(0.0);
    Box::new(move |count| {
        for _ in 0..count {
            let now = black_box(follower.reference(RANGE_MM));
            follower.advance(CYCLE_S, &axis, RANGE_MM);
            black_box((now, follower.reference(RANGE_MM)));
        }
    })
}

/// A target each 10 ms that leaves so much time.
fn feeding(time_s: f64) -> Box<dyn FnMut(u64)> {
    const EVERY: u64 = 10;
    let limits = MotionLimits::DEFAULT;
    let (most, approach_mm_s) = (limits.profile(limits.max_speed.get()), limits.approach_speed.get());
    let window = FeedWindow { back_mm: 0.0, front_mm: RANGE_MM };
    let mut feeder = Feeder::new(window, FeedLimits { most, approach_mm_s, ahead_s: 0.006 });
    let (mut done, mut axis) = (0u64, Kinematics::at_rest(RANGE_MM / 2.0));
    feeder.begin(axis.p, 0.0);
    Box::new(move |count| {
        for _ in 0..count {
            let at_s = done as f64 * CYCLE_S;
            if done.is_multiple_of(EVERY) {
                let share = 0.5 + 0.3 * (at_s * 3.0).sin();
                feeder.push(FeedTarget { share, pace: Pace::Within { time_s } }, at_s);
            }
            done += 1;
            feeder.settle(&axis, false);
            feeder.advance(at_s + 0.007);
            axis = black_box(feeder.reference());
        }
    })
}

/// The path of a script with a point each `interval_s`, which a player sends one by one, or all that are ahead `anew` each 20 cycles.
fn playing(interval_s: f64, anew: bool) -> Box<dyn FnMut(u64)> {
    const EVERY: u64 = 20;
    const AHEAD: u64 = 24;
    let limits = MotionLimits::DEFAULT;
    let (most, approach_mm_s) = (limits.profile(limits.max_speed.get()), limits.approach_speed.get());
    let window = FeedWindow { back_mm: 0.0, front_mm: RANGE_MM };
    let mut feeder = Feeder::new(window, FeedLimits { most, approach_mm_s, ahead_s: 0.006 });
    let (mut done, mut sent, mut axis) = (0u64, 0u64, Kinematics::at_rest(RANGE_MM / 2.0));
    feeder.begin(axis.p, 0.0);
    Box::new(move |count| {
        for _ in 0..count {
            let at_s = done as f64 * CYCLE_S;
            if done.is_multiple_of(EVERY) {
                let past = (at_s / interval_s) as u64 + 1;
                let shift_s = if anew && (done / EVERY).is_multiple_of(2) { 0.003 } else { 0.0 };
                if anew {
                    feeder.clear_points();
                    sent = past;
                }
                while sent < past + AHEAD {
                    let due_s = sent as f64 * interval_s;
                    let share = 0.5 + 0.4 * (due_s / interval_s.max(0.2) * std::f64::consts::PI).cos();
                    let due_ns = ((due_s + shift_s) * 1e9) as u64;
                    feeder.push_point(ScriptPoint { due_ns, share }, at_s);
                    sent += 1;
                }
            }
            done += 1;
            feeder.settle(&axis, false);
            feeder.advance(at_s + 0.007);
            axis = black_box(feeder.reference());
        }
    })
}

/// The graphs are all different, so that each change fades one.
fn following_changes() -> Box<dyn FnMut(u64)> {
    const EVERY: u64 = 300;
    let curves: Vec<Graph> = (10..20).map(|count| jagged(count).into()).collect();
    let wave = |i: usize| {
        let mut wave = Wave::new(curves[i % curves.len()].clone(), 4.0 + (i % 3) as f64).expect("a period");
        wave.envelope.amplitude = Size::Share(0.5 + 0.1 * (i % 5) as f64);
        wave
    };
    let waves: Vec<Wave> = (0..30).map(wave).collect();
    let mut follower = Follower::new(waves[0].clone());
    let (mut done, mut next) = (0, 0);
    Box::new(move |count| {
        for _ in 0..count {
            done += 1;
            if done % EVERY == 0 {
                next = (next + 1) % waves.len();
                follower.change_to(waves[next].clone());
            }
            let now = black_box(follower.reference(RANGE_MM));
            follower.advance(CYCLE_S, &now, RANGE_MM);
            black_box((now, follower.reference(RANGE_MM)));
        }
    })
}

const QUARTERS: Shares = Shares { rise: 0.25, hold_front: 0.25, fall: 0.25, hold_back: 0.25 };

/// A graph through `count` points.
fn jagged(count: u32) -> Cubics {
    let knot =
        |i| Knot { phase: f64::from(i) / f64::from(count), position: 0.5 + 0.5 * (f64::from(i) * 0.7).sin() };
    through(&(0..count).map(knot).collect::<Vec<_>>(), Interpolation::Monotone).expect("points")
}

/// Evaluates a period of 5 s, cycle by cycle.
fn evaluating(graph: impl Into<Graph>) -> Box<dyn FnMut(u64)> {
    let (graph, mut phase) = (graph.into(), 0.0);
    Box::new(move |count| {
        for _ in 0..count {
            phase += CYCLE_S / 5.0;
            black_box(graph.at(black_box(phase)));
        }
    })
}

/// The cycles of one period, each with the state that it leads to.
fn planned(mut course: Course) -> Vec<(Kinematics, Kinematics)> {
    let limits = MotionLimits::default();
    let mut cycle = || {
        let start = course.axis;
        course.cycle(&limits);
        (start, course.axis)
    };
    (0..5_000).map(|_| cycle()).collect()
}

/// Solves each piece to its end and then the next one, as the step loop does. Counts steps, not pieces.
fn stepping(steps_per_mm: f64) -> Box<dyn FnMut(u64)> {
    let scaled = |(start, end): (Kinematics, Kinematics)| {
        let jerk = (end.a - start.a) / CYCLE_S * steps_per_mm;
        let start =
            Kinematics { p: start.p * steps_per_mm, v: start.v * steps_per_mm, a: start.a * steps_per_mm };
        (start, Piece { jerk, duration_s: CYCLE_S })
    };
    let pieces: Vec<_> = planned(sine()).into_iter().map(scaled).collect();
    let (mut next, mut from_s, mut axis) = (0, 0.0, 0);
    Box::new(move |count| {
        let mut left = count;
        while left > 0 {
            let (start, piece) = black_box(&pieces[next]);
            if let Some(step) = step_times::next_step(start, *piece, axis, from_s) {
                from_s = black_box(step.at_s);
                axis += if step.forward { 1 } else { -1 };
                left -= 1;
            } else {
                black_box(start.after_piece(*piece));
                from_s = 0.0;
                next = (next + 1) % pieces.len();
            }
        }
    })
}

/// A cycle of a stroke, in steps.
struct Cycle {
    start: Kinematics,
    pieces: Vec<Piece>,
    end: Kinematics,
}

/// The cycles of strokes of 150 mm there and back, with the limits used for the other programs.
fn strokes() -> Vec<Cycle> {
    let rates = ProfileLimits { speed: 400.0, acceleration: 5_000.0, jerk: 100_000.0 };
    let everywhere = (f64::MIN, f64::MAX);
    let mut cycles = Vec::new();
    for (from, to) in [(0.0, 150.0), (150.0, 0.0)] {
        let start = Kinematics::at_rest(from * MANY_STEPS_PER_MM);
        let scaled = |rate: f64| rate * MANY_STEPS_PER_MM;
        let rates = ProfileLimits {
            speed: scaled(rates.speed),
            acceleration: scaled(rates.acceleration),
            jerk: scaled(rates.jerk),
        };
        let target = Target { p: to * MANY_STEPS_PER_MM, v: 0.0 };
        let plan = MovePlan::new(start, target, rates, everywhere).expect("a stroke");
        cycles.extend(sliced(start, plan.pieces()));
    }
    cycles
}

/// The pieces cut into cycles.
fn sliced(start: Kinematics, pieces: &[Piece]) -> Vec<Cycle> {
    let mut cycles = Vec::new();
    let (mut at, mut cycle, mut room_s, mut begin) = (start, Vec::new(), CYCLE_S, start);
    for piece in pieces {
        let mut left_s = piece.duration_s;
        while left_s > 0.0 {
            let part = Piece { jerk: piece.jerk, duration_s: left_s.min(room_s) };
            at = at.after_piece(part);
            cycle.push(part);
            left_s -= part.duration_s;
            room_s -= part.duration_s;
            if room_s <= 0.0 {
                cycles.push(Cycle { start: begin, pieces: std::mem::take(&mut cycle), end: at });
                (begin, room_s) = (at, CYCLE_S);
            }
        }
    }
    cycles.push(Cycle { start: begin, pieces: cycle, end: at });
    cycles
}

fn making() -> Box<dyn FnMut(u64)> {
    let cycles = strokes();
    let (mut maker, mut runs) = (RunMaker::new(0), heapless::Vec::new());
    Box::new(move |count| {
        let mut left = count as i64;
        while left > 0 {
            for Cycle { start, pieces, end } in &cycles {
                let before = maker.count();
                assert!(maker.make_runs(start, pieces, end, &mut runs));
                black_box(&mut runs);
                left -= (maker.count() - before).abs();
            }
        }
    })
}

fn expanding() -> Box<dyn FnMut(u64)> {
    let mut maker = RunMaker::new(0);
    let mut runs: Vec<StepRun> = Vec::new();
    for Cycle { start, pieces, end } in strokes() {
        let mut some = heapless::Vec::new();
        assert!(maker.make_runs(&start, &pieces, &end, &mut some));
        runs.extend(some);
    }
    Box::new(move |count| {
        let mut left = count as i64;
        while left > 0 {
            for run in &runs {
                for instant in run.instants() {
                    black_box(instant);
                }
                left -= i64::from(run.steps);
            }
        }
    })
}

fn stopping() -> Box<dyn FnMut(u64)> {
    let limits = MotionLimits::default();
    let firmness =
        RampLimits { acceleration: limits.stop_deceleration.get(), jerk: limits.stop_jerk_mm_s3() };
    let states = planned(sine());
    let mut next = 0;
    Box::new(move |count| {
        for _ in 0..count {
            let (_, end) = states[next];
            next = (next + 1) % states.len();
            black_box(stop::tail(black_box(end.v), black_box(end.a), firmness));
        }
    })
}

/// Moves to rest from possible states of the axis, spread evenly (multiples of irrational numbers).
fn moves() -> Vec<(Kinematics, f64, ProfileLimits)> {
    let one = |i: usize| {
        let share = |prime: f64| (i as f64 * prime.sqrt()).fract();
        let rates = ProfileLimits {
            speed: 50.0 + 950.0 * share(2.0),
            acceleration: 1_000.0 + 19_000.0 * share(3.0),
            jerk: 1e5 + 2e6 * share(5.0),
        };
        let a = (2.0 * share(7.0) - 1.0) * rates.acceleration;
        let room = rates.speed - a * a / (2.0 * rates.jerk);
        let v = (2.0 * share(11.0) - 1.0) * room;
        let start = Kinematics { p: RANGE_MM * share(13.0), v, a };
        (room > 0.0).then_some((start, RANGE_MM * share(17.0), rates))
    };
    (1..).filter_map(one).take(MOVES).collect()
}

fn planning() -> Box<dyn FnMut(u64)> {
    let mut moves = moves().into_iter().cycle();
    Box::new(move |count| {
        for (start, p, rates) in moves.by_ref().take(count as usize) {
            let planned = MovePlan::new(start, Target { p, v: 0.0 }, rates, (f64::MIN, f64::MAX));
            assert!(black_box(planned).is_ok());
        }
    })
}

fn planning_with_rsruckig() -> Box<dyn FnMut(u64)> {
    // In metres, where rsruckig finds most moves.
    const M: f64 = 1e-3;
    let mut moves = moves().into_iter().cycle();
    let mut planner = Ruckig::<1, ThrowErrorHandler>::new(None, CYCLE_S);
    let mut input = InputParameter::new(None);
    let mut trajectory = Trajectory::new(None);
    Box::new(move |count| {
        for (start, p, rates) in moves.by_ref().take(count as usize) {
            input.current_position[0] = start.p * M;
            input.current_velocity[0] = start.v * M;
            input.current_acceleration[0] = start.a * M;
            input.target_position[0] = p * M;
            input.max_velocity[0] = rates.speed * M;
            input.max_acceleration[0] = rates.acceleration * M;
            input.max_jerk[0] = rates.jerk * M;
            // A move that rsruckig does not find costs time as well.
            let _ = black_box(planner.calculate(&input, &mut trajectory));
        }
    })
}

fn passing() -> Box<dyn FnMut(u64)> {
    let Rings { mut control, mut chunks, .. } = Rings::new();
    let mut chunk = Chunk {
        epoch: 1,
        start_ns: 0,
        duration_ns: 1_000_000,
        start: Kinematics::default(),
        runs: [StepRun::default(); 2].into_iter().collect(),
        timed: true,
        committed: [Piece::default()].into_iter().collect(),
        tail: [Piece::default(); 3].into_iter().collect(),
        armed_inputs: Inputs::ALL,
        last: false,
    };
    Box::new(move |count| {
        for _ in 0..count {
            chunk.start_ns += chunk.duration_ns;
            assert!(control.chunks.enqueue(black_box(chunk.clone())).is_ok());
            black_box(chunks.dequeue());
        }
    })
}
