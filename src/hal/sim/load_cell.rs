//! Simulated load cell: the spring at the end of the rail and a hand on the carriage, sampled at a fixed rate.

use super::operator::{Mishap, SimulatedOperator};
use super::rail::{RailOptions, spring_force_g};
use crate::hal::{ForceSample, ForceSensor};
use crate::units::Nanos;

/// Time between samples: 80 a second, as an HX711 makes them.
const SAMPLE_PERIOD_NS: Nanos = 12_500_000;

/// Load cell of the simulated machine.
#[derive(Debug, Clone)]
pub struct SimLoadCell {
    operator: SimulatedOperator,
    options: RailOptions,
    latest: Option<ForceSample>,
}

impl SimLoadCell {
    /// A load cell on the machine of `operator`.
    pub fn new(operator: SimulatedOperator, options: RailOptions) -> SimLoadCell {
        SimLoadCell { operator, options, latest: None }
    }

    /// The operator of its machine.
    pub fn operator(&self) -> &SimulatedOperator {
        &self.operator
    }
}

impl ForceSensor for SimLoadCell {
    fn latest(&mut self, now: Nanos) -> Option<ForceSample> {
        let at = now - now % SAMPLE_PERIOD_NS;
        let new = self.latest.is_none_or(|sample| sample.at != at);
        let mishaps = self.operator.mishaps();
        let answers = !mishaps.has(Mishap::LoadCellSilent) && !mishaps.has(Mishap::LoadCellFrozen);
        if new && answers {
            let force_g =
                spring_force_g(&self.options, self.operator.carriage_mm()) + self.operator.pushed_g();
            let noise_g = if mishaps.has(Mishap::LoadCellNoisy) { NOISE_G * noise(at) } else { 0.0 };
            let force_g = if mishaps.has(Mishap::LoadCellGarbage) { garbage(at) } else { force_g + noise_g };
            self.latest = Some(ForceSample::of_rate(force_g, at, SAMPLE_PERIOD_NS));
        }
        self.latest
    }
}

/// Amplitude of the noise of a noisy load cell, in grams.
pub const NOISE_G: f64 = 150.0;

/// Noise in `[-1, 1)` without a pattern, reproducible for each instant.
fn noise(at: Nanos) -> f64 {
    let hash = at.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((hash ^ hash >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// A value that no force can have.
fn garbage(at: Nanos) -> f64 {
    [f64::NAN, f64::INFINITY, -1e9, 8_388_607e3][(at / SAMPLE_PERIOD_NS % 4) as usize]
}
