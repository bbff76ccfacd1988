//! Runs: many steps in one direction, timed by one cubic.
//!
//! The instant of a step is the inverse of the plan: `t(s)` with `p(t) = s`. Between two steps of a smooth plan that
//! function is so nearly a cubic that a Hermite cubic through both ends, with the slopes `dt/ds = 1/v`, is exact to
//! nanoseconds over dozens of steps. A run is such a cubic in fixed point, so that the step loop needs three
//! additions for the next instant:
//!
//! ```text
//! t(s) = t₀ + m₀ s + c₂ s² + c₃ s³       d = t₁ - t₀, n steps, mᵢ = 1/vᵢ
//! c₂ = (3 d/n - 2 m₀ - m₁) / n           c₃ = (m₀ + m₁ - 2 d/n) / n²
//! ```
//!
//! The error is measured against the plan itself, at one step of every run: a little off the middle toward the slow
//! end, where it is largest (`s²(n-s)²` times a fourth derivative that grows as the speed falls). A run whose error is above [`TOLERANCE_S`] is halved. Where halving ends at a single step (from rest, at a
//! turn) the instant is solved for exactly.
//!
//! The steps are those of [`step_times`](super::step_times): same boundaries, same hysteresis, same count.

use heapless::Vec;

use super::kinematics::{Kinematics, Piece};
use super::step_times::{self, HYSTERESIS};

/// Most runs of one chunk; a cycle that needs more is left to the exact method.
pub const RUNS_MAX: usize = 6;
/// Most steps of a run: bounds what rounding in fixed point can add up to.
const STEPS_MAX: i64 = 256;
/// Largest error of the measured step. Near a turn another step can be twice as far off: with this, none is more than
/// 25 ns beside the plan.
const TOLERANCE_S: f64 = 10e-9;
/// Runs up to this long are measured at every step.
const SHORT: i64 = 4;
/// Bits behind the point of a nanosecond.
const FRACTION_BITS: u32 = 24;
/// Fixed-point nanoseconds in a second.
const FIXED_PER_S: f64 = 1e9 * (1u64 << FRACTION_BITS) as f64;
/// Newton's correction below which an instant is exact enough.
const EXACT_S: f64 = 0.5e-9;
const ROUNDS: u32 = 8;

/// Steps in one direction, timed by a cubic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Run {
    /// The instant of the step before the first one, in fixed-point nanoseconds from the start of the chunk.
    base: i64,
    /// First, second and third difference of the instants.
    differences: [i64; 3],
    /// How many steps.
    pub steps: u32,
    /// Toward the front.
    pub forward: bool,
}

impl Run {
    /// The instants of the steps, in nanoseconds from the start of the chunk.
    #[must_use]
    pub fn instants(&self) -> Instants {
        Instants { at: self.base, differences: self.differences, left: self.steps }
    }

    fn single(at_s: f64, forward: bool) -> Run {
        Run { base: (at_s * FIXED_PER_S) as i64, differences: [0; 3], steps: 1, forward }
    }
}

/// Goes through the instants of a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Instants {
    at: i64,
    differences: [i64; 3],
    left: u32,
}

impl Iterator for Instants {
    type Item = i64;

    #[inline]
    fn next(&mut self) -> Option<i64> {
        self.left = self.left.checked_sub(1)?;
        let [first, second, third] = self.differences;
        self.at += first;
        self.differences = [first + second, second + third, third];
        Some(self.at >> FRACTION_BITS)
    }
}

/// The last step that was made: where the next run begins.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    at_s: f64,
    /// Time for a step at the speed there: `t'`.
    slowness_s: f64,
    /// How that changes from step to step: `t'' = -a t'³`.
    slowing_s: f64,
    forward: bool,
}

/// Makes the runs of one motion, chunk after chunk.
#[derive(Debug, Clone)]
pub struct RunMaker {
    count: i64,
    anchor: Option<Anchor>,
}

