//! Stroke: the wave of a program that says how fast, and not where.

use crate::machine::Snapshot;
use crate::motion::FeedWindow;
use crate::units::Mm;
use crate::wave::envelope::Size;
use crate::wave::graph::PeriodError;
use crate::wave::{Envelope, Shape, Wave};

/// Bounds on its period, in s.
const SHORTEST_S: f64 = 0.3;
const LONGEST_S: f64 = 600.0;

/// A sine over the window whose highest speed is that share of what the settings allow, for the machine as it is now.
///
/// # Errors
/// [`PeriodError`], which its bounds exclude.
pub fn wave(window: FeedWindow, now: &Snapshot, share: f64) -> Result<Wave, PeriodError> {
    let stroke_mm = now.in_force.stroke_mm.min(now.range_mm.unwrap_or(f64::INFINITY));
    let window = window.within(stroke_mm);
    let highest_mm_s = now.in_force.motion.max_speed.get() * share.min(1.0);
    let period_s = (core::f64::consts::PI * window.length_mm() / highest_mm_s).clamp(SHORTEST_S, LONGEST_S);
    let mm = |mm: f64| Mm::try_from(mm).map_or(Size::Share(0.0), Size::Mm);
    let (offset, amplitude) = (mm(window.back_mm), mm(window.length_mm()));
    let mut wave = Wave::new(Shape::Sine, period_s)?;
    wave.envelope = Envelope { offset, amplitude, ..Envelope::default() };
    Ok(wave)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_highest_speed_is_the_share_that_is_asked_for() {
        let mut now = Snapshot { range_mm: Some(145.0), ..Snapshot::at_power_on() };
        now.in_force.stroke_mm = 155.0;
        let window = FeedWindow { back_mm: 20.0, front_mm: 120.0 };
        let wave = wave(window, &now, 0.5).unwrap();
        let span = wave.envelope.over(145.0);
        assert_eq!((span.offset_mm, span.amplitude_mm), (20.0, 100.0));
        let highest_mm_s = core::f64::consts::PI * 100.0 / wave.period_s();
        assert!((highest_mm_s - now.in_force.motion.max_speed.get() / 2.0).abs() < 1e-9, "{highest_mm_s}");
        assert_eq!(super::wave(window, &now, 1e-9).unwrap().period_s(), LONGEST_S);
    }
}
