//! Runs: many steps in one direction, timed by one cubic.
//!
//! The instant of a step is the inverse of the plan: `t(s)` where the plan has gone `s` steps. Over a stretch of
//! constant jerk that function is so nearly a cubic that a Hermite cubic through both ends, with the slopes
//! `dt/ds = 1/v`, is exact to nanoseconds. Both ends need no solving, since the plan knows position and velocity there;
//! they lie between steps, which the cubic does not mind:
//!
//! ```text
//! t(s₀ + u) = t₀ + m₀ u + c₂ u² + c₃ u³        d = t₁ - t₀, h = s₁ - s₀, mᵢ = 1/vᵢ
//! c₂ = (3 d/h - 2 m₀ - m₁) / h                 c₃ = (m₀ + m₁ - 2 d/h) / h²
//! ```
//!
//! A run is this cubic at whole `s`, as differences in fixed point, so that the step loop needs three additions for the
//! next instant. The error is measured against the plan at one place, a little off the middle toward the slow end,
//! where that of a Hermite cubic is largest; a stretch whose error is above [`TOLERANCE_S`] is halved. Where halving
//! ends at a single step (from rest, at a turn) its instant is solved for.
//!
//! The steps are those of [`step_times`](super::step_times): same boundaries, same hysteresis, same count.

use heapless::Vec;

use super::kinematics::{Kinematics, Piece};
use super::step_times::{self, HYSTERESIS};

/// Most runs of one chunk; a cycle that needs more is left to the exact method.
pub const RUNS_MAX: usize = 6;
/// Most steps of a run: bounds what rounding in fixed point can add up to.
const STEPS_MAX: i64 = 256;
/// Largest error where it is measured; near a turn another step can be twice as far off, and none is more than 25 ns
/// beside the plan.
const TOLERANCE_S: f64 = 10e-9;
/// No two steps are this close.
const SHORTEST_S: f64 = 1e-9;
/// Bits behind the point of a nanosecond.
const FRACTION_BITS: u32 = 24;
/// Fixed-point nanoseconds in a second.
const FIXED_PER_S: f64 = 1e9 * (1u64 << FRACTION_BITS) as f64;

/// Steps in one direction, timed by a cubic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Run {
    /// The instant one step before the first, in fixed-point nanoseconds from the start of the chunk.
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

/// A place on the plan.
#[derive(Debug, Clone, Copy)]
struct Node {
    t_s: f64,
    p: f64,
    v: f64,
}

/// A stretch of a piece in which the plan moves one way.
struct Stretch {
    start: Kinematics,
    piece: Piece,
    /// Where the piece begins, from the start of the chunk.
    offset_s: f64,
}

impl Stretch {
    fn node(&self, t_s: f64) -> Node {
        let at = self.start.after(self.piece.jerk, t_s);
        Node { t_s, p: at.p, v: at.v }
    }
}

/// Makes the runs of one motion, chunk after chunk.
#[derive(Debug, Clone)]
pub struct RunMaker {
    count: i64,
}

impl RunMaker {
    /// For a motion that starts with the step counter at `count`.
    #[must_use]
    pub fn new(count: i64) -> RunMaker {
        RunMaker { count }
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
        let mut fits = true;
        let mut stretch = Stretch { start, piece: Piece::default(), offset_s: 0.0 };
        for piece in pieces {
            let end = stretch.start.after_piece(*piece);
            stretch.piece = *piece;
            let mut from = Node { t_s: 0.0, p: stretch.start.p, v: stretch.start.v };
            if !stretch.start.keeps_direction(*piece, &end) {
                for turn_s in stretch.start.turning_times(*piece).into_iter().flatten() {
                    let turn = stretch.node(turn_s);
                    fits = fits && self.one_way(&stretch, from, turn, runs);
                    from = turn;
                }
            }
            let to = Node { t_s: piece.duration_s, p: end.p, v: end.v };
            fits = fits && self.one_way(&stretch, from, to, runs);
            stretch.start = end;
            stretch.offset_s += piece.duration_s;
        }
        if !fits {
            runs.clear();
            self.count = before;
            self.count_exactly(start, pieces);
        }
        fits
    }

    fn count_exactly(&mut self, start: Kinematics, pieces: &[Piece]) {
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

    /// The runs between two places with no turn between them; false if they do not fit.
    fn one_way(&mut self, stretch: &Stretch, from: Node, to: Node, runs: &mut Vec<Run, RUNS_MAX>) -> bool {
        let gone = to.p - self.count as f64;
        let side = if gone < 0.0 { -1.0 } else { 1.0 };
        // In steps of this run, one at the first boundary: whole numbers are boundaries.
        let end = side * gone + (0.5 - HYSTERESIS);
        if end < 1.0 {
            return true;
        }
        // A plan of no motor, or none at all: halving would not end.
        if to.t_s - from.t_s < SHORTEST_S || end.is_nan() {
            return false;
        }
        let steps = end as i64;
        let run = if steps == 1 {
            let boundary = self.count as f64 + side * (0.5 + HYSTERESIS);
            let at_s = step_times::crossing(&stretch.start, stretch.piece, boundary, from.t_s, to.t_s);
            let base = ((stretch.offset_s + at_s) * FIXED_PER_S) as i64;
            Some(Run { base, differences: [0; 3], steps: 1, forward: side > 0.0 })
        } else {
            let begin = side * (from.p - self.count as f64) + (0.5 - HYSTERESIS);
            (steps <= STEPS_MAX).then(|| cubic(stretch, side, (from, begin), (to, end))).flatten()
        };
        let Some(run) = run else {
            let middle = stretch.node(f64::midpoint(from.t_s, to.t_s));
            return self.one_way(stretch, from, middle, runs) && self.one_way(stretch, middle, to, runs);
        };
        self.count += if side > 0.0 { steps } else { -steps };
        runs.push(run).is_ok()
    }
}

/// The cubic between two places of which the step coordinates are known; none if it is not exact enough.
#[inline]
fn cubic(stretch: &Stretch, side: f64, (from, begin): (Node, f64), (to, end): (Node, f64)) -> Option<Run> {
    let h = end - begin;
    let per_h = 1.0 / h;
    let (slope_0, slope_1) = (side / from.v, side / to.v);
    let mean = (to.t_s - from.t_s) * per_h;
    let c2 = (3.0 * mean - 2.0 * slope_0 - slope_1) * per_h;
    let c3 = (slope_0 + slope_1 - 2.0 * mean) * per_h * per_h;

    let slow_end = h * if slope_1 > slope_0 { 0.6 } else { 0.4 };
    let at_s = from.t_s + slow_end * (slope_0 + slow_end * (c2 + slow_end * c3));
    let at = stretch.node(at_s);
    let beside = (side * (at.p - from.p) - slow_end).abs();
    // Where a slope is infinite, so is the error, or it is no number.
    let exact = beside <= TOLERANCE_S * side * at.v;
    if !exact {
        return None;
    }
    // Differences at whole steps: the step before the first is at -begin from the first place.
    let u = -begin;
    let base = stretch.offset_s + from.t_s + u * (slope_0 + u * (c2 + u * c3));
    let differences = [
        slope_0 + c2 * (2.0 * u + 1.0) + c3 * (3.0 * u * (u + 1.0) + 1.0),
        2.0 * c2 + 6.0 * c3 * (u + 1.0),
        6.0 * c3,
    ];
    Some(Run {
        base: (base * FIXED_PER_S) as i64,
        differences: differences.map(|difference_s| (difference_s * FIXED_PER_S) as i64),
        steps: end as u32,
        forward: side > 0.0,
    })
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
