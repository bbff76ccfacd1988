//! Quadratic B-spline through the ten sliders of the force chart.
//!
//! It interpolates, with degree 2, through the sliders at 0, 10 … 90 % of the force limit and an
//! eleventh point at 100 %, which is always 0: nothing moves against a full force. Its knots lie half-way
//! between the inner points. The curve swings past its points where they jump; callers that need a share
//! clamp it.

/// Number of sliders of the chart.
pub const SLIDERS: usize = 10;
/// Largest number of values of one curve.
pub const MAX_RESOLUTION: i64 = 1_000_000;

/// Number of points that the curve goes through: the sliders and the end.
const POINTS: usize = SLIDERS + 1;
/// Knots, in units of the distance between two sliders.
const KNOTS: [f64; POINTS + 3] = [0.0, 0.0, 0.0, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 10.0, 10.0, 10.0];

/// A curve that cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum CurveError {
    /// Not ten points.
    #[error("a curve goes through exactly {SLIDERS} points, not {0}")]
    Count(usize),
    /// A point is no number, or so large that the curve would not be one.
    #[error("point {index} of the curve is not a usable number: {value}")]
    Point {
        /// Index of the point, from 0.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// The resolution is out of range.
    #[error("a curve has 1 to {MAX_RESOLUTION} values, not {0}")]
    Resolution(i64),
}

/// `resolution` values of the curve through `points`, evenly from 0 % to 100 % of the force limit, both
/// included, in the unit of the points. Not clamped.
///
/// # Errors
/// [`CurveError`] unless there are ten finite points and 1 … [`MAX_RESOLUTION`] values.
pub fn curve(points: &[f64], resolution: i64) -> Result<Vec<f64>, CurveError> {
    let sliders: &[f64; SLIDERS] = points.try_into().map_err(|_| CurveError::Count(points.len()))?;
    // The bound keeps every intermediate value finite.
    if let Some(index) = sliders.iter().position(|value| !(0.0..=1e300).contains(&value.abs())) {
        return Err(CurveError::Point { index, value: sliders[index] });
    }
    if !(1..=MAX_RESOLUTION).contains(&resolution) {
        return Err(CurveError::Resolution(resolution));
    }
    let spline = Spline::through(sliders);
    let last = (resolution - 1).max(1) as f64;
    Ok((0..resolution).map(|i| spline.at(i as f64 / last)).collect())
}

/// Curve as a function of the share of the force limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spline {
    coefficients: [f64; POINTS],
}

impl Spline {
    /// The curve through these sliders and the 0 at the end.
    #[must_use]
    pub fn through(sliders: &[f64; SLIDERS]) -> Spline {
        let mut value = [0.0; POINTS];
        value[..SLIDERS].copy_from_slice(sliders);
        // At slider i only the coefficients i-1, i and i+1 count, and at both ends only one: a tridiagonal
        // system, solved by one pass forward, which leaves the share of the next coefficient, and one back.
        let mut next = [0.0; POINTS];
        for i in 1..SLIDERS {
            let [before, here, after] = basis(i + 1, i as f64);
            let pivot = here - before * next[i - 1];
            next[i] = after / pivot;
            value[i] = (value[i] - before * value[i - 1]) / pivot;
        }
        for i in (1..SLIDERS).rev() {
            value[i] -= next[i] * value[i + 1];
        }
        Spline { coefficients: value }
    }

    /// The curve at a share of the force limit, 0 … 1; shares outside count as the nearer end.
    #[must_use]
    pub fn at(&self, share: f64) -> f64 {
        let x = share.clamp(0.0, 1.0) * SLIDERS as f64;
        let span = 2 + KNOTS[3..POINTS].iter().filter(|knot| **knot <= x).count();
        let weights = basis(span, x);
        weights.iter().zip(&self.coefficients[span - 2..]).map(|(weight, c)| weight * c).sum()
    }
}

/// Weights of the coefficients `span - 2 ..= span` at `x`, which lies between the knots `span` and
/// `span + 1` (the recurrence of Cox and de Boor, written out for degree 2).
fn basis(span: usize, x: f64) -> [f64; 3] {
    let k = &KNOTS[span - 1..span + 3];
    let (rising, falling) = ((x - k[1]) / (k[2] - k[1]), (k[2] - x) / (k[2] - k[1]));
    let (left, right) = ((k[2] - x) / (k[2] - k[0]), (x - k[1]) / (k[3] - k[1]));
    [falling * left, falling * (1.0 - left) + rising * (1.0 - right), rising * right]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_goes_through_its_points_and_ends_at_zero() {
        let sliders = [50.0, 40.0, 30.0, 25.0, 23.0, 22.0, 20.0, 18.0, 15.0, 10.0];
        let spline = Spline::through(&sliders);
        for (i, slider) in sliders.iter().enumerate() {
            assert!((spline.at(i as f64 / 10.0) - slider).abs() < 1e-12);
        }
        assert_eq!(spline.at(1.0), 0.0);
    }

    #[test]
    fn a_curve_of_one_value_is_its_first_point() {
        assert_eq!(curve(&[7.0; 10], 1), Ok(vec![7.0]));
    }

    #[test]
    fn the_error_says_which_input_is_wrong() {
        assert_eq!(curve(&[1.0; 9], 100), Err(CurveError::Count(9)));
        for bad in [0, -1, i64::MIN, 1_000_001] {
            assert_eq!(curve(&[1.0; 10], bad), Err(CurveError::Resolution(bad)));
        }
        let mut points = [1.0; 10];
        for bad in [f64::NAN, f64::INFINITY, f64::MAX] {
            points[3] = bad;
            assert!(matches!(curve(&points, 100), Err(CurveError::Point { index: 3, .. })));
        }
    }
}
