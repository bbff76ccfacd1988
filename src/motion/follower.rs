//! Setpoint generator: the reference trajectory of a wave, with gentle approach, start, changes and end.
//!
//! The reference is `scale · (offset + amplitude · graph(phase))`, and each part of it changes smoothly:
//!
//! - *Phase.* Its rate starts from zero with a smooth ramp (smoothstep `3x² - 2x³`), so the first stroke grows out of
//!   standstill. After the ramp the rate is exactly one period in `period_s`. For another period it eases to the new
//!   rate. END ramps the rate down so that it reaches zero exactly where the period ends.
//! - *Offset and amplitude.* They ease to the values of another wave or another stroke ([`super::ease`]). The amplitude
//!   of a wave that is too fast for the axis is reduced around its middle ([`super::reach`]).
//! - *Graph.* Another graph is cross-faded ([`super::mix`]).
//! - *Scale.* It goes from 0 to 1 over the envelope's ramp up, from the start, and back to 0 over its ramp down, from
//!   END. There the axis is at the back and at rest, at whatever phase.
//!
//! So a wave may be changed at any time. Position, speed and acceleration stay as continuous as those of the graph, and
//! the reference never leaves the stroke.

use super::ease::{Ease, product, smooth_step};
use super::kinematics::Kinematics;
use super::limits::ProfileLimits;
use super::mix::{Mix, Rate};
use crate::wave::{Graph, StrokeSpan, Wave};

/// Longest ramp of the phase rate from 0 to 1 or back, in seconds.
const MAX_RAMP_S: f64 = 1.0;
/// Shortest such ramp, in seconds.
const MIN_RAMP_S: f64 = 0.2;
/// The approach is complete when the axis is this close to the start of the wave, and this slow.
const ARRIVED_MM: f64 = 0.02;
const ARRIVED_MM_S: f64 = 0.5;
/// An axis that is to end and has stood or crept for so long is blocked, and ends where it is.
const BLOCKED_S: f64 = 1.0;
/// Pole of the filters of graph, amplitude and offset: half of a change takes 0.27 s, all but a hundredth of it 0.84 s,
/// and it adds at most 2.7 times the change per second to the speed.
const EASE_PER_S: f64 = 10.0;
/// The same for the rate, which moves nothing at rest: half of a change takes 0.18 s.
const RATE_EASE_PER_S: f64 = 15.0;
/// Lengths that differ by less count as equal.
const EQUAL_MM: f64 = 1e-7;
/// The same for rates, relative: such a step is far below what the tracker rounds.
const EQUAL_RATE: f64 = 1e-6;

/// Speed of an axis that catches up with its wave, relative to the highest speed of the wave.
const CATCH_UP: f64 = 1.25;
/// Lower bound of that speed, for slow waves, in mm/s.
const MIN_CATCH_UP_MM_S: f64 = 1.0;

/// Stage of a follower.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    /// On the approach to the start of the wave.
    Approach,
    /// The rate grows; `since_s` after its beginning at `phase`.
    Starting { phase: f64, since_s: f64, ramp_s: f64 },
    /// Exact rate. The phase is `phase` plus the elapsed cycles, so that rounding errors do not accumulate.
    Steady { phase: f64, since_s: f64 },
    /// The rate eases to that of another wave.
    Changing { phase: f64, rate: Ease },
    /// The rate falls, reaching zero at the phase `end`.
    Finishing { phase: f64, since_s: f64, ramp_s: f64, end: f64 },
    /// The last period is complete.
    Done { phase: f64 },
}

/// Ramp of the envelope.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ramp {
    since_s: f64,
    over_s: f64,
}

impl Ramp {
    /// Progress from 0 to 1, with its time derivatives.
    fn now(&self) -> Kinematics {
        let Kinematics { p, v, a } = smooth_step((self.since_s / self.over_s).min(1.0));
        Kinematics { p, v: v / self.over_s, a: a / (self.over_s * self.over_s) }
    }

    fn is_over(&self) -> bool {
        self.since_s >= self.over_s
    }
}

/// Offset and amplitude of the wave in mm, each with its smoothing filter.
#[derive(Debug, Clone, Copy, PartialEq)]
struct SmoothedSpan {
    offset: Ease,
    amplitude: Ease,
}

