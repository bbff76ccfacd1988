//! Step instants of runs against the exact method, over the whole range of the layout: each at most 25 ns beside its
//! exact instant, none outside its chunk, none before the previous one.
//!
//! `YEP_SEED` sets the seed, `YEP_ROUNDS` multiplies the number of cycles.

#[path = "support/random.rs"]
mod random;

use random::Random;
use yep::layout::{
    CONTROL_PERIOD_NS, MAX_ACCELERATION_MM_S2, MAX_JERK_MM_S3, MAX_SPEED_MM_S, MAX_STEP_RATE_HZ,
};
use yep::motion::runs::{RUNS_MAX, RunMaker, StepRun};
use yep::motion::{Kinematics, Piece, step_times};

const CYCLE_S: f64 = CONTROL_PERIOD_NS as f64 * 1e-9;

/// One cycle, in steps.
#[derive(Debug)]
struct Cycle {
    count: i64,
    start: Kinematics,
    pieces: Vec<Piece>,
}

impl Cycle {
    fn of_one_piece(p: f64, v: f64, a: f64, jerk: f64) -> Cycle {
        let pieces = vec![Piece { jerk, duration_s: CYCLE_S }];
        Cycle { count: p.round() as i64, start: Kinematics { p, v, a }, pieces }
    }

    /// A random cycle within the layout: without a turn, around one turn, around two turns, symmetrical, with two of
    /// both.
    fn some(random: &mut Random) -> Option<Cycle> {
        let steps_per_mm = random.log_between(10.0, 400.0);
        let side = |random: &mut Random| if random.chance(0.5) { 1.0 } else { -1.0 };
        let fastest = (MAX_SPEED_MM_S * steps_per_mm).min(f64::from(MAX_STEP_RATE_HZ));
        let hardest = MAX_ACCELERATION_MM_S2 * steps_per_mm;
        let some_jerk = |random: &mut Random| {
            let jerk = random.log_between(1e3, MAX_JERK_MM_S3) * steps_per_mm;
            if random.chance(0.1) { 0.0 } else { side(random) * jerk }
        };
        let jerk = some_jerk(random);
        let mut v = side(random) * random.log_between(1e-3, fastest);
        let mut a = side(random) * random.log_between(1.0, hardest);
        let turn_s = random.between(0.0, CYCLE_S);
        match random.below(5) {
            0 => v = -(a * turn_s + jerk * turn_s * turn_s / 2.0),
            1 => {
                let other_s = random.between(0.0, CYCLE_S);
                (v, a) = (jerk * turn_s * other_s / 2.0, -jerk * (turn_s + other_s) / 2.0);
            }
            2 => (v, a) = (jerk * turn_s * (CYCLE_S - turn_s) / 2.0, -jerk * CYCLE_S / 2.0),
            3 => a = -jerk * CYCLE_S / 2.0,
            _ => {}
        }
        let count = (side(random) * random.log_between(1.0, 1e6)) as i64;
        let start = Kinematics { p: count as f64 + random.between(-0.75, 0.75), v, a };
        let cut_s = if random.chance(0.2) { random.between(0.0, CYCLE_S) } else { 0.0 };
        let first = (cut_s > 0.0).then(|| Piece { jerk: some_jerk(random), duration_s: cut_s });
        let pieces = first.into_iter().chain([Piece { jerk, duration_s: CYCLE_S - cut_s }]).collect();
        (v.abs() <= fastest && a.abs() <= hardest).then_some(Cycle { count, start, pieces })
    }

    /// The steps by the exact method: nanoseconds, direction, and the time uncertainty of the place.
    fn exact(&self) -> Vec<(f64, bool, f64)> {
        let (mut at, mut begin_s, mut count, mut steps) = (self.start, 0.0, self.count, Vec::new());
        let rounding = 4.0 * f64::EPSILON * (1.0 + self.start.p.abs());
        for piece in &self.pieces {
            let mut from_s = 0.0;
            while let Some(step) = step_times::next_step(&at, *piece, count, from_s) {
                count += if step.forward { 1 } else { -1 };
                from_s = step.at_s;
                let doubt_s = rounding / at.after(piece.jerk, step.at_s).v.abs();
                steps.push(((begin_s + step.at_s) * 1e9, step.forward, doubt_s * 1e9));
            }
            at = at.after_piece(*piece);
            begin_s += piece.duration_s;
        }
        steps
    }

    /// The same steps by runs; `None` if runs do not fit.
    fn timed(&self) -> Option<Vec<(i64, bool)>> {
        let end = self.pieces.iter().fold(self.start, |at, piece| at.after_piece(*piece));
        let mut runs: heapless::Vec<StepRun, RUNS_MAX> = heapless::Vec::new();
        let made = RunMaker::new(self.count).make_runs(&self.start, &self.pieces, &end, &mut runs);
        made.then(|| runs.iter().flat_map(|run| run.instants().map(|ns| (ns, run.forward))).collect())
    }

    /// Largest error of a step in ns; `None` where the exact method makes the steps.
    fn worst_error_ns(&self) -> Option<f64> {
        let timed = self.timed()?;
        let exact = self.exact();
        assert_eq!(timed.len(), exact.len(), "{self:?}");
        let (mut last_ns, mut worst_ns) = (0, 0.0f64);
        for ((ns, forward), (exact_ns, exact_forward, doubt_ns)) in timed.into_iter().zip(exact) {
            assert_eq!(forward, exact_forward, "{self:?}");
            assert!((last_ns..=CONTROL_PERIOD_NS as i64).contains(&ns), "{ns} ns after {last_ns}: {self:?}");
            last_ns = ns;
            let beside_ns = (ns as f64 - exact_ns).abs() - doubt_ns;
            assert!(beside_ns <= 25.0, "{ns} and not {exact_ns} ns: {self:?}");
            worst_ns = worst_ns.max(beside_ns);
        }
        Some(worst_ns)
    }
}

#[test]
fn two_turns_whose_hump_is_symmetrical_and_the_neighbourhood_of_a_turn() {
    // The middle of a hump is exact, whatever the slopes at its ends.
    let hump =
        Cycle::of_one_piece(0.446878855914302, -1.1414386994116301, 1073167.4411956728, -2328884624.5464654);
    // 160 steps/mm, 20 800 mm/s².
    let behind_a_turn =
        Cycle::of_one_piece(0.3377778106991668, 186.45889245375682, 3321865.813855453, -21148142.435663052);
    for cycle in [hump, behind_a_turn] {
        cycle.worst_error_ns();
    }
}

#[test]
fn every_step_is_at_its_instant_and_none_outside_its_chunk() {
    let mut random = random::from_env();
    let rounds = std::env::var("YEP_ROUNDS").ok().and_then(|times| times.parse().ok()).unwrap_or(1u64);
    let (mut cycles, mut timed, mut worst_ns) = (0u64, 0u64, 0.0f64);
    while cycles < rounds * 200_000 {
        let Some(cycle) = Cycle::some(&mut random) else { continue };
        cycles += 1;
        if let Some(beside_ns) = cycle.worst_error_ns() {
            timed += 1;
            worst_ns = worst_ns.max(beside_ns);
        }
    }
    println!(
        "{cycles} cycles, {timed} of them timed by runs; the worst step {worst_ns:.1} ns beside the plan"
    );
    assert!(timed > cycles * 9 / 10);
}
