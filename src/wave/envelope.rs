//! Envelope of a wave: offset and amplitude inside the stroke, ramp up and ramp down.
//!
//! The wave moves between `offset` and `offset + amplitude`, from the back. Both are shares of the stroke or
//! millimetres; the stroke is the calibrated range, or the user's stroke limit where that is less. The offset counts
//! first: where the stroke is too short for both, the amplitude is what is left.

use crate::units::Mm;

/// Length as a share of the stroke, or in millimetres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Size {
    /// Share of the stroke, in `[0, 1]`.
    Share(f64),
    /// Millimetres, not negative.
    Mm(Mm),
}

impl Size {
    fn in_mm(self, stroke_mm: f64) -> f64 {
        match self {
            Size::Share(share) => share * stroke_mm,
            Size::Mm(mm) => mm.get(),
        }
    }
}

/// Part of the stroke that a wave fills, and the times in which it grows to it and fades.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Envelope {
    /// From the wave's back end to its front end.
    pub amplitude: Size,
    /// From the back of the stroke to the wave's back end.
    pub offset: Size,
    /// Time from its start until it fills its part, in seconds, up to [`MAX_RAMP_S`].
    pub ramp_up_s: f64,
    /// Time from END until it rests at the back, in seconds, up to [`MAX_RAMP_S`]; with 0 it finishes the period instead.
    pub ramp_down_s: f64,
}

/// Longest ramp of an envelope, in seconds.
pub const MAX_RAMP_S: f64 = 600.0;

impl Default for Envelope {
    /// The whole stroke, without ramps.
    fn default() -> Envelope {
        Envelope { amplitude: Size::Share(1.0), offset: Size::Share(0.0), ramp_up_s: 0.0, ramp_down_s: 0.0 }
    }
}

/// Part that a wave fills of a stroke of known length, from its back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StrokeSpan {
    /// Distance of its beginning from the back.
    pub offset_mm: f64,
    /// Its length.
    pub amplitude_mm: f64,
}

impl Envelope {
    /// The part that it fills of a stroke of `stroke_mm`; never beyond it.
    #[must_use]
    pub fn over(&self, stroke_mm: f64) -> StrokeSpan {
        let offset_mm = self.offset.in_mm(stroke_mm).min(stroke_mm);
        StrokeSpan { offset_mm, amplitude_mm: self.amplitude.in_mm(stroke_mm).min(stroke_mm - offset_mm) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(amplitude: Size, offset: Size, stroke_mm: f64) -> (f64, f64) {
        let part = Envelope { amplitude, offset, ..Envelope::default() }.over(stroke_mm);
        (part.offset_mm, part.amplitude_mm)
    }

    #[test]
    fn a_part_never_leaves_the_stroke() {
        let (share, mm) = (Size::Share, |mm: f64| Size::Mm(Mm::try_from(mm).unwrap()));
        for (amplitude, offset, stroke_mm, expected) in [
            (share(1.0), share(0.0), 145.0, (0.0, 145.0)),
            (share(0.5), share(0.25), 100.0, (25.0, 50.0)),
            (share(1.0), mm(20.0), 100.0, (20.0, 80.0)),
            (mm(30.0), mm(20.0), 100.0, (20.0, 30.0)),
            (mm(30.0), mm(20.0), 40.0, (20.0, 20.0)),
            (mm(30.0), mm(20.0), 15.0, (15.0, 0.0)),
            (mm(30.0), share(0.5), 0.0, (0.0, 0.0)),
        ] {
            assert_eq!(part(amplitude, offset, stroke_mm), expected);
        }
    }
}
