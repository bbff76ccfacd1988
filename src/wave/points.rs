//! Sampling: one period of a graph as points for the clients to draw.
//!
//! A plain sine or square has the numbers of the clients' first server; those of a sine differ by 1e-15 at most, as its quarters
//! are mirrored here. It lost the last point of a sine and the last two of a square, and rotated the period so that it starts at
//! its lowest point. The clients' charts were made for these numbers; the axis follows [`Shape::at`] instead, which has no seam.
//!
//! Every other wave is sampled as it is: from its start, with all its points.

use core::f64::consts::PI;
use core::ops::Range;

use super::graph::Wave;
use super::shape::Shape;

/// Upper bound on the points of one answer; at the default 120 points/s a period of 2.3 hours.
pub const MAX_POINTS: usize = 1_000_000;

/// Points of a period: -1 is the back, 1 the front.
#[derive(Debug, Clone, PartialEq)]
pub enum Points {
    /// One fewer than `duration · resolution`, in `[-1, 1]`.
    Sine(Vec<f64>),
    /// Two fewer than `duration · resolution`, each -1 or 1. The clients expect integers here.
    Square(Vec<i8>),
    /// `duration · resolution`, in `[-1, 1]`, of a wave that the first server did not know.
    Other(Vec<f64>),
}

/// A period that cannot be sampled.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum PointsError {
    /// The duration is negative or not a number.
    #[error("a duration of {0} s cannot be drawn: give a number of seconds, 0 or more")]
    Duration(f64),
    /// The resolution is negative.
    #[error("a wave_resolution of {0} points/s cannot be drawn: give 0 or more")]
    Resolution(i64),
    /// A square has edges, and so needs a point.
    #[error(
        "a duration of {duration_s} s has no point at {resolution} points/s: a square needs at least one"
    )]
    TooShort {
        /// The duration, in seconds.
        duration_s: f64,
        /// The resolution, in points a second.
        resolution: i64,
    },
    /// More than [`MAX_POINTS`].
    #[error(
        "a duration of {duration_s} s has too many points at {resolution} points/s: at most {MAX_POINTS} are drawn"
    )]
    TooLong {
        /// The duration, in seconds.
        duration_s: f64,
        /// The resolution, in points a second.
        resolution: i64,
    },
}

/// Samples one period of `shape` that takes `duration_s` seconds, at `resolution` points a second.
///
/// # Errors
/// [`PointsError`] for inputs that have no period, or one of more than [`MAX_POINTS`] points.
pub fn sample(shape: Shape, duration_s: f64, resolution: i64) -> Result<Points, PointsError> {
    let length = length(duration_s, resolution)?;
    match shape {
        Shape::Sine => Ok(Points::Sine(sine(length))),
        Shape::Square if length == 0 => Err(PointsError::TooShort { duration_s, resolution }),
        Shape::Square => Ok(Points::Square(square(length))),
    }
}

/// Samples one period of any wave that fills its part of a stroke of `stroke_mm`, at `resolution` points a second.
///
/// # Errors
/// [`PointsError`] for a negative resolution, or a period of more than [`MAX_POINTS`] points.
pub fn sample_wave(wave: &Wave, stroke_mm: f64, resolution: i64) -> Result<Points, PointsError> {
    let length = length(wave.period_s(), resolution)?;
    // Of no stroke there is no share.
    let stroke_mm = stroke_mm.max(f64::EPSILON);
    let part = wave.envelope.over(stroke_mm);
    let [offset, amplitude] = [part.offset_mm, part.amplitude_mm].map(|mm| mm / stroke_mm);
    let point = |index: usize| {
        let position = wave.graph.at(index as f64 / length as f64).position;
        2.0 * (offset + amplitude * position).clamp(0.0, 1.0) - 1.0
    };
    Ok(Points::Other((0..length).map(point).collect()))
}

fn length(duration_s: f64, resolution: i64) -> Result<usize, PointsError> {
    if resolution < 0 {
        return Err(PointsError::Resolution(resolution));
    }
    // A duration so little below zero that it has no point was answered like zero, and still is.
    let length = libm::trunc(duration_s * resolution as f64);
    if !duration_s.is_finite() || length < 0.0 {
        return Err(PointsError::Duration(duration_s));
    }
    if length > MAX_POINTS as f64 {
        return Err(PointsError::TooLong { duration_s, resolution });
    }
    Ok(length as usize)
}

fn sine(length: usize) -> Vec<f64> {
    let step = 2.0 * PI / length.max(1) as f64;
    // The order of the two operations, and the exact end, are those of the first server.
    let sine = |i: usize| libm::sin(if i == length && i > 0 { PI } else { i as f64 * step + -PI });
    // The second half of a period mirrors the first one, and with an even number of points each half has two equal quarters.
    let (half, is_even) = (length / 2, length.is_multiple_of(2));
    let evaluated = if is_even { length / 4 } else { half };
    let mut points = Vec::with_capacity(length + 1);
    points.extend((0..=evaluated).map(sine));
    if is_even && length > 0 {
        extend_reversed(&mut points, 1..half - evaluated);
        points.push(sine(half));
    }
    let first_half = points.len();
    let second_half = extend_reversed(&mut points, 0..length + 1 - first_half);
    second_half.iter_mut().for_each(|point| *point = -*point);
    let lowest = if length % 4 == 2 {
        // Two points are lowest, and the last bit of their angles decided which one the first server took.
        let first = half / 2;
        first + usize::from(sine(first + 1) < sine(first))
    } else {
        lowest(&points[..first_half])
    };
    trimmed(points, lowest)
}

