//! From a wave to a reference: the gentle way to its start, its phase, its end.
//!
//! The phase does not jump into its full rate. It starts from rest with a smooth ramp of the rate (smoothstep
//! `3x² - 2x³`), so the first stroke grows out of standstill; from then on the rate is exactly one period in
//! `period_s`. END ramps the rate down again so that it reaches zero exactly where the period ends.

use super::kinematics::Kinematics;
use crate::wave::Wave;

/// Longest time in which the rate of the phase goes from 0 to 1 or back, in seconds.
const MAX_RAMP_S: f64 = 1.0;
/// Shortest such time, in seconds.
const MIN_RAMP_S: f64 = 0.2;
/// The approach is over when the axis is this close to the start of the wave, and this slow.
const ARRIVED_MM: f64 = 0.02;
const ARRIVED_MM_S: f64 = 0.5;

/// Where a follower is in its life.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    /// On the way to where the wave starts.
    Approach,
    /// The rate grows; `since_s` after its beginning at `phase`.
    Starting { phase: f64, since_s: f64, ramp_s: f64 },
    /// Exact rate; the phase is `phase` plus the elapsed cycles, so that no rounding piles up.
    Steady { phase: f64, since_s: f64 },
    /// The rate falls, reaching zero at the phase `end`.
    Finishing { phase: f64, since_s: f64, ramp_s: f64, end: f64 },
    /// The last period is complete.
    Done { phase: f64 },
}

/// Turns a wave into the reference that the tracker follows.
#[derive(Debug, Clone)]
pub struct Follower {
    wave: Wave,
    stage: Stage,
    /// Set by END: the phase at which to finish, as soon as the wave is steady.
    finish: bool,
}

/// Integral of the smoothstep from 0 to `x` in `[0, 1]`.
fn smoothstep_area(x: f64) -> f64 {
    x * x * x * (1.0 - x / 2.0)
}

fn ramp_s(wave: &Wave) -> f64 {
    (wave.period_s() / 2.0).clamp(MIN_RAMP_S, MAX_RAMP_S)
}

impl Follower {
    /// A follower that will approach the start of `wave` first.
    #[must_use]
    pub fn new(wave: Wave) -> Follower {
        Follower { wave, stage: Stage::Approach, finish: false }
    }

    /// Goes over to another wave at the same share of its period; the tracker blends the motion.
    pub fn change_to(&mut self, wave: Wave) {
        if let (Stage::Steady { .. } | Stage::Starting { .. }, Some(phase)) = (self.stage, self.phase()) {
            self.stage = Stage::Steady { phase, since_s: 0.0 };
        }
        self.wave = wave;
    }

    /// END: finish the current period. On the approach there is none, so the follower is done at once.
    pub fn finish(&mut self) {
        match self.stage {
            Stage::Approach => self.stage = Stage::Done { phase: 0.0 },
            Stage::Starting { .. } | Stage::Steady { .. } => self.finish = true,
            Stage::Finishing { .. } | Stage::Done { .. } => {}
        }
    }

    /// Whether the axis is still on the way to the start of the wave.
    #[must_use]
    pub fn approaching(&self) -> bool {
        self.stage == Stage::Approach
    }

    /// Whether the last period is complete.
    #[must_use]
    pub fn done(&self) -> bool {
        matches!(self.stage, Stage::Done { .. })
    }

    /// Whether the reference runs at its exact rate, so that a difference from it means clipping.
    #[must_use]
    pub fn steady(&self) -> bool {
        matches!(self.stage, Stage::Steady { .. })
    }

    /// The phase in periods since the wave started; none during the approach.
    #[must_use]
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
            Stage::Done { phase } => Some(phase),
        }
    }

    /// The reference at this instant, for strokes of `stroke_mm` from the back.
    #[must_use]
    pub fn reference(&self, stroke_mm: f64) -> Kinematics {
        let period_s = self.wave.period_s();
        let (rate, rate_per_s) = match self.stage {
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
        };
        let point = self.wave.graph.at(self.phase().unwrap_or(0.0));
        let (rate, rate_per_s) = (rate / period_s, rate_per_s / period_s);
        Kinematics {
            p: stroke_mm * point.position,
            v: stroke_mm * point.slope * rate,
            a: stroke_mm * (point.curvature * rate * rate + point.slope * rate_per_s),
        }
    }

    /// One cycle of `cycle_s` seconds passes; the axis is at `axis` when it begins.
    pub fn advance(&mut self, cycle_s: f64, axis: &Kinematics, stroke_mm: f64) {
        match &mut self.stage {
            Stage::Approach => {
                let start = self.reference(stroke_mm);
                if (axis.p - start.p).abs() < ARRIVED_MM && axis.v.abs() < ARRIVED_MM_S {
                    self.stage = Stage::Starting { phase: 0.0, since_s: 0.0, ramp_s: ramp_s(&self.wave) };
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
            Stage::Finishing { since_s, ramp_s, end, .. } => {
                *since_s += cycle_s;
                if *since_s >= *ramp_s {
                    self.stage = Stage::Done { phase: *end };
                }
            }
            Stage::Done { .. } => {}
        }
    }

    /// The ramp down covers half its time at full rate, so it begins that much before the end of the period.
    fn begin_finishing(&mut self, cycle_s: f64) {
        let (true, Some(phase)) = (self.finish, self.phase()) else {
            return;
        };
        let end = libm::ceil(phase);
        let left_s = (end - phase) * self.wave.period_s();
        if left_s <= ramp_s(&self.wave) / 2.0 + cycle_s {
            self.stage = if left_s > 0.0 {
                Stage::Finishing { phase, since_s: 0.0, ramp_s: 2.0 * left_s, end }
            } else {
                Stage::Done { phase: end }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wave::Shape;

    const CYCLE_S: f64 = 0.001;

    fn started(period_s: f64) -> Follower {
        let mut follower = Follower::new(Wave::new(Shape::Sine, period_s).unwrap());
        follower.advance(CYCLE_S, &Kinematics::at_rest(0.0), 100.0);
        assert!(!follower.approaching());
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
        assert!(follower.approaching());
        assert_eq!(follower.reference(100.0), Kinematics::at_rest(0.0));
    }

    #[test]
    fn the_reference_is_smooth_through_start_and_end() {
        let mut follower = started(1.0);
        let mut all = run(&mut follower, 3_300);
        follower.finish();
        all.extend(run(&mut follower, 1_500));
        assert!(follower.done());
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
        run(&mut follower, 500);
        assert!((follower.phase().unwrap() - before - 1.0).abs() < 1e-9);
    }
}
