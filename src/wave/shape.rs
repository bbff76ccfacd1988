//! Sine and square: the graphs that have a formula, as a share of the usable range over the phase of one period.

use core::f64::consts::PI;

/// A graph that has a formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// `(1 - cos 2πφ) / 2`: smooth, starts and ends at the back.
    Sine,
    /// Back for the first and last quarter of the period, front between them. As fast as the limits
    /// allow at the edges, since no axis can jump.
    Square,
}

impl Shape {
    /// All shapes, in the order in which help texts list them.
    pub const ALL: [Shape; 2] = [Shape::Sine, Shape::Square];

    /// The name that clients use for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Shape::Sine => "sine",
            Shape::Square => "square",
        }
    }

    /// The shape of that name; the case matters, as it did for the clients' first server.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Shape> {
        Shape::ALL.into_iter().find(|shape| shape.name() == name)
    }

    /// The point of the graph at `phase`, with its first and second derivative by the phase.
    ///
    /// The phase counts periods and may be any finite number.
    #[must_use]
    pub fn at(self, phase: f64) -> Point {
        let phase = phase - libm::floor(phase);
        match self {
            Shape::Sine => {
                let angle = 2.0 * PI * phase;
                Point {
                    position: 0.5 - 0.5 * libm::cos(angle),
                    slope: PI * libm::sin(angle),
                    curvature: 2.0 * PI * PI * libm::cos(angle),
                }
            }
            Shape::Square => Point {
                position: if (0.25..0.75).contains(&phase) { 1.0 } else { 0.0 },
                slope: 0.0,
                curvature: 0.0,
            },
        }
    }
}

/// Point of a graph: position in `[0, 1]` and its derivatives by the phase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// 0 is the back of the usable range, 1 its front.
    pub position: f64,
    /// First derivative, per period.
    pub slope: f64,
    /// Second derivative, per period squared.
    pub curvature: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_graph_stays_in_the_unit_range_and_starts_at_the_back() {
        for shape in Shape::ALL {
            assert_eq!(shape.at(0.0).position, 0.0, "{shape:?}");
            for i in -4_000..4_000 {
                let position = shape.at(f64::from(i) / 1_000.0).position;
                assert!((0.0..=1.0).contains(&position), "{shape:?} at {i}: {position}");
            }
        }
    }

    #[test]
    fn the_derivatives_of_the_sine_are_those_of_its_positions() {
        let h = 1e-5;
        for i in 0..1_000 {
            let phase = f64::from(i) / 1_000.0;
            let [before, here, after] = [phase - h, phase, phase + h].map(|x| Shape::Sine.at(x));
            assert!((here.slope - (after.position - before.position) / (2.0 * h)).abs() < 1e-6);
            assert!((here.curvature - (after.slope - before.slope) / (2.0 * h)).abs() < 1e-5);
        }
    }

    #[test]
    fn names_are_their_own_inverse() {
        for shape in Shape::ALL {
            assert_eq!(Shape::from_name(shape.name()), Some(shape));
        }
        assert_eq!(Shape::from_name("Sine"), None);
    }
}