/// Appends some of the points, the last one first.
fn extend_reversed(points: &mut Vec<f64>, some: Range<usize>) -> &mut [f64] {
    let length = points.len();
    points.extend_from_within(some);
    let appended = &mut points[length..];
    appended.reverse();
    appended
}

fn square(length: usize) -> Vec<i8> {
    let end = length as f64;
    // `length` points from 0 to `length`, both ends included.
    let step = end / (length.max(2) - 1) as f64;
    let x = |i: usize| if i + 1 == length && i > 0 { end } else { i as f64 * step };
    let front = end / 4.0..3.0 * end / 4.0;
    let points: Vec<i8> = (0..length).map(|i| if front.contains(&x(i)) { 1 } else { -1 }).collect();
    let lowest = lowest(&points);
    trimmed(points, lowest)
}

/// The index of the first lowest point.
fn lowest<T: PartialOrd + Copy>(points: &[T]) -> usize {
    // Two simple passes are cheaper than one that also remembers the place.
    let least = points.iter().copied().reduce(|least, point| if point < least { point } else { least });
    points.iter().position(|point| Some(*point) == least).unwrap_or(0)
}

/// Drops the closing point, rotates the period so that it starts at its lowest point, and drops one more.
fn trimmed<T>(mut points: Vec<T>, lowest: usize) -> Vec<T> {
    points.pop();
    if !points.is_empty() {
        let turn = lowest % points.len();
        points.rotate_left(turn);
    }
    points.pop();
    points
}

#[cfg(test)]
mod tests {
    use super::super::envelope::Size;
    use super::*;
    use crate::units::Mm;

    #[test]
    fn a_sine_lacks_one_point_of_its_period_and_a_square_two() {
        for (duration_s, sine, square) in
            [(0.2, 23, 22), (1.0, 119, 118), (2.3, 275, 274), (10.0, 1199, 1198)]
        {
            assert!(matches!(sample(Shape::Sine, duration_s, 120), Ok(Points::Sine(p)) if p.len() == sine));
            assert!(
                matches!(sample(Shape::Square, duration_s, 120), Ok(Points::Square(p)) if p.len() == square)
            );
        }
    }

    #[test]
    fn a_mirrored_sine_is_the_evaluated_one_and_begins_at_the_same_point() {
        for length in (0..3_000).chain([9_998, 9_999, 10_000, 99_998]) {
            let step = 2.0 * PI / f64::from(length.max(1));
            let angle = |i| if i == length && i > 0 { PI } else { f64::from(i) * step + -PI };
            let evaluated: Vec<f64> = (0..=length).map(|i| libm::sin(angle(i))).collect();
            let evaluated = trimmed(evaluated.clone(), lowest(&evaluated));
            let mirrored = sine(length as usize);
            assert_eq!(mirrored.len(), evaluated.len());
            for (mirrored, evaluated) in mirrored.iter().zip(&evaluated) {
                assert!((mirrored - evaluated).abs() < 1e-15, "{length}: {mirrored} is not {evaluated}");
            }
        }
    }

    #[test]
    fn any_other_wave_has_all_its_points_from_its_start_in_its_part_of_the_stroke() {
        let mut wave = Wave::new(Shape::Square, 2.0).unwrap();
        let points = |wave: &Wave, resolution| match sample_wave(wave, 145.0, resolution).unwrap() {
            Points::Other(points) => points,
            other => panic!("{other:?}"),
        };
        assert_eq!(points(&wave, 2), [-1.0, 1.0, 1.0, -1.0]);
        assert_eq!(points(&wave, 120).len(), 240);
        assert!(points(&wave, 0).is_empty());
        wave.envelope.amplitude = Size::Share(0.5);
        wave.envelope.offset = Size::Mm(Mm::constant(14.5));
        for (point, expected) in points(&wave, 2).into_iter().zip([-0.8, 0.2, 0.2, -0.8]) {
            assert!((point - expected).abs() < 1e-12, "{point} is not {expected}");
        }
        assert_eq!(sample_wave(&wave, 145.0, -1), Err(PointsError::Resolution(-1)));
    }

    #[test]
    fn the_limit_is_the_number_of_points() {
        assert!(sample(Shape::Sine, 1_000_000.0, 1).is_ok());
        let refused = sample(Shape::Sine, 1_000_001.0, 1).unwrap_err();
        assert!(
            refused.to_string().contains("1000001 s") && refused.to_string().contains("1000000"),
            "{refused}"
        );
    }

    #[test]
    fn the_error_says_which_input_is_wrong() {
        assert_eq!(sample(Shape::Sine, 1.0, -5), Err(PointsError::Resolution(-5)));
        assert_eq!(sample(Shape::Sine, -1.0, 120), Err(PointsError::Duration(-1.0)));
        assert!(matches!(sample(Shape::Sine, f64::NAN, 0), Err(PointsError::Duration(_))));
        assert!(sample(Shape::Square, 0.0, 120).unwrap_err().to_string().contains("at least one"));
    }
}
