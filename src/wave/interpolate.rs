//! Periodic interpolation through points: linear, monotone cubic, or cubic spline.
//!
//! The spline is the one whose slope and curvature are continuous all round. With the distances `hᵢ = xᵢ₊₁ - xᵢ` and
//! the chords `dᵢ = (yᵢ₊₁ - yᵢ) / hᵢ`, its slopes `mᵢ` at the points are the solution of
//!
//! ```text
//! mᵢ₋₁ / hᵢ₋₁ + 2 mᵢ (1/hᵢ₋₁ + 1/hᵢ) + mᵢ₊₁ / hᵢ = 3 (dᵢ₋₁ / hᵢ₋₁ + dᵢ / hᵢ)
//! ```
//!
//! (C. de Boor, *A Practical Guide to Splines*, chapter IV), a system that is cyclic and diagonally dominant.
//!
//! The monotone graph begins with these slopes and limits each to what keeps every segment monotone: none where the
//! points turn, and elsewhere at most three times the flatter of the two chords beside it. That is the square inside
//! the region of Fritsch and Carlson (*Monotone piecewise cubic interpolation*, 1980), as Hyman applies it to a spline
//! (1983). So where the points leave room it is the spline, and it never goes beyond the points beside it.

use super::cubics::{Cubic, Cubics};

/// Kind of interpolation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interpolation {
    /// Straight lines with corners, which the tracker rounds.
    Linear,
    /// Smooth, and never beyond the two points on either side.
    #[default]
    Monotone,
    /// A cubic spline: the smoothest. It may swing beyond the points.
    Spline,
}

impl Interpolation {
    /// All kinds, in the order in which help texts list them.
    pub const ALL: [Interpolation; 3] =
        [Interpolation::Linear, Interpolation::Monotone, Interpolation::Spline];

    /// The name that clients use for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Interpolation::Linear => "linear",
            Interpolation::Monotone => "monotone",
            Interpolation::Spline => "spline",
        }
    }

    /// The interpolation of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Interpolation> {
        Interpolation::ALL.into_iter().find(|interpolation| interpolation.name() == name)
    }

    /// Least number of points.
    #[must_use]
    pub const fn least_points(self) -> usize {
        match self {
            Interpolation::Linear | Interpolation::Monotone => 2,
            Interpolation::Spline => 3,
        }
    }
}

/// Largest number of points of a graph.
pub const MAX_POINTS: usize = 1_000;
/// Least distance between two points, as a share of the period.
pub const MIN_GAP: f64 = 1e-6;

/// A point that a graph goes through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Knot {
    /// Phase, in `[0, 1)`.
    pub phase: f64,
    /// Position: 0 is the back of the usable range, 1 its front.
    pub position: f64,
}

/// Error in the points of a graph.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum KnotError {
    /// Too few or too many.
    #[error("{given} points are given: {interpolation} takes {least} to {MAX_POINTS}")]
    Count {
        /// Number that is given.
        given: usize,
        /// Least number.
        least: usize,
        /// Name of the interpolation.
        interpolation: &'static str,
    },
    /// The position of a point is outside `[0, 1]`, or no number.
    #[error("its position is {position}: give 0 for the back of the range to 1 for its front")]
    Position {
        /// Index of the point, from 0.
        index: usize,
        /// Its position.
        position: f64,
    },
    /// The phase of a point is outside `[0, 1)`, or no number.
    #[error("it is outside the period: the first point may be at 0, the last one before the end")]
    Phase {
        /// Index of the point, from 0.
        index: usize,
    },
    /// A point does not come after the one before it.
    #[error(
        "it does not come after the point before it: give them in order, at least a millionth of the period apart"
    )]
    Order {
        /// Index of the point, from 0.
        index: usize,
    },
    /// The spline leaves the range behind a point.
    #[error(
        "behind it the spline swings to {position:.3}, outside 0 to 1: add points there, move them apart, or take monotone"
    )]
    Swing {
        /// Index of the point, from 0.
        index: usize,
        /// The farthest position.
        position: f64,
    },
}

impl KnotError {
    /// Index of the point, from 0; none if their number is wrong.
    #[must_use]
    pub const fn index(&self) -> Option<usize> {
        match self {
            KnotError::Count { .. } => None,
            KnotError::Position { index, .. }
            | KnotError::Phase { index }
            | KnotError::Order { index }
            | KnotError::Swing { index, .. } => Some(*index),
        }
    }
}