/// A stretch of a piece in which the plan moves one way.
struct Stretch {
    start: Kinematics,
    jerk: f64,
    /// +1 or -1.
    side: f64,
    begin_s: f64,
    end_s: f64,
    /// Where the piece begins, from the start of the chunk.
    offset_s: f64,
}

impl Stretch {
    /// When the plan crosses `boundary`, which it does after `low_s`: Newton's method from `guess_s`, kept between
    /// the two ends by bisection.
    fn crossing(&self, boundary: f64, low_s: f64, guess_s: f64) -> (f64, f64) {
        let (mut low_s, mut high_s) = (low_s, self.end_s);
        let mut t_s =
            if guess_s > low_s && guess_s < high_s { guess_s } else { f64::midpoint(low_s, high_s) };
        for _ in 0..ROUNDS {
            let at = self.start.after(self.jerk, t_s);
            let ahead = self.side * (at.p - boundary);
            let speed = self.side * at.v;
            if ahead > 0.0 {
                high_s = t_s;
            } else {
                low_s = t_s;
            }
            let correction_s = ahead / speed;
            let next_s = t_s - correction_s;
            if correction_s.abs() < EXACT_S {
                return (next_s, speed);
            }
            t_s = if next_s > low_s && next_s < high_s { next_s } else { f64::midpoint(low_s, high_s) };
        }
        // Where the speed is almost nothing Newton's method wanders; the exact method bisects on.
        let piece = Piece { jerk: self.jerk, duration_s: self.end_s };
        let t_s = step_times::crossing(&self.start, piece, boundary, low_s, high_s);
        (t_s, self.side * self.start.after(self.jerk, t_s).v)
    }
}

impl RunMaker {
    /// For a motion that starts with the step counter at `count`.
    #[must_use]
    pub fn new(count: i64) -> RunMaker {
        RunMaker { count, anchor: None }
    }