/// Turns a wave into the reference that the tracker follows.
#[derive(Debug, Clone)]
pub struct Follower {
    wave: Wave,
    stage: Stage,
    mix: Mix,
    /// None before the start: then the span is that of the wave, without smoothing.
    span: Option<SmoothedSpan>,
    up: Option<Ramp>,
    down: Option<Ramp>,
    /// Set by END: finish the period as soon as the wave is steady.
    finish: bool,
    /// Time for which the axis has stood, or crept, without having arrived.
    stalled_s: f64,
    /// Limits of the axis, and the largest amplitude that they leave to the wave.
    limits: ProfileLimits,
    max_amplitude_mm: f64,
    /// Steepest slope of the wave, in amplitudes per second.
    steepest_per_s: f64,
}

/// Integral of the smoothstep from 0 to `x` in `[0, 1]`.
fn smoothstep_area(x: f64) -> f64 {
    x * x * x * (1.0 - x / 2.0)
}

fn ramp_s(wave: &Wave) -> f64 {
    (wave.period_s() / 2.0).clamp(MIN_RAMP_S, MAX_RAMP_S)
}

impl Follower {
    /// A follower that begins with the approach to the start of `wave`.
    pub fn new(wave: Wave) -> Follower {
        let up_s = wave.envelope.ramp_up_s;
        Follower {
            mix: Mix::new(wave.graph.clone()),
            up: (up_s > 0.0).then_some(Ramp { since_s: 0.0, over_s: up_s }),
            wave,
            stage: Stage::Approach,
            span: None,
            down: None,
            finish: false,
            stalled_s: 0.0,
            limits: ProfileLimits::UNBOUNDED,
            max_amplitude_mm: f64::INFINITY,
            steepest_per_s: f64::INFINITY,
        }
    }

    /// Sets the limits of the axis. A wave that demands more is made smaller.
    pub fn set_limits(&mut self, limits: ProfileLimits) {
        if limits != self.limits {
            self.limits = limits;
            self.update_bounds();
        }
    }

    fn update_bounds(&mut self) {
        self.max_amplitude_mm = self.limits.amplitude_mm(&self.wave.graph, self.wave.period_s());
        self.steepest_per_s = self.wave.graph.steepest() / self.wave.period_s();
    }

    /// True if the wave is too fast to fill its part of a stroke of `stroke_mm`.
    pub fn is_too_fast(&self, stroke_mm: f64) -> bool {
        self.max_amplitude_mm < self.wave.envelope.over(stroke_mm).amplitude_mm
    }

    /// The part of the stroke that the wave is to fill.
    fn target_span(&self, stroke_mm: f64) -> StrokeSpan {
        let StrokeSpan { offset_mm, amplitude_mm: asked_mm } = self.wave.envelope.over(stroke_mm);
        let amplitude_mm = asked_mm.min(self.max_amplitude_mm);
        let (low, high) = self.wave.graph.extent();
        let middle = f64::midpoint(low, high);
        StrokeSpan { offset_mm: offset_mm + (asked_mm - amplitude_mm) * middle, amplitude_mm }
    }

    /// Upper bound on the speed of the axis for this wave, with a margin to catch up gently, in mm/s. An axis that
    /// catches up as fast as it can would be too fast to turn with the wave. Infinite while the wave changes, and where
    /// it jumps.
    pub fn catch_up_speed_mm_s(&self, stroke_mm: f64) -> f64 {
        let even =
            matches!(self.stage, Stage::Starting { .. } | Stage::Steady { .. } | Stage::Finishing { .. });
        let [offset, amplitude] = self.span_now(stroke_mm);
        let settled = offset.v == 0.0 && amplitude.v == 0.0 && self.up.is_none() && self.down.is_none();
        if even && settled && self.mix.single_graph().is_some() {
            CATCH_UP * amplitude.p * self.steepest_per_s + MIN_CATCH_UP_MM_S
        } else {
            f64::INFINITY
        }
    }