/// Makes the graph through these points, all round the period.
///
/// # Errors
/// Everything that is wrong with the points: at least one thing.
pub fn through(knots: &[Knot], interpolation: Interpolation) -> Result<Cubics, Vec<KnotError>> {
    let least = interpolation.least_points();
    if !(least..=MAX_POINTS).contains(&knots.len()) {
        return Err(vec![KnotError::Count {
            given: knots.len(),
            least,
            interpolation: interpolation.name(),
        }]);
    }
    let errors: Vec<KnotError> = (0..knots.len()).filter_map(|index| knot_error(knots, index)).collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let segments: Vec<CurveSegment> = segments(knots).collect();
    let slopes = match interpolation {
        Interpolation::Linear => Vec::new(),
        Interpolation::Monotone => monotone_slopes(&segments),
        Interpolation::Spline => spline_slopes(&segments),
    };
    let cubic = |(index, segment): (usize, &CurveSegment)| match slopes.get(index) {
        None => Cubic::line(segment.start, segment.length, segment.ends),
        Some(slope) => {
            let end_slope = slopes[(index + 1) % slopes.len()];
            Cubic::hermite(segment.start, segment.length, segment.ends, [*slope, end_slope])
        }
    };
    let graph = Cubics::new(segments.iter().enumerate().map(cubic).collect());
    let swings: Vec<KnotError> = graph
        .each()
        .enumerate()
        .filter_map(|(index, (cubic, length))| swing_error(index, cubic, length))
        .collect();
    if swings.is_empty() { Ok(graph) } else { Err(swings) }
}

fn knot_error(knots: &[Knot], index: usize) -> Option<KnotError> {
    let Knot { phase, position } = knots[index];
    if !(0.0..=1.0).contains(&position) {
        return Some(KnotError::Position { index, position });
    }
    let comes_round = knots[0].phase + 1.0;
    if !(0.0..1.0).contains(&phase) || comes_round - phase < MIN_GAP {
        return Some(KnotError::Phase { index });
    }
    // If the phase before is no number, that is an error of its own.
    let before = knots[..index].last();
    before.is_some_and(|before| phase - before.phase < MIN_GAP).then_some(KnotError::Order { index })
}

/// Distance by which rounding may put a graph beyond the range when its points are inside.
const ROUNDING: f64 = 1e-9;

fn swing_error(index: usize, cubic: &Cubic, length: f64) -> Option<KnotError> {
    let (low, high) = cubic.extent(length);
    let position = if high - 1.0 > -low { high } else { low };
    (!(-ROUNDING..=1.0 + ROUNDING).contains(&position)).then_some(KnotError::Swing { index, position })
}

/// Part of a graph from one point to the next.
struct CurveSegment {
    start: f64,
    length: f64,
    ends: [f64; 2],
}

impl CurveSegment {
    fn chord(&self) -> f64 {
        (self.ends[1] - self.ends[0]) / self.length
    }
}

fn segments(knots: &[Knot]) -> impl Iterator<Item = CurveSegment> {
    (0..knots.len()).map(|index| {
        let next = (index + 1) % knots.len();
        let round = if next == 0 { 1.0 } else { 0.0 };
        let (from, to) = (knots[index], knots[next]);
        CurveSegment {
            start: from.phase,
            length: to.phase + round - from.phase,
            ends: [from.position, to.position],
        }
    })
}

fn monotone_slopes(segments: &[CurveSegment]) -> Vec<f64> {
    // Two points are two turns.
    let slopes = if segments.len() < 3 { vec![0.0; segments.len()] } else { spline_slopes(segments) };
    let limited = |(index, slope): (usize, &f64)| {
        let before = segments[(index + segments.len() - 1) % segments.len()].chord();
        let after = segments[index].chord();
        let most = 3.0 * before.abs().min(after.abs());
        if before * after <= 0.0 || slope * after <= 0.0 {
            0.0
        } else {
            libm::copysign(slope.abs().min(most), after)
        }
    };
    slopes.iter().enumerate().map(limited).collect()
}

/// The slopes of the periodic spline; three points or more.
///
/// The corners of the cyclic system are put into a rank-one term (Sherman and Morrison), which leaves two solutions
/// of one tridiagonal system.
fn spline_slopes(segments: &[CurveSegment]) -> Vec<f64> {
    let count = segments.len();
    let before = |index: usize| &segments[(index + count - 1) % count];
    let mut rows: Vec<Row> = (0..count)
        .map(|index| {
            let (before, after) = (before(index), &segments[index]);
            let (left, right) = (1.0 / before.length, 1.0 / after.length);
            Row {
                left,
                middle: 2.0 * (left + right),
                right,
                value: 3.0 * (before.chord() * left + after.chord() * right),
                corner: 0.0,
            }
        })
        .collect();
    // Both corners are 1/h of the segment that closes the period. With γ = -middle₀ the term is u vᵀ, where
    // u = (γ, 0 … 0, corner) and v = (1, 0 … 0, corner/γ).
    let corner = rows[0].left;
    let gamma = -rows[0].middle;
    rows[0].middle -= gamma;
    rows[0].corner = gamma;
    rows[count - 1].middle -= corner * corner / gamma;
    rows[count - 1].corner = corner;
    let (plain, turned) = solve(&rows);
    let along_v = |x: &[f64]| x[0] + x[count - 1] * corner / gamma;
    let share = along_v(&plain) / (1.0 + along_v(&turned));
    plain.iter().zip(&turned).map(|(plain, turned)| plain - share * turned).collect()
}

