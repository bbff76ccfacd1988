//! Curve of fifth degree between two states: continuous in position, speed and acceleration with what is before and behind it.
//!
//! Among all motions from one state to another in a given time it has the least mean square of the jerk (Flash and Hogan, 1985), and
//! each rest of it is the same curve: who plans anew in the middle, to the same end, changes nothing. From rest to rest it needs the
//! speed `15 s/8 t`, the acceleration `5.8 s/t²` and the jerk `60 s/t³`.

use super::super::kinematics::Kinematics;
use super::super::limits::ProfileLimits;

/// Instants of a curve that are compared with the limits: between them speed and acceleration differ from a straight line by less
/// than the path leaves to the tracker.
const INSTANTS: u32 = 16;

/// The curve, as a polynomial of the share of its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quintic {
    coefficients: [f64; 6],
    lasts_s: f64,
}

impl Quintic {
    /// The curve between two states that are `lasts_s` apart, which is positive.
    pub fn new(from: &Kinematics, to: &Kinematics, lasts_s: f64) -> Quintic {
        // Speeds and accelerations per time of the curve; the rest of a parabola through the beginning.
        let (v, a) = (from.v * lasts_s, from.a * lasts_s * lasts_s);
        let p = to.p - (from.p + v + a / 2.0);
        let dv = to.v * lasts_s - (v + a);
        let da = to.a * lasts_s * lasts_s - a;
        Quintic {
            coefficients: [
                from.p,
                v,
                a / 2.0,
                10.0 * p - 4.0 * dv + da / 2.0,
                -15.0 * p + 7.0 * dv - da,
                6.0 * p - 3.0 * dv + da / 2.0,
            ],
            lasts_s,
        }
    }

    /// How long it lasts, in s.
    pub fn lasts_s(&self) -> f64 {
        self.lasts_s
    }

    /// State so long after its beginning; behind its end that of its end.
    pub fn at(&self, since_s: f64) -> Kinematics {
        self.at_share((since_s / self.lasts_s).clamp(0.0, 1.0))
    }

    fn at_share(&self, x: f64) -> Kinematics {
        let [p, v, a, b, c, d] = self.coefficients;
        let per_s = 1.0 / self.lasts_s;
        Kinematics {
            p: p + x * (v + x * (a + x * (b + x * (c + x * d)))),
            v: per_s * (v + x * (2.0 * a + x * (3.0 * b + x * (4.0 * c + x * 5.0 * d)))),
            a: per_s * per_s * (2.0 * a + x * (6.0 * b + x * (12.0 * c + x * 20.0 * d))),
        }
    }

    /// Largest jerk, without its sign.
    fn jerk(&self) -> f64 {
        let [.., b, c, d] = self.coefficients;
        let at = |x: f64| (6.0 * b + x * (24.0 * c + x * 60.0 * d)).abs();
        // A parabola is largest at its ends or at its vertex.
        let vertex = -c / (5.0 * d);
        let inside = if vertex > 0.0 && vertex < 1.0 { at(vertex) } else { 0.0 };
        at(0.0).max(at(1.0)).max(inside) / (self.lasts_s * self.lasts_s * self.lasts_s)
    }

    /// True if it is inside the limits, and in the room, in mm.
    pub fn fits(&self, limits: ProfileLimits, room_mm: (f64, f64)) -> bool {
        let is_allowed = |x: f64| {
            let at = self.at_share(x);
            at.v.abs() <= limits.speed
                && at.a.abs() <= limits.acceleration
                && (room_mm.0..=room_mm.1).contains(&at.p)
        };
        // From its middle outward: there it is fastest.
        let half = INSTANTS / 2;
        self.jerk() <= limits.jerk
            && (0..=half).all(|index| {
                let x = f64::from(index) / f64::from(INSTANTS);
                is_allowed(0.5 + x) && is_allowed(0.5 - x)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYWHERE: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

    #[test]
    fn it_leads_from_one_state_to_the_other_and_its_rest_is_itself() {
        let from = Kinematics { p: 1.0, v: 20.0, a: -300.0 };
        let to = Kinematics { p: 30.0, v: -10.0, a: 100.0 };
        let curve = Quintic::new(&from, &to, 0.3);
        let near = |a: Kinematics, b: Kinematics| {
            (a.p - b.p).abs() < 1e-9 && (a.v - b.v).abs() < 1e-7 && (a.a - b.a).abs() < 1e-5
        };
        assert!(near(curve.at(0.0), from) && near(curve.at(0.3), to) && near(curve.at(9.0), to));
        let rest = Quintic::new(&curve.at(0.1), &to, 0.2);
        for ms in 0..200 {
            let since_s = f64::from(ms) * 1e-3;
            assert!(near(rest.at(since_s), curve.at(0.1 + since_s)), "{ms}");
        }
    }

    #[test]
    fn from_rest_to_rest_it_needs_what_is_said_above() {
        let curve = Quintic::new(&Kinematics::at_rest(0.0), &Kinematics::at_rest(10.0), 0.5);
        let needs = ProfileLimits { speed: 37.6, acceleration: 5.8 * 40.0, jerk: 60.1 * 80.0 };
        assert!(curve.fits(needs, EVERYWHERE) && curve.fits(needs, (0.0, 10.0)));
        for (speed, acceleration, jerk) in [(0.99, 1.0, 1.0), (1.0, 0.98, 1.0), (1.0, 1.0, 0.99)] {
            let less = ProfileLimits {
                speed: speed * needs.speed,
                acceleration: acceleration * needs.acceleration,
                jerk: jerk * needs.jerk,
            };
            assert!(!curve.fits(less, EVERYWHERE), "{less:?}");
        }
        assert!(!curve.fits(needs, (0.0, 9.9)));
    }
}
