//! Piecewise cubic graph: polynomials one after the other round the period.
//!
//! Each is written in the distance from its start, `u`, in periods: `c₀ + c₁u + c₂u² + c₃u³`. The last one reaches
//! over the end of the period to the start of the first.

use super::shape::Point;
use super::strokes::{self, Strokes};

/// One piece of a graph.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cubic {
    /// Phase at which it begins, in `[0, 1)`.
    pub start: f64,
    /// Coefficients, from the constant one on.
    pub coefficients: [f64; 4],
}

impl Cubic {
    /// The cubic from `(start, from)` to `(start + length, to)` with these slopes at its ends (Hermite's form).
    #[must_use]
    pub fn hermite(start: f64, length: f64, [from, to]: [f64; 2], [slope, end_slope]: [f64; 2]) -> Cubic {
        let chord = (to - from) / length;
        let bend = (3.0 * chord - 2.0 * slope - end_slope) / length;
        let twist = (slope + end_slope - 2.0 * chord) / (length * length);
        Cubic { start, coefficients: [from, slope, bend, twist] }
    }

    /// The straight line from `(start, from)` to `(start + length, to)`.
    #[must_use]
    pub fn line(start: f64, length: f64, [from, to]: [f64; 2]) -> Cubic {
        Cubic { start, coefficients: [from, (to - from) / length, 0.0, 0.0] }
    }

    fn at(&self, u: f64) -> Point {
        let [c0, c1, c2, c3] = self.coefficients;
        Point {
            position: c0 + u * (c1 + u * (c2 + u * c3)),
            slope: c1 + u * (2.0 * c2 + u * 3.0 * c3),
            curvature: 2.0 * c2 + u * 6.0 * c3,
        }
    }

    /// Smallest and largest position in the first `length` of it, both ends included.
    #[must_use]
    pub fn extent(&self, length: f64) -> (f64, f64) {
        let (start, end) = (self.at(0.0).position, self.at(length).position);
        self.turns(length)
            .into_iter()
            .flatten()
            .map(|turn| self.at(turn).position)
            .fold((start.min(end), start.max(end)), |(low, high): (f64, f64), position| {
                (low.min(position), high.max(position))
            })
    }

    /// The steepest slope in the first `length` of it, up or down: at an end, or where the curvature is zero.
    fn steepest(&self, length: f64) -> f64 {
        let [_, _, c2, c3] = self.coefficients;
        let between = Some(-c2 / (3.0 * c3)).filter(|u| *u > 0.0 && *u < length);
        let slopes = [Some(0.0), between, Some(length)].into_iter().flatten().map(|u| self.at(u).slope.abs());
        slopes.fold(0.0, f64::max)
    }

    /// Places in the first `length` of it where the slope is zero, in this order.
    fn turns(&self, length: f64) -> [Option<f64>; 2] {
        let [_, c1, c2, c3] = self.coefficients;
        // Where the slope c₁ + 2c₂u + 3c₃u² is zero, in the form that does not cancel.
        let root = libm::sqrt((c2 * c2 - 3.0 * c1 * c3).max(0.0));
        let q = -(c2 + libm::copysign(root, c2));
        let mut turns = [q / (3.0 * c3), c1 / q];
        turns.sort_by(f64::total_cmp);
        // Where there is no turn it is infinite or no number, and not in between.
        turns.map(|turn| (turn > 0.0 && turn < length).then_some(turn))
    }
}

/// Piecewise cubic graph of one period.
#[derive(Debug, Clone, PartialEq)]
pub struct Cubics {
    cubics: Box<[Cubic]>,
    // Computed once, since a real-time thread asks for them.
    strokes: Strokes,
    seams: Seams,
    steepest: f64,
}

impl Cubics {
    /// A graph of these cubics: at least one, with starts that rise inside `[0, 1)`. Only [`super::interpolate`] and
    /// [`super::trapezoid`] make some; they also keep the positions inside `[0, 1]`.
    pub(super) fn new(cubics: Vec<Cubic>) -> Cubics {
        debug_assert!(!cubics.is_empty() && cubics.windows(2).all(|pair| pair[0].start < pair[1].start));
        let corners: Vec<(f64, f64)> = each(&cubics)
            .flat_map(|(cubic, length)| {
                let turns = cubic.turns(length);
                [Some(0.0), turns[0], turns[1], Some(length)]
                    .into_iter()
                    .flatten()
                    .map(|u| (cubic.start + u, cubic.at(u).position))
            })
            .collect();
        let seams = seams(&cubics);
        let steepest = match seams {
            Seams::Jumps => f64::INFINITY,
            Seams::Corners | Seams::Smooth => {
                each(&cubics).map(|(cubic, length)| cubic.steepest(length)).fold(0.0, f64::max)
            }
        };
        Cubics { strokes: strokes::find_strokes(&corners), seams, steepest, cubics: cubics.into() }
    }

    /// Worst discontinuity where one cubic gives way to the next.
    #[must_use]
    pub const fn seams(&self) -> Seams {
        self.seams
    }

    /// Steepest slope, up or down, per period; infinite where it jumps.
    #[must_use]
    pub const fn steepest(&self) -> f64 {
        self.steepest
    }

    /// Strokes of one period.
    #[must_use]
    pub const fn strokes(&self) -> &Strokes {
        &self.strokes
    }