    /// Changes to another wave at the same share of its period. A wave that is about to end is not changed any more.
    pub fn change_to(&mut self, wave: Wave) {
        let rate = match self.stage {
            Stage::Approach => {
                *self = Follower { finish: self.finish, limits: self.limits, ..Follower::new(wave) };
                self.update_bounds();
                return;
            }
            Stage::Finishing { .. } | Stage::Done { .. } => return,
            // With the same period the phase continues unchanged.
            Stage::Starting { .. } | Stage::Steady { .. } if wave.period_s() == self.wave.period_s() => None,
            Stage::Starting { .. } | Stage::Steady { .. } => {
                let Rate { per_s, per_s2 } = self.rate();
                Some(Ease::moving(Kinematics { p: per_s, v: per_s2, a: 0.0 }))
            }
            // The rate eases to the new target instead.
            Stage::Changing { .. } => None,
        };
        if let (Some(rate), Some(phase)) = (rate, self.phase()) {
            self.stage = Stage::Changing { phase, rate };
        }
        self.mix.change_to(wave.graph.clone());
        self.wave = wave;
        self.update_bounds();
    }

    /// END: comes to rest at the back over the envelope's ramp down, or else finishes the current period. During the
    /// approach there is no period yet, and the approach is completed.
    pub fn finish(&mut self) {
        match self.stage {
            Stage::Starting { .. } | Stage::Steady { .. } | Stage::Changing { .. }
                if self.wave.envelope.ramp_down_s > 0.0 =>
            {
                let over_s = self.wave.envelope.ramp_down_s;
                self.down.get_or_insert(Ramp { since_s: 0.0, over_s });
            }
            Stage::Approach | Stage::Starting { .. } | Stage::Steady { .. } | Stage::Changing { .. } => {
                self.finish = true;
            }
            Stage::Finishing { .. } | Stage::Done { .. } => {}
        }
    }

    /// True if the axis is still on the approach to the start of the wave.
    pub fn is_approaching(&self) -> bool {
        self.stage == Stage::Approach
    }

