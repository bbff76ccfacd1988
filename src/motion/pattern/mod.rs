//! Patterns: programs of half strokes with the words that users of such machines know: speed, depth, stroke, sensation.
//!
//! A [`StrokeDrive`] says what strokes, and how. It is data: the control cycle asks a [`StrokeCursor`] for the half stroke that is
//! due, and the feeder makes the path of it, from where the path is; so each word may change at any instant.
//!
//! - [`kind`]: the built-in programs, as users see them; `table`: what their half strokes are; [`steps`]: a user's own program
//! - [`half`]: half stroke number so and so of a program
//! - [`cursor`]: where in the program the axis is
//! - [`leg`]: the move that is left of a half stroke
//!
//! Programs that shake the axis on its way (Jack Hammer and Stroke Nibbler of StrokeEngine) are left out: their authors removed
//! them for safety in 2023, as they move with the full speed and acceleration of the machine, whatever speed is set.
//!
//! *Speed* is the highest speed of the program, as a share of the highest speed in force: a shorter stroke is not a faster hammer.
//! Or it is the number of whole strokes a minute, as far as the limits allow them. A half stroke that the limits do not allow in its
//! time keeps its length and takes longer, unlike a target of another program: a pattern reaches its depth.
//!
//! Shares of the stroke are 0 at its back and 1 at its front, the depth.

pub mod cursor;
pub mod half;
pub mod kind;
pub mod leg;
pub mod steps;
mod table;

pub use cursor::StrokeCursor;
pub use kind::PatternKind;
pub use steps::{STEPS_MAX, StrokeStep, StrokeSteps};

/// Shares of the highest speed, and strokes a minute, below which the axis rests.
const LEAST_SHARE: f64 = 0.001;
const LEAST_PER_MIN: f64 = 0.05;
/// More strokes a minute than any machine makes.
const MOST_PER_MIN: f64 = 6_000.0;

/// How fast a pattern is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum StrokeSpeed {
    /// Its highest speed, as a share of the highest speed in force, from 0 to 1. 0 is rest.
    Share(f64),
    /// Whole strokes a minute, which are no faster than the limits allow. 0 is rest.
    PerMin(f64),
}

/// What a pattern does.
#[derive(Debug, Clone, Copy, PartialEq)]
// The larger one is the user's list, which must be in the item: a box would have to be freed in the control cycle.
#[allow(clippy::large_enum_variant)]
pub enum StrokeProgram {
    /// A built-in program.
    Kind(PatternKind),
    /// Steps of the user.
    Steps(StrokeSteps),
}

/// What strokes, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StrokeDrive {
    /// The program.
    pub program: StrokeProgram,
    /// How fast it is.
    pub speed: StrokeSpeed,
    /// The farthest place, as a share of the window from its back.
    pub depth: f64,
    /// Length of a stroke, as a share of the window; it is cut at the back of the window.
    pub stroke: f64,
    /// What the program makes of it: -1 to 1.
    pub sensation: f64,
    /// True if it rests where it is, to go on from there.
    pub is_paused: bool,
    /// Choice of the random numbers.
    pub seed: u64,
}

impl StrokeDrive {
    /// The same with every number inside its range; what is no number is 0.
    #[must_use]
    pub fn clamped(self) -> StrokeDrive {
        let inside = |x: f64, low: f64, high: f64| if x.is_nan() { 0.0 } else { x.clamp(low, high) };
        let speed = match self.speed {
            StrokeSpeed::Share(share) => StrokeSpeed::Share(inside(share, 0.0, 1.0)),
            StrokeSpeed::PerMin(per_min) => StrokeSpeed::PerMin(inside(per_min, 0.0, MOST_PER_MIN)),
        };
        StrokeDrive {
            speed,
            depth: inside(self.depth, 0.0, 1.0),
            stroke: inside(self.stroke, 0.0, 1.0),
            sensation: inside(self.sensation, -1.0, 1.0),
            ..self
        }
    }

    /// True if the axis is to move.
    #[must_use]
    pub fn moves(&self) -> bool {
        let is_fast_enough = match self.speed {
            StrokeSpeed::Share(share) => share >= LEAST_SHARE,
            StrokeSpeed::PerMin(per_min) => per_min >= LEAST_PER_MIN,
        };
        is_fast_enough && !self.is_paused
    }

    /// Share of the window at a share of the stroke.
    #[must_use]
    pub fn window_share(&self, share: f64) -> f64 {
        self.depth - (1.0 - share) * self.stroke_share()
    }

    /// Length of a stroke, as a share of the window.
    #[must_use]
    pub fn stroke_share(&self) -> f64 {
        self.stroke.min(self.depth)
    }
}

/// What is reported of a pattern.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StrokeReport {
    /// Whole strokes done; it wraps.
    pub strokes: u32,
    /// Whole strokes a minute, as the present half stroke is planned; 0 while the axis is to rest.
    pub per_min: f64,
    /// Highest speed of the present half stroke, as planned, in mm/s; 0 while the axis is to rest.
    pub peak_mm_s: f64,
    /// True while the path rests: in a rest of the program, in a pause, or at speed 0.
    pub rests: bool,
}

#[cfg(test)]
mod tests;
