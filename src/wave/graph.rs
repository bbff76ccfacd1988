//! A wave: a periodic position graph, the part of the stroke that it fills, and its period.

use std::sync::Arc;

use super::cubics::{Cubics, Seams};
use super::envelope::Envelope;
use super::shape::{Point, Shape};
use super::strokes::Stroke;
use crate::units::Seconds;

/// Position over one period.
///
/// Waves share cubics, since there may be many. The thread that executes a wave must not free them: [`super::Retention`] prevents
/// that.
#[derive(Debug, Clone, PartialEq)]
pub enum Graph {
    /// One that has a formula.
    Shape(Shape),
    /// One that is made of polynomials.
    Cubics(Arc<Cubics>),
}

impl Graph {
    /// The point of the graph at `phase`, with its first and second derivative by the phase. At a corner, and where
    /// the graph jumps, it is the one behind.
    ///
    /// The phase counts periods and may be any finite number.
    #[must_use]
    pub fn at(&self, phase: f64) -> Point {
        match self {
            Graph::Shape(shape) => shape.at(phase),
            Graph::Cubics(cubics) => cubics.at(phase),
        }
    }

    /// True if it is the same graph for certain; cubics are compared by their address, not point by point.
    #[must_use]
    pub fn is_same(&self, other: &Graph) -> bool {
        match (self, other) {
            (Graph::Shape(mine), Graph::Shape(theirs)) => mine == theirs,
            (Graph::Cubics(mine), Graph::Cubics(theirs)) => Arc::ptr_eq(mine, theirs),
            (Graph::Shape(_), Graph::Cubics(_)) | (Graph::Cubics(_), Graph::Shape(_)) => false,
        }
    }

    /// The strokes of one period, each from a turn to the next.
    #[must_use]
    pub fn strokes(&self) -> &[Stroke] {
        match self {
            // Both lead from end to end and back, in half of the period each.
            Graph::Shape(Shape::Sine | Shape::Square) => &[Stroke { way: 1.0, share: 0.5 }; 2],
            Graph::Cubics(cubics) => &cubics.strokes().strokes,
        }
    }

    /// Its lowest and its highest position, as shares of the range.
    #[must_use]
    pub fn extent(&self) -> (f64, f64) {
        match self {
            Graph::Shape(Shape::Sine | Shape::Square) => (0.0, 1.0),
            Graph::Cubics(cubics) => (cubics.strokes().low, cubics.strokes().high),
        }
    }

    /// Its steepest slope, up or down, per period; infinite where it jumps.
    #[must_use]
    pub fn steepest(&self) -> f64 {
        match self {
            Graph::Shape(Shape::Sine) => core::f64::consts::PI,
            Graph::Shape(Shape::Square) => f64::INFINITY,
            Graph::Cubics(cubics) => cubics.steepest(),
        }
    }

    /// Its worst discontinuity.
    #[must_use]
    pub fn seams(&self) -> Seams {
        match self {
            Graph::Shape(Shape::Sine) => Seams::Smooth,
            Graph::Shape(Shape::Square) => Seams::Jumps,
            Graph::Cubics(cubics) => cubics.seams(),
        }
    }
}

impl From<Shape> for Graph {
    fn from(shape: Shape) -> Graph {
        Graph::Shape(shape)
    }
}

impl From<Cubics> for Graph {
    fn from(cubics: Cubics) -> Graph {
        Graph::Cubics(Arc::new(cubics))
    }
}

/// A graph, the part of the stroke that it fills, and the time for one period.
#[derive(Debug, Clone, PartialEq)]
pub struct Wave {
    /// The graph.
    pub graph: Graph,
    /// The part of the stroke that it fills, and its ramps.
    pub envelope: Envelope,
    /// Time for one period.
    period: Seconds,
}

/// Shortest period that the machine executes. At 0.05 s even the quickest axis only trembles.
pub const MIN_PERIOD_S: f64 = 0.05;
/// Longest period that the machine executes: one day.
pub const MAX_PERIOD_S: f64 = 86_400.0;

/// A period outside the range, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a period of {0} s cannot be run: give {MIN_PERIOD_S} s to {MAX_PERIOD_S} s")]
pub struct PeriodError(pub f64);

impl Wave {
    /// A wave with that period, in seconds, that fills the stroke.
    ///
    /// # Errors
    /// [`PeriodError`] outside [`MIN_PERIOD_S`] … [`MAX_PERIOD_S`], NaN included.
    pub fn new(graph: impl Into<Graph>, period_s: f64) -> Result<Wave, PeriodError> {
        match Seconds::try_from(period_s) {
            Ok(period) if (MIN_PERIOD_S..=MAX_PERIOD_S).contains(&period_s) => {
                Ok(Wave { graph: graph.into(), envelope: Envelope::default(), period })
            }
            _ => Err(PeriodError(period_s)),
        }
    }

    /// The same wave along another graph.
    #[must_use]
    pub fn with_graph(self, graph: Graph) -> Wave {
        Wave { graph, ..self }
    }

    /// The same wave in that part of the stroke.
    #[must_use]
    pub fn with_envelope(self, envelope: Envelope) -> Wave {
        Wave { envelope, ..self }
    }

    /// Time for one period, in seconds.
    #[must_use]
    pub fn period_s(&self) -> f64 {
        self.period.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_refuses_periods_that_no_axis_can_follow() {
        for bad in [0.0, -1.0, 0.049, 86_401.0, f64::NAN, f64::INFINITY] {
            assert!(Wave::new(Shape::Sine, bad).is_err(), "{bad} was accepted");
        }
        assert_eq!(Wave::new(Shape::Square, 0.2).unwrap().period_s(), 0.2);
    }
}
