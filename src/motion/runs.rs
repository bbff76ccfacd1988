//! Step runs: many steps in one direction, timed by one cubic in fixed point.
//!
//! The instant of a step is the inverse of the plan: `t(s)`, where the plan has covered `s` steps. Over a stretch of
//! constant jerk that function is so nearly a cubic that a Hermite cubic through both ends, with the slopes `dt/ds =
//! 1/v`, is exact to nanoseconds. Position and velocity at both ends are known from the plan. The ends lie between
//! steps, which makes no difference to the cubic:
//!
//! ```text
//! t(s₀ + u) = t₀ + m₀ u + c₂ u² + c₃ u³        d = t₁ - t₀, h = s₁ - s₀, mᵢ = 1/vᵢ
//! c₂ = (3 d/h - 2 m₀ - m₁) / h                 c₃ = (m₀ + m₁ - 2 d/h) / h²
//! ```
//!
//! A run is this cubic at whole `s`, as finite differences in fixed point, so that the step loop needs three additions
//! for the next instant. A stretch for which the cubic is not exact enough is halved. Where halving ends at a single
//! step (from rest, at a turn), its instant is solved for.
//!
//! # Error bound
//!
//! Measured in its own duration and length, a stretch of constant jerk has two free numbers, the slopes at its ends:
//! the velocity is a parabola in time with the mean 1. So the largest error of the cubic is a function of these two
//! alone, and a bound that holds for all pairs holds for all stretches, in any unit. With `ε` the error in the middle,
//! which is measured against the plan, and `s = m₀ + m₁ - 2`:
//!
//! ```text
//! error ≤ 3/2 |ε| + s²/16        for slopes between half and one and a half of the mean
//! ```
//!
//! The first term alone is not enough: where the velocity is the same at both ends, the errors of both halves cancel in
//! the middle. A test goes through all pairs. Slopes inside these bounds, which are below three times the mean, also
//! make the cubic monotone (Fritsch and Carlson, 1980): no instant lies outside its stretch, and none before the
//! previous one.
//!
//! The steps are those of [`step_times`]: same boundaries, same hysteresis, same count.

use heapless::Vec;

use super::kinematics::{Kinematics, Piece};
use super::step_times::{self, HYSTERESIS};

/// Most runs of one chunk; a cycle that needs more is solved step by step in the step loop.
pub const RUNS_MAX: usize = 6;
/// Most steps of a run: bounds the accumulated rounding of the fixed point.
const STEPS_MAX: u32 = 256;
/// Largest error of a cubic. With the rounding to whole nanoseconds, no step deviates by more than 25 ns from the plan.
const TOLERANCE_S: f64 = 20e-9;
/// Largest deviation of the slope at an end from the mean, as a share of it.
const SLOPE_SHARE: f64 = 0.5;
/// Coefficients of the error bound: of the error in the middle, and of `s²`.
const MIDDLE_FACTOR: f64 = 1.5;
const SQUARE_FACTOR: f64 = 1.0 / 16.0;
/// Two steps are always farther apart than this.
const SHORTEST_S: f64 = 1e-9;
/// Fractional bits of a nanosecond.
const FRACTION_BITS: u32 = 24;
/// Fixed-point nanoseconds in a second.
const FIXED_PER_S: f64 = 1e9 * (1u64 << FRACTION_BITS) as f64;
/// A longer stretch is not timed by one cubic: [`to_fixed`] could not represent its times.
const LONGEST: f64 = (1u64 << 50) as f64;

/// Steps in one direction, timed by a cubic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StepRun {
    /// Extrapolated instant one step before the first, in fixed-point nanoseconds from the start of the chunk, modulo
    /// 2⁶⁴.
    base: i64,
    /// First, second and third difference of the instants there, modulo 2⁶⁴.
    differences: [i64; 3],
    /// Number of steps.
    pub steps: u32,
    /// True for steps toward the front.
    pub forward: bool,
}

impl StepRun {
    /// Instants of the steps, in nanoseconds from the start of the chunk.
    pub fn instants(&self) -> Instants {
        Instants { at: self.base, differences: self.differences, left: self.steps }
    }
}

/// Iterator over the instants of a run.
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
        self.at = self.at.wrapping_add(first);
        self.differences = [first.wrapping_add(second), second.wrapping_add(third), third];
        Some(self.at >> FRACTION_BITS)
    }
}

/// Stretch of constant jerk in which the plan moves in one direction.
#[derive(Debug, Clone, Copy)]
struct JerkStretch {
    from: Kinematics,
    to: Kinematics,
    piece: Piece,
    /// Its beginning, in fixed-point nanoseconds from the start of the chunk.
    begin: f64,
}