/// A row of a tridiagonal system with two right sides.
struct Row {
    left: f64,
    middle: f64,
    right: f64,
    value: f64,
    corner: f64,
}

/// The solutions for `value` and for `corner`, by one pass forward and one back (Thomas).
fn solve(rows: &[Row]) -> (Vec<f64>, Vec<f64>) {
    let (mut plain, mut turned, mut next) = (Vec::new(), Vec::new(), Vec::<f64>::new());
    let (mut above, mut above_value, mut above_corner) = (0.0, 0.0, 0.0);
    for (index, row) in rows.iter().enumerate() {
        let left = if index == 0 { 0.0 } else { row.left };
        let pivot = row.middle - left * above;
        above = row.right / pivot;
        above_value = (row.value - left * above_value) / pivot;
        above_corner = (row.corner - left * above_corner) / pivot;
        next.push(above);
        plain.push(above_value);
        turned.push(above_corner);
    }
    for index in (0..rows.len() - 1).rev() {
        plain[index] -= next[index] * plain[index + 1];
        turned[index] -= next[index] * turned[index + 1];
    }
    (plain, turned)
}

#[cfg(test)]
mod tests {
    use core::f64::consts::PI;

    use proptest::prelude::*;

    use super::*;

    fn knots(points: &[(f64, f64)]) -> Vec<Knot> {
        points.iter().map(|(phase, position)| Knot { phase: *phase, position: *position }).collect()
    }

    /// Points with gaps of all sizes, not beginning at the start of the period.
    fn random_knots() -> impl Strategy<Value = Vec<Knot>> {
        prop::collection::vec((0.001..1.0f64, 0.0..1.0f64), 3..60).prop_map(|points| {
            let whole: f64 = points.iter().map(|(gap, _)| gap).sum();
            let mut phase = 0.0;
            let knot = |(gap, position): (f64, f64)| {
                phase += gap / whole * 0.999;
                Knot { phase, position }
            };
            points.into_iter().map(knot).collect()
        })
    }

    proptest! {
        #[test]
        fn every_graph_goes_through_its_points_without_a_jump(knots in random_knots()) {
            for interpolation in [Interpolation::Linear, Interpolation::Monotone] {
                let graph = through(&knots, interpolation).unwrap();
                for (index, knot) in knots.iter().enumerate() {
                    let at = graph.at(knot.phase).position;
                    prop_assert!((at - knot.position).abs() < 1e-9, "{at} at {index} of {knots:?}");
                    let before = graph.at(knot.phase - 1e-9).position;
                    prop_assert!((at - before).abs() < 1e-4);
                }
            }
        }

        #[test]
        fn a_monotone_graph_never_goes_beyond_the_points_beside_it(knots in random_knots()) {
            let graph = through(&knots, Interpolation::Monotone).unwrap();
            for (index, (cubic, length)) in graph.each().enumerate() {
                let (from, to) = (knots[index].position, knots[(index + 1) % knots.len()].position);
                let (low, high) = cubic.extent(length);
                prop_assert!(low >= from.min(to) - 1e-12 && high <= from.max(to) + 1e-12);
            }
        }

        #[test]
        fn a_monotone_graph_has_no_corner(knots in random_knots()) {
            let graph = through(&knots, Interpolation::Monotone).unwrap();
            for knot in &knots {
                let (before, after) = (graph.at(knot.phase - 1e-10), graph.at(knot.phase));
                let bend = 1e-9 * (1.0 + before.curvature.abs());
                prop_assert!((before.slope - after.slope).abs() < 1e-6 * (1.0 + after.slope.abs()) + bend);
            }
        }

        #[test]
        fn a_spline_has_continuous_slope_and_curvature_and_is_refused_where_it_leaves_the_range(
            knots in random_knots()
        ) {
            let slopes = spline_slopes(&segments(&knots).collect::<Vec<_>>());
            let cubics: Vec<(Cubic, f64)> = segments(&knots).enumerate().map(|(index, s)| {
                let ends = [slopes[index], slopes[(index + 1) % slopes.len()]];
                (Cubic::hermite(s.start, s.length, s.ends, ends), s.length)
            }).collect();
            for index in 0..cubics.len() {
                let (cubic, length) = cubics[index];
                let [_, c1, c2, c3] = cubic.coefficients;
                let [_, slope, bend, _] = cubics[(index + 1) % cubics.len()].0.coefficients;
                let end = [c1 + length * (2.0 * c2 + 3.0 * c3 * length), 2.0 * c2 + 6.0 * c3 * length];
                let size = c1.abs() + (c2 * length).abs() + (c3 * length * length).abs() + slope.abs();
                prop_assert!((end[0] - slope).abs() < 1e-9 * (1.0 + size));
                prop_assert!((end[1] - 2.0 * bend).abs() < 1e-7 * (1.0 + size / length + bend.abs()));
            }
            let leaves = |index: usize| {
                let (low, high) = cubics[index].0.extent(cubics[index].1);
                low < -ROUNDING || high > 1.0 + ROUNDING
            };
            let wrong: Vec<usize> = (0..cubics.len()).filter(|index| leaves(*index)).collect();
            match through(&knots, Interpolation::Spline) {
                Ok(_) => prop_assert!(wrong.is_empty()),
                Err(errors) => {
                    let named: Vec<usize> = errors.iter().filter_map(KnotError::index).collect();
                    prop_assert_eq!(named, wrong);
                }
            }
        }
    }