    /// True if the last period is complete.
    pub fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done { .. })
    }

    /// True if the axis is to end and is blocked on its way: then it ends where it is.
    pub fn is_blocked(&self) -> bool {
        (self.finish || self.is_done()) && self.stalled_s >= BLOCKED_S
    }

    /// True if the reference runs at its exact rate, so that a deviation from it means clipping.
    pub fn is_steady(&self) -> bool {
        matches!(self.stage, Stage::Steady { .. })
    }

    /// Phase in periods since the start of the wave; none during the approach.
    pub fn phase(&self) -> Option<f64> {
        let period_s = self.wave.period_s();
        match self.stage {
            Stage::Approach => None,
            Stage::Starting { phase, since_s, ramp_s } => {
                Some(phase + smoothstep_area(since_s / ramp_s) * ramp_s / period_s)
            }
            Stage::Steady { phase, since_s } => Some(phase + since_s / period_s),
            Stage::Finishing { since_s, ramp_s, end, .. } => {
                Some(end - smoothstep_area(1.0 - since_s / ramp_s) * ramp_s / period_s)
            }
            Stage::Changing { phase, .. } | Stage::Done { phase } => Some(phase),
        }
    }

    fn rate(&self) -> Rate {
        let (full, full_per_s) = match self.stage {
            Stage::Approach | Stage::Done { .. } => (0.0, 0.0),
            Stage::Steady { .. } => (1.0, 0.0),
            Stage::Starting { since_s, ramp_s, .. } => {
                let x = since_s / ramp_s;
                (x * x * (3.0 - 2.0 * x), 6.0 * x * (1.0 - x) / ramp_s)
            }
            Stage::Finishing { since_s, ramp_s, .. } => {
                let x = 1.0 - since_s / ramp_s;
                (x * x * (3.0 - 2.0 * x), -6.0 * x * (1.0 - x) / ramp_s)
            }
            Stage::Changing { rate, .. } => return Rate { per_s: rate.now().p, per_s2: rate.now().v },
        };
        let period_s = self.wave.period_s();
        Rate { per_s: full / period_s, per_s2: full_per_s / period_s }
    }

    /// Reference at this instant, for strokes of `stroke_mm` from the back. Once the wave has started, a changed stroke
    /// takes effect in the next cycle.
    pub fn reference(&self, stroke_mm: f64) -> Kinematics {
        let phase = self.phase().unwrap_or(0.0);
        let [offset, amplitude] = self.span_now(stroke_mm);
        let scale = self.scale();
        let settled = |value: &Kinematics| value.v == 0.0 && value.a == 0.0;
        match self.mix.single_graph() {
            // The usual case, at less cost.
            Some(graph) if settled(&offset) && settled(&amplitude) && scale == Kinematics::at_rest(1.0) => {
                let (point, rate) = (graph.at(phase), self.rate());
                let slope = amplitude.p * point.slope;
                Kinematics {
                    p: offset.p + amplitude.p * point.position,
                    v: slope * rate.per_s,
                    a: amplitude.p * (point.curvature * rate.per_s * rate.per_s + point.slope * rate.per_s2),
                }
            }
            _ => {
                let moved = product(amplitude, self.mix.at(phase, self.rate()));
                let unscaled =
                    Kinematics { p: offset.p + moved.p, v: offset.v + moved.v, a: offset.a + moved.a };
                product(scale, unscaled)
            }
        }
    }

    /// Offset and amplitude, in mm.
    fn span_now(&self, stroke_mm: f64) -> [Kinematics; 2] {
        match &self.span {
            Some(SmoothedSpan { offset, amplitude }) => [offset.now(), amplitude.now()],
            None => {
                let part = self.target_span(stroke_mm);
                [part.offset_mm, part.amplitude_mm].map(Kinematics::at_rest)
            }
        }
    }

    /// Factor of the wave by the ramps of its envelope.
    fn scale(&self) -> Kinematics {
        let up = self.up.map_or(Kinematics::at_rest(1.0), |ramp| ramp.now());
        match self.down {
            None => up,
            Some(ramp) => {
                let Kinematics { p, v, a } = ramp.now();
                product(up, Kinematics { p: 1.0 - p, v: -v, a: -a })
            }
        }
    }

    /// Advances by one cycle of `cycle_s` seconds; `axis` is the state of the axis at its beginning.
    pub fn advance(&mut self, cycle_s: f64, axis: &Kinematics, stroke_mm: f64) {
        self.advance_filters(cycle_s, stroke_mm);
        let waits_for_axis = self.is_approaching() || self.is_done();
        let stands = waits_for_axis && axis.v.abs() < ARRIVED_MM_S;
        self.stalled_s = if stands { self.stalled_s + cycle_s } else { 0.0 };
        match &mut self.stage {
            Stage::Approach => {
                let start = self.reference(stroke_mm);
                if (axis.p - start.p).abs() < ARRIVED_MM && axis.v.abs() < ARRIVED_MM_S {
                    self.begin_wave(stroke_mm);
                }
            }
            Stage::Starting { since_s, ramp_s, .. } => {
                *since_s += cycle_s;
                let over_s = *since_s - *ramp_s;
                if over_s >= 0.0 {
                    // Exact to the instant at which the ramp ended, not to the cycle.
                    *since_s = *ramp_s;
                    let phase = self.phase().unwrap_or(0.0);
                    self.stage = Stage::Steady { phase, since_s: over_s };
                }
            }
            Stage::Steady { since_s, .. } => {
                *since_s += cycle_s;
                self.begin_finishing(cycle_s);
            }
            Stage::Changing { phase, rate } => {
                let full = 1.0 / self.wave.period_s();
                *phase += rate.advance(full, cycle_s, RATE_EASE_PER_S, EQUAL_RATE * full);
                if rate.is_at(full) {
                    self.stage = Stage::Steady { phase: *phase, since_s: 0.0 };
                }
            }
            Stage::Finishing { since_s, ramp_s, end, .. } => {
                *since_s += cycle_s;
                if *since_s >= *ramp_s {
                    self.stage = Stage::Done { phase: *end };
                }
            }
            Stage::Done { .. } => {}
        }
        if let (Some(ramp), Some(phase)) = (self.down, self.phase())
            && ramp.is_over()
        {
            self.stage = Stage::Done { phase };
        }
    }

    /// Starts the wave: the axis is at its start.
    fn begin_wave(&mut self, stroke_mm: f64) {
        if self.finish {
            self.stage = Stage::Done { phase: 0.0 };
            return;
        }
        let part = self.target_span(stroke_mm);
        self.span = Some(SmoothedSpan {
            offset: Ease::at_rest(part.offset_mm),
            amplitude: Ease::at_rest(part.amplitude_mm),
        });
        self.stage = Stage::Starting { phase: 0.0, since_s: 0.0, ramp_s: ramp_s(&self.wave) };
    }

    /// Advances everything but the phase.
    fn advance_filters(&mut self, cycle_s: f64, stroke_mm: f64) {
        let part = self.target_span(stroke_mm);
        let Some(SmoothedSpan { offset, amplitude }) = &mut self.span else { return };
        for (ease, target) in [(offset, part.offset_mm), (amplitude, part.amplitude_mm)] {
            ease.advance(target, cycle_s, EASE_PER_S, EQUAL_MM);
        }
        self.mix.advance(cycle_s, EASE_PER_S);
        for ramp in [&mut self.up, &mut self.down].into_iter().flatten() {
            ramp.since_s += cycle_s;
        }
        self.up = self.up.filter(|ramp| !ramp.is_over());
    }

    /// Begins the ramp down of the rate, if it is due. It covers as much phase as half its time at full rate, so it
    /// begins that much before the end of a period: of the present one if enough is left of it, else of the first later
    /// one. If the graph rests at the end of the present period anyway, the ramp is shortened to what is left.
    fn begin_finishing(&mut self, cycle_s: f64) {
        let (true, Some(phase)) = (self.finish, self.phase()) else {
            return;
        };
        let (period_s, half_s) = (self.wave.period_s(), ramp_s(&self.wave) / 2.0);
        let present = libm::ceil(phase);
        let end = if self.rests_at(present) {
            present
        } else {
            libm::ceil(phase + (half_s - cycle_s) / period_s).max(present)
        };
        let left_s = (end - phase) * period_s;
        if left_s <= half_s + cycle_s {
            self.stage = if left_s > 0.0 {
                Stage::Finishing { phase, since_s: 0.0, ramp_s: 2.0 * left_s, end }
            } else {
                Stage::Done { phase: end }
            };
        }
    }

    fn rests_at(&self, phase: f64) -> bool {
        self.mix.single_graph().is_some_and(|graph: &Graph| graph.at(phase).slope == 0.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;
    use crate::units::Mm;
    use crate::wave::envelope::Size;
    use crate::wave::interpolate::{Interpolation, Knot, through};
    use crate::wave::{Envelope, Shape};

    const CYCLE_S: f64 = 0.001;

    fn started(period_s: f64) -> Follower {
        let mut follower = Follower::new(Wave::new(Shape::Sine, period_s).unwrap());
        follower.advance(CYCLE_S, &Kinematics::at_rest(0.0), 100.0);
        assert!(!follower.is_approaching());
        follower
    }

    fn run(follower: &mut Follower, cycles: u32) -> Vec<Kinematics> {
        (0..cycles)
            .map(|_| {
                let here = follower.reference(100.0);
                follower.advance(CYCLE_S, &here, 100.0);
                here
            })
            .collect()
    }

    #[test]
    fn the_wave_waits_for_the_axis() {
        let mut follower = Follower::new(Wave::new(Shape::Sine, 1.0).unwrap());
        for _ in 0..100 {
            follower.advance(CYCLE_S, &Kinematics::at_rest(30.0), 100.0);
        }
        assert!(follower.is_approaching());
        assert_eq!(follower.reference(100.0), Kinematics::at_rest(0.0));
    }

    #[test]
    fn the_reference_is_smooth_through_start_and_end() {
        let mut follower = started(1.0);
        let mut all = run(&mut follower, 3_300);
        follower.finish();
        all.extend(run(&mut follower, 1_500));
        assert!(follower.is_done());
        for pair in all.windows(2) {
            assert!((pair[1].p - pair[0].p - (pair[0].v + pair[1].v) / 2.0 * CYCLE_S).abs() < 1e-4);
            assert!((pair[1].a - pair[0].a).abs() < 100.0, "acceleration jumps: {pair:?}");
        }
        let last = all.last().unwrap();
        assert!(last.p.abs() < 1e-9 && last.v == 0.0, "{last:?}");
    }

    #[test]
    fn the_period_is_exact_however_long_it_runs() {
        let mut follower = started(0.7);
        run(&mut follower, 5_000);
        let before = follower.phase().unwrap();
        run(&mut follower, 700_000);
        let periods = follower.phase().unwrap() - before;
        assert!((periods - 1_000.0).abs() < 1e-6, "{periods}");
    }

    #[test]
    fn another_wave_takes_over_at_the_same_share_of_the_period() {
        let mut follower = started(2.0);
        run(&mut follower, 3_000);
        let before = follower.phase().unwrap();
        follower.change_to(Wave::new(Shape::Sine, 0.5).unwrap());
        assert_eq!(follower.phase().unwrap(), before);
        run(&mut follower, 2_500);
        assert!(follower.is_steady());
        let steady = follower.phase().unwrap();
        run(&mut follower, 500_000);
        assert!((follower.phase().unwrap() - steady - 1_000.0).abs() < 1e-6);
    }

    /// A wave with continuous curvature, in a part of the stroke.
    fn smooth_wave() -> impl Strategy<Value = Wave> {
        let spline = |positions: Vec<f64>| {
            let knot = |(i, position): (usize, &f64)| Knot {
                phase: i as f64 / positions.len() as f64,
                // In this range no spline swings out of [0, 1].
                position: 0.35 + 0.3 * position,
            };
            let knots: Vec<Knot> = positions.iter().enumerate().map(knot).collect();
            Graph::from(through(&knots, Interpolation::Spline).unwrap())
        };
        let graph = prop_oneof![
            Just(Graph::from(Shape::Sine)),
            prop::collection::vec(0.0..1.0f64, 3..8).prop_map(spline),
        ];
        let ramp_s = || prop_oneof![Just(0.0), 0.7..3.0f64];
        (graph, 1.0..8.0f64, 0.0..1.0f64, 0.0..1.0f64, ramp_s(), ramp_s()).prop_map(
            |(graph, period_s, amplitude, share, ramp_up_s, ramp_down_s)| {
                let offset = Size::Share(share * (1.0 - amplitude));
                let envelope = Envelope { amplitude: Size::Share(amplitude), offset, ramp_up_s, ramp_down_s };
                Wave::new(graph, period_s).unwrap().with_envelope(envelope)
            },
        )
    }

    /// One cycle, whose speed and acceleration must be the derivatives of the positions.
    fn checked(follower: &mut Follower, stroke_mm: f64) -> Result<Kinematics, TestCaseError> {
        let before = follower.reference(stroke_mm);
        follower.advance(CYCLE_S, &before, stroke_mm);
        let after = follower.reference(stroke_mm);
        let (h, mean) = (CYCLE_S, |x: f64, y: f64| (x + y) / 2.0);
        let moved = h * (mean(before.v, after.v) + h * (before.a - after.a) / 12.0);
        // At a knot of a spline the jerk jumps.
        prop_assert!((after.p - before.p - moved).abs() < 1e-5, "{before:?} {after:?}");
        let faster = h * mean(before.a, after.a);
        prop_assert!((after.v - before.v - faster).abs() < 0.05, "{before:?} {after:?}");
        Ok(after)
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: RngSeed::Fixed(1),
            ..ProptestConfig::with_cases(400)
        })]

        #[test]
        fn whatever_changes_the_reference_stays_inside_and_has_no_jump(
            first in smooth_wave(), changes in prop::collection::vec((smooth_wave(), 1u32..1_500, 40.0..145.0f64), 1..12)
        ) {
            let mut follower = Follower::new(first);
            let mut stroke_mm = 145.0;
            // The approach is skipped: the axis is at the start at once.
            follower.advance(CYCLE_S, &follower.reference(stroke_mm), stroke_mm);
            let mut most_mm = stroke_mm;
            for (wave, cycles, other_stroke_mm) in changes {
                for _ in 0..cycles {
                    let here = checked(&mut follower, stroke_mm)?;
                    prop_assert!(here.p >= -1e-6 && here.p <= most_mm + 1e-6, "{here:?} of {most_mm}");
                }
                let before = follower.reference(stroke_mm);
                let crowded = follower.mix.is_crowded();
                follower.change_to(wave);
                stroke_mm = other_stroke_mm;
                most_mm = f64::max(most_mm, stroke_mm);
                let after = follower.reference(stroke_mm);
                let jump = [after.p - before.p, after.v - before.v, after.a - before.a].map(f64::abs);
                prop_assert!(crowded || jump[0] < 1e-9 && jump[1] < 1e-7 && jump[2] < 1e-5, "{before:?} {after:?}");
            }
            follower.finish();
            for _ in 0..30_000 {
                if !follower.is_done() {
                    checked(&mut follower, stroke_mm)?;
                }
            }
            prop_assert!(follower.is_done());
            // The filters that still move do so to their end.
            for _ in 0..4_000 {
                checked(&mut follower, stroke_mm)?;
            }
            let end = follower.reference(stroke_mm);
            prop_assert!(end.v == 0.0 && end.a == 0.0, "{end:?}");
        }
    }

    #[test]
    fn the_envelope_grows_from_the_back_and_fades_to_it_in_its_time() {
        let mut wave = Wave::new(Shape::Sine, 1.0).unwrap();
        wave.envelope = Envelope {
            amplitude: Size::Share(0.5),
            offset: Size::Mm(Mm::constant(20.0)),
            ramp_up_s: 4.0,
            ramp_down_s: 2.0,
        };
        let mut follower = Follower::new(wave);
        assert_eq!(follower.reference(100.0), Kinematics::at_rest(0.0), "it starts at the back");
        follower.advance(CYCLE_S, &Kinematics::at_rest(0.0), 100.0);
        let reach = |all: &[Kinematics]| all.iter().map(|here| here.p).fold(0.0, f64::max);
        assert!(reach(&run(&mut follower, 1_000)) < 20.0);
        run(&mut follower, 3_000);
        let full = run(&mut follower, 2_000);
        let least = full.iter().map(|here| here.p).fold(f64::MAX, f64::min);
        assert!((reach(&full) - 70.0).abs() < 1e-3 && (least - 20.0).abs() < 1e-3);
        // In the middle of a period: the ramp down does not wait for its end.
        run(&mut follower, 370);
        follower.finish();
        let fading = run(&mut follower, 1_999);
        assert!(!follower.is_done() && reach(&fading[1_500..]) < 12.0);
        run(&mut follower, 2);
        assert!(follower.is_done());
        assert_eq!(follower.reference(100.0), Kinematics::at_rest(0.0));
    }

    #[test]
    fn end_waits_for_the_next_period_where_the_graph_does_not_rest() {
        for (positions, late) in [([0.0, 0.5, 1.0, 0.5], false), ([0.5, 1.0, 0.5, 0.0], true)] {
            let knots: Vec<Knot> =
                (0..4).map(|i| Knot { phase: i as f64 / 4.0, position: positions[i] }).collect();
            let graph = through(&knots, Interpolation::Monotone).unwrap();
            let mut follower = Follower::new(Wave::new(graph, 2.0).unwrap());
            follower.advance(CYCLE_S, &follower.reference(100.0), 100.0);
            while follower.phase().is_none_or(|phase| phase < 3.95) {
                run(&mut follower, 1);
            }
            follower.finish();
            let all = run(&mut follower, 5_000);
            let end = if late { 5.0 } else { 4.0 };
            assert_eq!(follower.phase(), Some(end));
            assert!(all.windows(2).all(|pair| (pair[1].a - pair[0].a).abs() < 60.0), "{positions:?}");
        }
    }

    #[test]
    fn end_on_the_approach_goes_on_to_its_end_and_no_faster() {
        let mut follower = Follower::new(Wave::new(Shape::Sine, 1.0).unwrap());
        follower.advance(CYCLE_S, &Kinematics::at_rest(50.0), 100.0);
        follower.finish();
        assert!(follower.is_approaching() && !follower.is_done());
        follower.advance(CYCLE_S, &Kinematics::at_rest(0.0), 100.0);
        assert!(follower.is_done());
    }
}