impl JerkStretch {
    /// Splits the stretch `at_s` seconds after its beginning.
    fn split(&self, at_s: f64) -> (JerkStretch, JerkStretch) {
        let Piece { jerk, duration_s } = self.piece;
        let between = self.from.after(jerk, at_s);
        let first = JerkStretch { to: between, piece: Piece { jerk, duration_s: at_s }, ..*self };
        let piece = Piece { jerk, duration_s: duration_s - at_s };
        (first, JerkStretch { from: between, piece, begin: self.begin + at_s * FIXED_PER_S, ..*self })
    }
}

/// Makes the runs of one motion, chunk by chunk.
#[derive(Debug, Clone)]
pub struct RunMaker {
    count: i64,
}

impl RunMaker {
    /// For a motion that starts with the step counter at `count`.
    pub fn new(count: i64) -> RunMaker {
        RunMaker { count }
    }

    /// Step counter after all steps made so far.
    pub fn count(&self) -> i64 {
        self.count
    }

    /// Makes the runs of a chunk that begins with `start` (in steps), consists of `pieces` and ends with `end`, and
    /// puts them into `runs`, which is cleared first. Returns false if they do not fit: then the step loop solves for
    /// each step. The count advances in either case.
    #[inline]
    pub fn make_runs(
        &mut self,
        start: &Kinematics,
        pieces: &[Piece],
        end: &Kinematics,
        runs: &mut Vec<StepRun, RUNS_MAX>,
    ) -> bool {
        runs.clear();
        // Nearly every cycle is one piece, and one cubic is enough for it.
        if let [piece] = pieces
            && start.keeps_direction(*piece, end)
            && let Some(run) =
                self.single_run(&JerkStretch { from: *start, to: *end, piece: *piece, begin: 0.0 })
        {
            return runs.push(run).is_ok();
        }
        self.make_runs_in_parts(start, pieces, end, runs)
    }

    #[cold]
    fn make_runs_in_parts(
        &mut self,
        start: &Kinematics,
        pieces: &[Piece],
        end: &Kinematics,
        runs: &mut Vec<StepRun, RUNS_MAX>,
    ) -> bool {
        let before = self.count;
        let (mut from, mut begin) = (*start, 0.0);
        for (index, piece) in pieces.iter().enumerate() {
            let to = if index + 1 == pieces.len() { *end } else { from.after_piece(*piece) };
            if !self.push_piece(JerkStretch { from, to, piece: *piece, begin }, runs) {
                runs.clear();
                self.count = before;
                self.count_steps_exactly(start, pieces);
                return false;
            }
            from = to;
            begin += piece.duration_s * FIXED_PER_S;
        }
        true
    }

    fn count_steps_exactly(&mut self, start: &Kinematics, pieces: &[Piece]) {
        let mut at = *start;
        for piece in pieces {
            let mut from_s = 0.0;
            while let Some(step) = step_times::next_step(&at, *piece, self.count, from_s) {
                self.count += if step.forward { 1 } else { -1 };
                from_s = step.at_s;
            }
            at = at.after_piece(*piece);
        }
    }

    /// Adds the runs of a whole piece; false if they do not fit.
    fn push_piece(&mut self, whole: JerkStretch, runs: &mut Vec<StepRun, RUNS_MAX>) -> bool {
        let (mut rest, mut gone_s) = (whole, 0.0);
        for turn_s in whole.from.turning_times(whole.piece).into_iter().flatten() {
            let (before, behind) = rest.split(turn_s - gone_s);
            if !self.push_stretch(&before, runs) {
                return false;
            }
            (rest, gone_s) = (behind, turn_s);
        }
        self.push_stretch(&rest, runs)
    }

    /// Adds the runs of a stretch in one direction; false if they do not fit.
    fn push_stretch(&mut self, stretch: &JerkStretch, runs: &mut Vec<StepRun, RUNS_MAX>) -> bool {
        match self.single_run(stretch) {
            Some(run) => runs.push(run).is_ok(),
            None => self.push_halves(stretch, runs),
        }
    }

    /// The single run of a stretch in one direction, if one cubic is exact enough for its steps.
    #[inline]
    fn single_run(&mut self, stretch: &JerkStretch) -> Option<StepRun> {
        let (forward, end) = self.step_coordinate(stretch.to.p);
        let steps = end as u32;
        if !(1..=STEPS_MAX).contains(&steps) {
            return None;
        }
        let (base, differences) = fit_cubic(stretch, end)?;
        self.count += if forward { i64::from(steps) } else { -i64::from(steps) };
        Some(StepRun { base, differences, steps, forward })
    }

