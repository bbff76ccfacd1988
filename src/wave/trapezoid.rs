//! Trapezoids and triangles: graphs of straight lines between the back and the front.
//!
//! No axis can follow their corners: the tracker rounds them inside its limits.

use super::cubics::{Cubic, Cubics};

/// Parts of a trapezoid as shares of its period, in their order; together 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// From the back to the front.
    pub rise: f64,
    /// At the front.
    pub hold_front: f64,
    /// From the front to the back.
    pub fall: f64,
    /// At the back.
    pub hold_back: f64,
}

/// Shortest part, as a share of the period. A shorter one is left out, as is one that begins at the end by rounding.
const SHORTEST: f64 = 1e-9;

/// Makes a trapezoid that begins at the back with its rise. A part without length is left out, so a rise or a fall in no time is a
/// jump.
#[must_use]
pub fn trapezoid(shares: Shares) -> Cubics {
    let parts = [
        (shares.rise, [0.0, 1.0]),
        (shares.hold_front, [1.0, 1.0]),
        (shares.fall, [1.0, 0.0]),
        (shares.hold_back, [0.0, 0.0]),
    ];
    let mut start = 0.0;
    let mut cubics = Vec::with_capacity(parts.len());
    for (length, ends) in parts {
        if length > SHORTEST && start < 1.0 {
            cubics.push(Cubic::line(start, length, ends));
        }
        start += length;
    }
    Cubics::new(cubics)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_where_its_times_say(times in prop::array::uniform4(0.0..1.0f64), u in 0.0..1.0f64) {
            let whole: f64 = times.iter().sum();
            prop_assume!(whole > 0.01);
            let [rise, hold_front, fall, hold_back] = times.map(|time| time / whole);
            let graph = trapezoid(Shares { rise, hold_front, fall, hold_back });
            for (start, length, from, to) in [
                (0.0, rise, 0.0, 1.0),
                (rise, hold_front, 1.0, 1.0),
                (rise + hold_front, fall, 1.0, 0.0),
                (rise + hold_front + fall, hold_back, 0.0, 0.0),
            ] {
                let u = u * 0.999 + 0.0005;
                let point = graph.at(start + u * length);
                prop_assume!(length > 1e-6);
                prop_assert!((point.position - (from + u * (to - from))).abs() < 1e-6);
                prop_assert_eq!(point.curvature, 0.0);
            }
        }
    }

    #[test]
    fn parts_without_length_are_jumps() {
        let square = trapezoid(Shares { rise: 0.0, hold_front: 0.5, fall: 0.0, hold_back: 0.5 });
        assert_eq!([0.0, 0.49, 0.5, 0.99].map(|phase| square.at(phase).position), [1.0, 1.0, 0.0, 0.0]);
    }
}
