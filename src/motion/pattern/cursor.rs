//! Where in its program a pattern is.

use super::half::{HalfNumber, HalfStroke};
use super::{StrokeDrive, StrokeSpeed};

/// Most half strokes that are looked at to find the one that leads on.
const SEARCHED: u32 = 64;

/// The half stroke that is under way, and what was done before.
#[derive(Debug, Clone, PartialEq)]
pub struct StrokeCursor {
    drive: StrokeDrive,
    number: HalfNumber,
    /// The half stroke before it, if that was of the same program.
    before: Option<HalfNumber>,
    /// False until the axis has come to where the program begins.
    has_begun: bool,
    strokes: u32,
}

impl StrokeCursor {
    /// At the begin of the program, with the way there before it.
    pub fn new(drive: StrokeDrive) -> StrokeCursor {
        StrokeCursor {
            drive: drive.clamped(),
            number: HalfNumber::default(),
            before: None,
            has_begun: false,
            strokes: 0,
        }
    }

    /// In the program, at the half stroke that leads on from the share `at` of the window in `direction`.
    pub fn leading_on(drive: StrokeDrive, at: f64, direction: f64) -> StrokeCursor {
        let mut cursor = StrokeCursor { has_begun: true, ..StrokeCursor::new(drive) };
        cursor.lead_on(at, direction);
        cursor
    }

    /// What strokes.
    pub fn drive(&self) -> &StrokeDrive {
        &self.drive
    }

    /// Changes what strokes, for an axis at the share `at` of the window that moves in `direction`. Another program begins with the
    /// half stroke that leads on from here; the same one goes on.
    pub fn change(&mut self, drive: StrokeDrive, at: f64, direction: f64) {
        let (before, drive) = (self.drive, drive.clamped());
        let direction = if direction == 0.0 { self.half().direction() } else { direction };
        self.drive = drive;
        if before.program != drive.program {
            (self.number, self.before) = (HalfNumber::default(), None);
            if self.has_begun {
                self.lead_on(at, direction);
            }
            return;
        }
        // Another sensation may be another number of rungs: the run goes on at the same share of them.
        let (old, new, rung) = (before.halves(), drive.halves(), drive.halves_of_rung());
        if old != new {
            let (strokes, done) = (new / rung, f64::from(self.number.index / rung) / f64::from(old / rung));
            let stroke = (libm::round(done * f64::from(strokes)) as u32).min(strokes - 1);
            self.number.index = stroke * rung + self.number.index % rung;
        }
    }

    fn lead_on(&mut self, at: f64, direction: f64) {
        let leads_on = |index: &u32| {
            let half = self.drive.half(HalfNumber { index: *index, round: 0 });
            let way = self.drive.window_share(half.to) - at;
            half.direction() == direction && way * direction > 0.0
        };
        self.number.index = (0..self.drive.halves().min(SEARCHED)).find(leads_on).unwrap_or(0);
    }

    /// The half stroke that is under way, or begins next.
    pub fn half(&self) -> HalfStroke {
        self.drive.half(self.number)
    }

    /// Where the present half stroke ends, or where the program begins, as a share of the window.
    pub fn goal(&self) -> f64 {
        let half = self.half();
        self.drive.window_share(if self.has_begun { half.to } else { half.from })
    }

    /// False until the axis has come to where the program begins.
    pub fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// The axis is where the program begins.
    pub fn begin(&mut self) {
        self.has_begun = true;
    }

    /// Goes on to the next half stroke.
    pub fn complete(&mut self) {
        if self.half().ends_stroke {
            self.strokes = self.strokes.wrapping_add(1);
        }
        self.before = Some(self.number);
        self.number.index += 1;
        if self.number.index >= self.drive.halves() {
            self.number = HalfNumber { index: 0, round: self.number.round.wrapping_add(1) };
        }
    }

    /// Rest of the program before the present half stroke, in s.
    pub fn rest_s(&self) -> f64 {
        self.before.map_or(0.0, |before| self.drive.half(before).rest_s)
    }

    /// Whole strokes done; it wraps.
    pub fn strokes(&self) -> u32 {
        self.strokes
    }

    /// Length and highest speed of the present half stroke, in mm and mm/s, in a window of `window_mm`. It began at the share
    /// `start` of the window. A way that is longer than the program's is no faster than the half stroke, or than the approach, if
    /// the speed is a number of strokes.
    pub fn pace(&self, start: f64, window_mm: f64, speeds: &PaceLimits) -> (f64, f64) {
        let half = self.half();
        let stroke_mm = self.drive.stroke_share() * window_mm;
        let own_mm = (half.to - half.from).abs() * stroke_mm;
        let length_mm = own_mm.max((self.drive.window_share(half.to) - start).abs() * window_mm);
        // Trapezoid: v = s / ((1 - x) t).
        let within = |mm: f64, whole_s: f64| mm / ((1.0 - half.ramp) * half.portion * whole_s);
        let (whole_s, cap_mm_s) = match self.drive.speed {
            StrokeSpeed::Share(share) => {
                let cap_mm_s = share * speeds.in_force_mm_s;
                (self.drive.steepest() * stroke_mm / ((1.0 - half.ramp) * cap_mm_s), cap_mm_s)
            }
            StrokeSpeed::PerMin(per_min) => {
                let whole_s = 60.0 / per_min;
                (whole_s, within(own_mm, whole_s).max(speeds.approach_mm_s))
            }
        };
        let speed_mm_s = if whole_s > 0.0 { within(length_mm, whole_s) } else { cap_mm_s };
        (length_mm, speed_mm_s.min(cap_mm_s).min(speeds.path_mm_s))
    }
}

/// Speeds that a pattern is measured by, in mm/s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PaceLimits {
    /// The highest one in force.
    pub in_force_mm_s: f64,
    /// The highest one of a path.
    pub path_mm_s: f64,
    /// That of an approach.
    pub approach_mm_s: f64,
}