    /// The step counter after everything that was made.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.count
    }

    /// Makes the runs of a chunk that begins with `start` (in steps) and consists of `pieces`, into `runs`, which is
    /// emptied first. False if they are more than it can hold: then it is the step loop that solves for each step.
    /// Either way the count goes on.
    pub fn make(&mut self, start: Kinematics, pieces: &[Piece], runs: &mut Vec<Run, RUNS_MAX>) -> bool {
        let before = self.count;
        runs.clear();
        let mut at = start;
        let mut offset_s = 0.0;
        let mut fits = true;
        for piece in pieces {
            let end = at.after_piece(*piece);
            let mut stretch =
                Stretch { start: at, jerk: piece.jerk, side: 1.0, begin_s: 0.0, end_s: 0.0, offset_s };
            if !at.keeps_direction(*piece, &end) {
                for turn_s in at.turning_times(*piece).into_iter().flatten() {
                    stretch.end_s = turn_s;
                    fits = fits && self.stretch(&mut stretch, at.after(piece.jerk, turn_s).p, runs);
                    stretch.begin_s = turn_s;
                }
            }
            stretch.end_s = piece.duration_s;
            fits = fits && self.stretch(&mut stretch, end.p, runs);
            at = end;
            offset_s += piece.duration_s;
        }
        if fits {
            if let Some(anchor) = &mut self.anchor {
                anchor.at_s -= offset_s;
            }
        } else {
            runs.clear();
            self.count = before;
            self.count_exactly(start, pieces);
        }
        fits
    }

    fn count_exactly(&mut self, start: Kinematics, pieces: &[Piece]) {
        self.anchor = None;
        let mut at = start;
        for piece in pieces {
            let mut from_s = 0.0;
            while let Some(step) = step_times::next_step(&at, *piece, self.count, from_s) {
                self.count += if step.forward { 1 } else { -1 };
                from_s = step.at_s;
            }
            at = at.after_piece(*piece);
        }
    }

    /// The runs of one stretch, which leads to the position `end`; false if they do not fit.
    #[inline]
    fn stretch(&mut self, stretch: &mut Stretch, end: f64, runs: &mut Vec<Run, RUNS_MAX>) -> bool {
        let beyond = end - self.count as f64;
        let side = if beyond < 0.0 { -1.0 } else { 1.0 };
        let beyond = side * beyond - (0.5 + HYSTERESIS);
        if beyond < 0.0 {
            return true;
        }
        stretch.side = side;
        let mut left = beyond as i64 + 1;
        let mut steps = left.min(STEPS_MAX);
        while left > 0 {
            let (run, anchor) = self.run(stretch, steps.min(left));
            if runs.push(run).is_err() {
                return false;
            }
            let made = i64::from(run.steps);
            self.anchor = Some(anchor);
            self.count += if side > 0.0 { made } else { -made };
            left -= made;
            // What did not fit one cubic now will hardly fit the next; let it grow again from there.
            steps = if made < steps { made * 2 } else { STEPS_MAX };
        }
        true
    }

    /// The longest run of at most `steps` steps from here on.
    fn run(&self, stretch: &Stretch, steps: i64) -> (Run, Anchor) {
        let forward = stretch.side > 0.0;
        let first = self.count as f64 + stretch.side * (0.5 + HYSTERESIS);
        let exact = |n: i64, low_s: f64, guess_s: f64| {
            let (at_s, speed) = stretch.crossing(first + stretch.side * (n - 1) as f64, low_s, guess_s);
            let slowness_s = 1.0 / speed;
            let pull = stretch.side * (stretch.start.a + stretch.jerk * at_s);
            let slowing_s = -pull * slowness_s * slowness_s * slowness_s;
            Anchor { at_s: at_s + stretch.offset_s, slowness_s, slowing_s, forward }
        };
        let anchor = self.anchor.filter(|anchor| anchor.forward == forward);
        let Some(from) = anchor else {
            let only = exact(1, stretch.begin_s, stretch.begin_s);
            return (Run::single(only.at_s, forward), only);
        };
        let from_s = from.at_s - stretch.offset_s;
        let low_s = from_s.max(stretch.begin_s);
        let mut steps = steps;
        loop {
            let n = steps as f64;
            let to = exact(steps, low_s, from_s + n * (from.slowness_s + n * from.slowing_s / 2.0));
            if steps == 1 {
                return (Run::single(to.at_s, forward), to);
            }
            let per_n = 1.0 / n;
            let mean_s = (to.at_s - from.at_s) * per_n;
            let c2 = (3.0 * mean_s - 2.0 * from.slowness_s - to.slowness_s) * per_n;
            let c3 = (from.slowness_s + to.slowness_s - 2.0 * mean_s) * per_n * per_n;
            let beside_plan = |step: i64| {
                let s = step as f64;
                let at_s = from_s + s * (from.slowness_s + s * (c2 + s * c3));
                let at = stretch.start.after(stretch.jerk, at_s);
                let beside = (at.p - (first + stretch.side * (s - 1.0))).abs();
                at_s < stretch.begin_s || beside > TOLERANCE_S * stretch.side * at.v
            };
            // A little off the middle toward the slow end; short runs are near a turn, and measured everywhere.
            let slow_end = if to.slowness_s > from.slowness_s { 3 * steps / 5 } else { 2 * steps / 5 };
            let wrong = if steps <= SHORT { (1..steps).any(beside_plan) } else { beside_plan(slow_end) };
            if !wrong {
                let differences = [from.slowness_s + c2 + c3, 2.0 * c2 + 6.0 * c3, 6.0 * c3];
                let run = Run {
                    base: (from.at_s * FIXED_PER_S) as i64,
                    differences: differences.map(|difference_s| (difference_s * FIXED_PER_S) as i64),
                    steps: steps as u32,
                    forward,
                };
                return (run, to);
            }
            steps /= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The steps by the exact method, one by one: nanoseconds and direction.
    fn exact(start: Kinematics, pieces: &[Piece], count: &mut i64) -> std::vec::Vec<(f64, bool)> {
        let mut steps = std::vec::Vec::new();
        let (mut at, mut offset_s) = (start, 0.0);
        for piece in pieces {
            let mut from_s = 0.0;
            while let Some(step) = step_times::next_step(&at, *piece, *count, from_s) {
                *count += if step.forward { 1 } else { -1 };
                from_s = step.at_s;
                steps.push(((offset_s + step.at_s) * 1e9, step.forward));
            }
            at = at.after_piece(*piece);
            offset_s += piece.duration_s;
        }
        steps
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn runs_make_the_same_steps_at_the_same_instants(
            v in -2e5..2e5f64, a in -1e6..1e6f64,
            jerks in prop::collection::vec(-4e7..4e7f64, 40..120),
        ) {
            let mut at = Kinematics { p: 0.0, v, a };
            let (mut count, mut made) = (0, RunMaker::new(0));
            let mut last_ns = i64::MIN;
            for (cycle, jerk) in jerks.iter().enumerate() {
                // Pulled back, so that speed and acceleration stay where a planner would keep them.
                let jerk = jerk - at.a * 20.0 - at.v * 2_000.0;
                let pieces = [Piece { jerk, duration_s: 0.001 }];
                let wanted = exact(at, &pieces, &mut count);
                let mut runs = Vec::new();
                if made.make(at, &pieces, &mut runs) {
                    let got: std::vec::Vec<_> =
                        runs.iter().flat_map(|run| run.instants().map(|ns| (ns, run.forward))).collect();
                    prop_assert_eq!(got.len(), wanted.len(), "cycle {}", cycle);
                    for ((ns, forward), (exact_ns, exact_forward)) in got.iter().zip(&wanted) {
                        prop_assert_eq!(forward, exact_forward);
                        let error_ns = (*ns as f64 - exact_ns).abs();
                        // Slow steps: the plan itself is flat there, and a nanosecond means less than rounding.
                        prop_assert!(error_ns <= 25.0, "{error_ns} ns in cycle {cycle}");
                        let absolute = *ns + cycle as i64 * 1_000_000;
                        prop_assert!(absolute > last_ns, "{absolute} after {last_ns}");
                        last_ns = absolute;
                    }
                }
                prop_assert_eq!(made.count(), count);
                at = at.after_piece(pieces[0]);
            }
        }
    }

    #[test]
    fn ten_million_steps_are_counted_exactly() {
        let (mut made, mut emitted) = (RunMaker::new(0), 0i64);
        let mut at = Kinematics::at_rest(0.0);
        let mut total = 0u64;
        let mut cycle = 0u32;
        while total < 10_000_000 {
            // 75 000 steps of stroke in half a second: up to 236 kHz.
            let target = |cycle: u32| {
                let angle = f64::from(cycle) * 0.001 * core::f64::consts::TAU;
                let w = core::f64::consts::TAU;
                (-37_500.0 * libm::cos(angle) * w * w, 0.0).0
            };
            let jerk = (target(cycle + 1) - target(cycle)) / 0.001;
            let pieces = [Piece { jerk, duration_s: 0.001 }];
            if cycle == 0 {
                at.a = target(0);
            }
            let mut runs = Vec::new();
            assert!(made.make(at, &pieces, &mut runs), "a smooth sine needs few runs");
            for run in &runs {
                let n = run.instants().count() as i64;
                emitted += if run.forward { n } else { -n };
                total += n as u64;
            }
            assert_eq!(emitted, made.count());
            at = at.after_piece(pieces[0]);
            assert!((at.p - made.count() as f64).abs() <= 0.5 + HYSTERESIS + 1e-6);
            cycle += 1;
        }
    }
}
