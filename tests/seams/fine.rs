//! Machines with a fine resolution (many steps/mm).

use yep::drive::RehearsalOptions;
use yep::motion::{Allowance, MotionLimits};
use yep::units::{Grams, MmPerS, MmPerS2, MmPerS3, StepsPerMm};

/// The `usual` rail with this resolution and highest speed; neither force nor pulse rate slows it down.
pub fn fine(usual: RehearsalOptions, steps_per_mm: f64, max_speed_mm_s: f64) -> RehearsalOptions {
    let mut options = usual;
    options.rail.steps_per_mm = steps_per_mm;
    options.config.geometry.nominal = StepsPerMm::try_from(steps_per_mm).unwrap();
    // The pulse rate is no bound here, so that a test can exceed it.
    options.config.geometry.max_steps_per_s = 1e6;
    options.config.limits = MotionLimits::new(
        MmPerS::try_from(max_speed_mm_s).unwrap(),
        MmPerS2::constant(40_000.0),
        MmPerS3::constant(4_000_000.0),
        MmPerS2::constant(40_000.0),
        MmPerS::try_from(max_speed_mm_s.min(60.0)).unwrap(),
    )
    .unwrap();
    options.config.allowance = Allowance::new(
        Grams::constant(1_000.0),
        core::array::from_fn(|i| 3_000.0 * (1.0 - i as f64 / 100.0)),
    );
    options
}

/// Period of the sine over the whole range of 145 mm with this peak speed.
pub fn period_s(peak_mm_s: f64) -> f64 {
    core::f64::consts::PI * 145.0 / peak_mm_s
}