    /// The point of the graph at `phase`, which may be any finite number.
    #[must_use]
    pub fn at(&self, phase: f64) -> Point {
        let phase = phase - libm::floor(phase);
        let after = self.cubics.partition_point(|cubic| cubic.start <= phase);
        let (cubic, round) = match after.checked_sub(1) {
            Some(index) => (&self.cubics[index], 0.0),
            // Before the first one the last one goes on, begun in the period before.
            None => (&self.cubics[self.cubics.len() - 1], 1.0),
        };
        let point = cubic.at(phase - cubic.start + round);
        // Rounding may put it slightly outside.
        Point { position: point.position.clamp(0.0, 1.0), ..point }
    }

    /// Each cubic with its length.
    pub fn each(&self) -> impl Iterator<Item = (&Cubic, f64)> {
        each(&self.cubics)
    }
}

fn each(cubics: &[Cubic]) -> impl Iterator<Item = (&Cubic, f64)> {
    let first = cubics.first().map_or(0.0, |cubic| cubic.start);
    let ends = cubics.iter().skip(1).map(|cubic| cubic.start).chain([first + 1.0]);
    cubics.iter().zip(ends).map(|(cubic, end)| (cubic, end - cubic.start))
}

/// Discontinuity of a graph, by severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seams {
    /// Position and slope are continuous.
    Smooth,
    /// The slope jumps: the axis rounds that inside its limits.
    Corners,
    /// The position jumps: the axis follows as fast as its limits allow.
    Jumps,
}

/// Tolerance within which two cubics meet, for the rounding of their coefficients.
const SAME: f64 = 1e-6;

fn seams(cubics: &[Cubic]) -> Seams {
    let next = cubics.iter().cycle().skip(1);
    let seam = |((cubic, length), next): ((&Cubic, f64), &Cubic)| {
        let (end, start) = (cubic.at(length), next.at(0.0));
        if (end.position - start.position).abs() > SAME {
            Seams::Jumps
        } else if (end.slope - start.slope).abs() > SAME * (1.0 + end.slope.abs() + start.slope.abs()) {
            Seams::Corners
        } else {
            Seams::Smooth
        }
    };
    each(cubics).zip(next).map(seam).max().unwrap_or(Seams::Smooth)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cubic_meets_its_ends_and_slopes(
            length in 1e-3..1.0f64, ends in prop::array::uniform2(0.0..1.0f64), slopes in prop::array::uniform2(-9.0..9.0f64)
        ) {
            let cubic = Cubic::hermite(0.3, length, ends, slopes);
            for (u, position, slope) in [(0.0, ends[0], slopes[0]), (length, ends[1], slopes[1])] {
                let point = cubic.at(u);
                prop_assert!((point.position - position).abs() < 1e-12 && (point.slope - slope).abs() < 1e-9);
            }
        }

        #[test]
        fn the_extent_holds_every_point_and_is_reached(
            length in 1e-3..1.0f64, ends in prop::array::uniform2(0.0..1.0f64), slopes in prop::array::uniform2(-99.0..99.0f64)
        ) {
            let cubic = Cubic::hermite(0.0, length, ends, slopes);
            let (low, high) = cubic.extent(length);
            let points = (0..=2_000).map(|i| cubic.at(length * f64::from(i) / 2_000.0).position);
            let (least, most) = points.fold((f64::MAX, f64::MIN), |(l, h), p| (l.min(p), h.max(p)));
            prop_assert!(low <= least + 1e-12 && high >= most - 1e-12);
            prop_assert!(low >= least - 1e-3 && high <= most + 1e-3, "{low} {least} {high} {most}");
        }
    }

    #[test]
    fn its_strokes_are_those_of_its_points() {
        let hill = Cubic::hermite(0.0, 0.5, [0.2, 0.2], [4.0, -4.0]);
        let graph = Cubics::new(vec![hill, Cubic::line(0.5, 0.5, [0.2, 0.2])]);
        let Strokes { strokes, low, high } = graph.strokes();
        // It rises in a quarter, and from there it goes down and rests; the hill is steepest at its foot.
        assert!((low - 0.2).abs() < 1e-12 && (high - 0.7).abs() < 1e-12);
        for (stroke, share) in strokes.iter().zip([0.25, 0.75]) {
            assert!((stroke.way - 0.5).abs() < 1e-12 && (stroke.share - share).abs() < 1e-12, "{strokes:?}");
        }
        assert_eq!(strokes.len(), 2);
        assert_eq!((graph.seams(), graph.steepest()), (Seams::Corners, 4.0));
    }

    #[test]
    fn the_last_cubic_reaches_over_the_end_of_the_period() {
        let graph = Cubics::new(vec![Cubic::line(0.25, 0.5, [0.0, 1.0]), Cubic::line(0.75, 0.5, [1.0, 0.0])]);
        for (phase, position) in
            [(0.25, 0.0), (0.5, 0.5), (0.75, 1.0), (0.0, 0.5), (1.125, 0.25), (-0.5, 0.5)]
        {
            assert!((graph.at(phase).position - position).abs() < 1e-12, "{phase}");
        }
        let lengths: Vec<f64> = graph.each().map(|(_, length)| length).collect();
        assert_eq!(lengths, [0.5, 0.5]);
    }
}