    /// Direction to `position`, and its step coordinate: one at the first boundary on the way, and a whole number at
    /// each.
    #[inline]
    fn step_coordinate(&self, position: f64) -> (bool, f64) {
        let gone = position - self.count as f64;
        (gone > 0.0, gone.abs() + (0.5 - HYSTERESIS))
    }

    /// Adds the runs of a stretch for which one cubic is not exact enough.
    fn push_halves(&mut self, stretch: &JerkStretch, runs: &mut Vec<StepRun, RUNS_MAX>) -> bool {
        let JerkStretch { from, to, piece, begin } = stretch;
        let (forward, end) = self.step_coordinate(to.p);
        if end < 1.0 {
            return true;
        }
        // Faster than any motor, or not a number: halving would not end.
        if piece.duration_s < SHORTEST_S || end.is_nan() {
            return false;
        }
        if end >= 2.0 {
            let (first, second) = stretch.split(piece.duration_s / 2.0);
            return self.push_stretch(&first, runs) && self.push_stretch(&second, runs);
        }
        let (beside, step) = if forward { (0.5 + HYSTERESIS, 1) } else { (-0.5 - HYSTERESIS, -1) };
        let boundary = self.count as f64 + beside;
        let at_s = step_times::crossing(from, *piece, boundary, 0.0, piece.duration_s);
        self.count += step;
        let base = to_fixed(begin + at_s * FIXED_PER_S);
        runs.push(StepRun { base, differences: [0; 3], steps: 1, forward }).is_ok()
    }
}

/// The cubic of a stretch that ends at the step coordinate `end`, from its first step on; none if it is not exact
/// enough.
///
/// In fixed-point times, and with `Aᵢ = mᵢ - d/h`, the formulas above become
///
/// ```text
/// c₃ = (A₀ + A₁) / h²      c₂ = -(2 A₀ + A₁) / h
/// t(h/2) = d/2 + (A₀ - A₁) h/8      dt/ds(h/2) = d/h - (A₀ + A₁) / 4      s = (A₀ + A₁) h/d
/// ```
///
/// and the differences at `u` are those of the cubic shifted to `u` by Horner's scheme.
#[inline]
fn fit_cubic(stretch: &JerkStretch, end: f64) -> Option<(i64, [i64; 3])> {
    let JerkStretch { from, to, piece, begin } = stretch;
    let way = to.p - from.p;
    let h = way.abs();
    let per_h = 1.0 / h;
    let duration = piece.duration_s * FIXED_PER_S;
    let mean = duration * per_h;
    let slope = FIXED_PER_S / from.v.abs();
    let (beyond_0, beyond_1) = (slope - mean, FIXED_PER_S / to.v.abs() - mean);
    // Both comparisons are false if a value is not a number.
    let even = beyond_0.abs().max(beyond_1.abs()) <= SLOPE_SHARE * mean && duration <= LONGEST;
    if !even {
        return None;
    }
    let sum = beyond_0 + beyond_1;
    let middle_s = (0.5 * duration + 0.125 * h * (beyond_0 - beyond_1)) * (1.0 / FIXED_PER_S);
    let beside = Kinematics { p: -0.5 * way, ..*from }.after(piece.jerk, middle_s).p;
    let in_middle = (beside * (mean - 0.25 * sum)).abs();
    // The error bound times the duration, which saves a division.
    let left = (TOLERANCE_S * FIXED_PER_S - MIDDLE_FACTOR * in_middle) * duration;
    let exact = (SQUARE_FACTOR * sum * h) * (sum * h) <= left;
    if !exact {
        return None;
    }
    let c2 = -(sum + beyond_0) * per_h;
    let c3 = sum * per_h * per_h;
    // Distance of the first step from the beginning, not negative in spite of rounding; the differences are those one
    // step before.
    let u = (h - end + 1.0).max(0.0);
    let bend = u * c3;
    let q1 = c2 + bend;
    let q0 = slope + u * q1;
    let (slope_there, bend_there) = (q0 + u * (q1 + bend), q1 + bend + bend);
    let to_first = slope_there - bend_there + c3;
    let differences = [to_first, 2.0 * bend_there, 6.0 * c3].map(to_fixed);
    Some((to_fixed(begin + u * q0).wrapping_sub(differences[0]), differences))
}

