//! The simulated load cell: the spring at the end of the rail and a hand on the carriage, sampled at a fixed rate.

use super::hands::{Hands, Mishap};
use super::rail::{RailOptions, spring_force_g};
use crate::hal::{ForceSample, ForceSensor};
use crate::units::Nanos;

/// Time between samples: 80 a second, as an HX711 makes them.
const SAMPLE_PERIOD_NS: Nanos = 12_500_000;

/// A load cell on the simulated machine.
#[derive(Debug, Clone)]
pub struct SimLoadCell {
    hands: Hands,
    options: RailOptions,
    latest: Option<ForceSample>,
}

impl SimLoadCell {
    /// The load cell of the machine that `hands` belongs to.
    #[must_use]
    pub fn new(hands: Hands, options: RailOptions) -> SimLoadCell {
        SimLoadCell { hands, options, latest: None }
    }
}

impl ForceSensor for SimLoadCell {
    fn latest(&mut self, now: Nanos) -> Option<ForceSample> {
        let at = now - now % SAMPLE_PERIOD_NS;
        let new = self.latest.is_none_or(|sample| sample.at != at);
        if new && !self.hands.mishaps().has(Mishap::LoadCellSilent) {
            let force_g = spring_force_g(&self.options, self.hands.carriage_mm()) + self.hands.pushed_g();
            self.latest = Some(ForceSample::of_rate(force_g, at, SAMPLE_PERIOD_NS));
        }
        self.latest
    }
}
