//! What each setting may be. A value outside refuses the whole change.

use std::ops::RangeInclusive;

use crate::layout;
use crate::wave::spline::SLIDERS;

/// Characters of the name.
pub const NAME_CHARS: usize = 200;
/// mm a tick.
pub const TICK_STROKE_LIMIT: RangeInclusive<i64> = 1..=1_000;
/// Grams; the strongest common load cells end at 100 kg.
pub const FORCE_LIMIT: RangeInclusive<i64> = 1..=100_000;
/// Values of the chart: no more and no fewer.
pub const CHART_VALUES: usize = SLIDERS;
/// Percent, each value of the chart.
pub const CHART_PERCENT: RangeInclusive<i64> = 0..=100;
/// Microsteps a turn. The finest driver (256) with the finest motor (400 steps) makes 102 400; ten times that
/// is a mistake for certain.
pub const MICROSTEPS_PER_REV: RangeInclusive<i64> = 1..=1_000_000;
/// Ticks a second.
pub const WAVE_RESOLUTION: RangeInclusive<i64> = 1..=10_000;
/// mm between the switches; `stroke_limit` ends there, and twice `padding_mm` stays below it.
pub const MAX_STROKE: RangeInclusive<i64> = 1..=layout::MAX_STROKE_MM as i64;
/// Steps of a calibrated range: the longest rail with the finest steps has half as many.
pub const STEPS: RangeInclusive<i64> = 1..=1_000_000_000;