/// Nearest whole number, for magnitudes below 2⁵¹ (an eighth of a second): the last bit of the sum is worth one. This
/// costs a fraction of a conversion that holds for every number.
#[inline]
fn to_fixed(time: f64) -> i64 {
    const ONES: f64 = 1.5 * (1u64 << 52) as f64;
    ((time + ONES).to_bits() as i64).wrapping_sub(ONES.to_bits() as i64)
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
                if made.make_runs(&at, &pieces, &at.after_piece(pieces[0]), &mut runs) {
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

    /// A stretch of `way` steps and `duration_s` with these slopes at its ends, relative to the mean slope.
    fn stretch_of(slopes: [f64; 2], way: f64, duration_s: f64) -> JerkStretch {
        let mean = way / duration_s;
        let [first, last] = slopes.map(|slope| 1.0 / slope);
        // The velocity is a parabola with the mean 1.
        let jerk = 6.0 * (first + last - 2.0);
        let a = last - first - jerk / 2.0;
        let from = Kinematics { p: 0.75, v: mean * first, a: mean * a / duration_s };
        let piece = Piece { jerk: mean * jerk / (duration_s * duration_s), duration_s };
        JerkStretch { from, to: from.after_piece(piece), piece, begin: 0.0 }
    }

    #[test]
    fn the_bound_of_the_error_holds_for_every_pair_of_slopes() {
        const STEPS: u32 = 40;
        const LONGEST_S: f64 = 0.1;
        let (mut worst_ns, mut longest) = (0.0f64, 0);
        for (first, last) in (0..=100u8).flat_map(|i| (0..=100u8).map(move |j| (i, j))) {
            let slopes = [first, last].map(|i| 0.5 + f64::from(i) / 100.0);
            let accepted = |duration_s: f64| {
                fit_cubic(&stretch_of(slopes, f64::from(STEPS), duration_s), f64::from(STEPS) + 0.9)
            };
            // The error is proportional to the time, so the longest stretch that is accepted is the worst.
            let (mut good_s, mut bad_s) = (1e-8, LONGEST_S);
            longest += u32::from(accepted(bad_s).is_some());
            for _ in 0..40 {
                let middle_s = libm::sqrt(good_s * bad_s);
                *(if accepted(middle_s).is_some() { &mut good_s } else { &mut bad_s }) = middle_s;
            }
            let (base, differences) = accepted(good_s).expect("nothing is too short");
            let JerkStretch { from, piece, .. } = stretch_of(slopes, f64::from(STEPS), good_s);
            let run = StepRun { base, differences, steps: STEPS, forward: true };
            let mut last_ns = 0;
            for (step, ns) in (0..).zip(run.instants()) {
                let boundary = 0.75 + 0.1 + f64::from(step);
                let exact_s = step_times::crossing(&from, piece, boundary, 0.0, piece.duration_s);
                assert!(
                    (last_ns..=(good_s * 1e9) as i64 + 1).contains(&ns),
                    "{ns} after {last_ns}, {slopes:?}"
                );
                last_ns = ns;
                worst_ns = worst_ns.max((ns as f64 + 0.5 - exact_s * 1e9).abs());
            }
        }
        assert!(worst_ns <= TOLERANCE_S * 1e9 + 0.6, "{worst_ns} ns");
        assert!(worst_ns > 0.7 * TOLERANCE_S * 1e9, "the bound is far from the truth: {worst_ns} ns");
        assert!(longest <= 1, "only an even stretch is exact whatever its length");
    }

    #[test]
    fn slow_steps_come_at_their_instants_too() {
        // Seconds between two steps: most cycles of a millisecond have none, a few have one.
        let (mut at, mut count, mut made) = (Kinematics { p: 0.0, v: 0.0, a: 3.0 }, 0, RunMaker::new(0));
        let mut seen = 0;
        for cycle in 0..60_000 {
            let jerk = if cycle % 20_000 < 10_000 { 1e-3 } else { -1.1e-3 } - at.v * 0.1 - at.a * 0.5;
            let pieces = [Piece { jerk, duration_s: 0.001 }];
            let wanted = exact(at, &pieces, &mut count);
            let (end, mut runs) = (at.after_piece(pieces[0]), Vec::new());
            assert!(made.make_runs(&at, &pieces, &end, &mut runs));
            let got: std::vec::Vec<_> = runs.iter().flat_map(StepRun::instants).collect();
            assert_eq!(got.len(), wanted.len(), "cycle {cycle}");
            for (ns, (exact_ns, _)) in got.iter().zip(&wanted) {
                assert!((*ns as f64 - exact_ns).abs() <= 25.0, "{ns} not {exact_ns} in cycle {cycle}");
                seen += 1;
            }
            at = end;
        }
        assert!((10..2_000).contains(&seen), "{seen} steps");
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
            assert!(
                made.make_runs(&at, &pieces, &at.after_piece(pieces[0]), &mut runs),
                "a smooth sine needs few runs"
            );
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