    #[test]
    fn a_spline_through_a_sine_is_nearly_that_sine() {
        let sine = |phase: f64| 0.5 - 0.4 * libm::cos(2.0 * PI * phase);
        let points: Vec<(f64, f64)> = (0..16).map(|i| f64::from(i) / 16.0).map(|x| (x, sine(x))).collect();
        for interpolation in [Interpolation::Spline, Interpolation::Monotone] {
            let graph = through(&knots(&points), interpolation).unwrap();
            for i in 0..1_000 {
                let phase = f64::from(i) / 1_000.0;
                let point = graph.at(phase);
                assert!((point.position - sine(phase)).abs() < 1e-3, "{interpolation:?} at {phase}");
                assert!((point.slope - 0.8 * PI * libm::sin(2.0 * PI * phase)).abs() < 0.03, "{phase}");
            }
        }
    }

    #[test]
    fn the_wrong_point_is_named_with_what_to_do() {
        let many: Vec<(f64, f64)> = (0..1_001).map(|i| (f64::from(i) / 1_001.0, 0.5)).collect();
        for (points, interpolation, index, said) in [
            (&[(0.0, 0.5)][..], Interpolation::Linear, None, "1 points are given: linear takes 2 to 1000"),
            (&[(0.0, 0.5), (0.5, 1.0)], Interpolation::Spline, None, "spline takes 3"),
            (&many, Interpolation::Linear, None, "1001 points"),
            (&[(0.0, 0.5), (0.5, 1.01)], Interpolation::Linear, Some(1), "its position is 1.01"),
            (&[(0.0, f64::NAN), (0.5, 1.0)], Interpolation::Linear, Some(0), "its position is NaN"),
            (&[(0.0, 0.5), (1.0, 0.5)], Interpolation::Linear, Some(1), "outside the period"),
            (&[(-0.1, 0.5), (0.5, 1.0)], Interpolation::Linear, Some(0), "outside the period"),
            (&[(f64::NAN, 0.5), (0.5, 1.0)], Interpolation::Linear, Some(0), "outside the period"),
            (&[(0.0, 0.5), (0.6, 1.0), (0.6, 0.0)], Interpolation::Monotone, Some(2), "come after"),
            (&[(0.2, 0.5), (0.6, 1.0), (0.5, 0.0)], Interpolation::Monotone, Some(2), "come after"),
            (&[(0.0, 0.5), (0.999_999_9, 1.0)], Interpolation::Monotone, Some(1), "outside the period"),
            (&[(0.0, 0.0), (0.2, 1.0), (0.3, 1.0)], Interpolation::Spline, Some(1), "take monotone"),
        ] {
            let errors = through(&knots(points), interpolation).unwrap_err();
            assert_eq!(errors[0].index(), index, "{errors:?}");
            assert!(errors[0].to_string().contains(said), "{}", errors[0]);
        }
    }

    #[test]
    fn all_wrong_points_are_named_at_once() {
        let errors =
            through(&knots(&[(0.0, -1.0), (0.5, 1.0), (0.4, 2.0)]), Interpolation::Linear).unwrap_err();
        assert_eq!(errors.iter().map(KnotError::index).collect::<Vec<_>>(), [Some(0), Some(2)]);
    }

    #[test]
    fn names_are_their_own_inverse() {
        for interpolation in Interpolation::ALL {
            assert_eq!(Interpolation::from_name(interpolation.name()), Some(interpolation));
        }
    }
}
