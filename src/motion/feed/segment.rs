//! Segment of the path of a feed: continuous in position and speed with the one before, and evaluated at any instant.

use super::super::kinematics::Kinematics;
use super::super::plan::MovePlan;
use super::super::stop::Tail;

/// A part of the path.
#[derive(Debug, Clone, PartialEq)]
pub enum Segment {
    /// At rest.
    Rest {
        /// Where.
        p: f64,
    },
    /// A cubic through two points with given speeds (Hermite).
    Cubic {
        /// Its beginning.
        from: Kinematics,
        /// Position and speed of its end.
        to: (f64, f64),
        /// When it begins, in s, and how long it lasts.
        span_s: (f64, f64),
    },
    /// A change of the speed, which is kept behind it.
    Change {
        /// Its beginning.
        from: Kinematics,
        /// How it is made.
        tail: Tail,
        /// The speed that it leads to.
        to: f64,
        /// When it begins, in s, and how long it lasts: not shorter than the change.
        span_s: (f64, f64),
    },
    /// A planned move.
    Planned {
        /// The move.
        plan: MovePlan,
        /// When it begins, in s, and how long it lasts: not shorter than the move.
        span_s: (f64, f64),
    },
}

impl Segment {
    /// A segment that is over at once, in the state `at`.
    pub fn at_once(at: Kinematics, now_s: f64) -> Segment {
        Segment::Cubic { from: at, to: (at.p, at.v), span_s: (now_s, 0.0) }
    }

    /// When it is over, in s; never for rest.
    pub fn end_s(&self) -> f64 {
        match self {
            Segment::Rest { .. } => f64::INFINITY,
            Segment::Cubic { span_s, .. }
            | Segment::Change { span_s, .. }
            | Segment::Planned { span_s, .. } => span_s.0 + span_s.1,
        }
    }

    /// State at `at_s`, which is not before its beginning; behind its end it is that of the end.
    pub fn at(&self, at_s: f64) -> Kinematics {
        match self {
            Segment::Rest { p } => Kinematics::at_rest(*p),
            Segment::Cubic { from, span_s: (_, 0.0), .. } => *from,
            Segment::Cubic { from, to, span_s: (start_s, lasts_s) } => {
                cubic(from, *to, *lasts_s, (at_s - start_s).clamp(0.0, *lasts_s))
            }
            Segment::Change { from, tail, to, span_s: (start_s, _) } => {
                changed(*from, tail, *to, (at_s - start_s).max(0.0))
            }
            Segment::Planned { plan, span_s: (start_s, _) } => {
                let since_s = (at_s - start_s).max(0.0);
                // Behind the move the axis rests at its end, without the remainders of rounding.
                if since_s >= plan.duration_s() { Kinematics::at_rest(plan.end()) } else { plan.at(since_s) }
            }
        }
    }
}

/// State `left_s` after the beginning of a change of the speed; behind it that speed, without the remainders of rounding.
fn changed(from: Kinematics, tail: &Tail, to: f64, mut left_s: f64) -> Kinematics {
    let mut at = from;
    for piece in tail {
        if left_s < piece.duration_s {
            return at.after(piece.jerk, left_s);
        }
        at = at.after_piece(*piece);
        left_s -= piece.duration_s;
    }
    Kinematics { p: at.p, v: to, a: 0.0 }.after(0.0, left_s)
}

/// State `t` after the beginning of the cubic from `from` to position and speed `to`, `h` later.
fn cubic(from: &Kinematics, to: (f64, f64), h: f64, t: f64) -> Kinematics {
    let mean = (to.0 - from.p) / h;
    let (second, third) = ((3.0 * mean - 2.0 * from.v - to.1) / h, (from.v + to.1 - 2.0 * mean) / (h * h));
    Kinematics {
        p: from.p + t * (from.v + t * (second + t * third)),
        v: from.v + t * (2.0 * second + 3.0 * third * t),
        a: 2.0 * second + 6.0 * third * t,
    }
}

/// Speed at the middle one of three points, each with its instant: that of the parabola through them.
pub fn slope(before: (f64, f64), here: (f64, f64), after: (f64, f64)) -> f64 {
    let (h1, h2) = (here.0 - before.0, after.0 - here.0);
    let (s1, s2) = ((here.1 - before.1) / h1, (after.1 - here.1) / h2);
    (s1 * h2 + s2 * h1) / (h1 + h2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cubic_has_the_positions_and_speeds_of_its_ends() {
        let from = Kinematics { p: 1.0, v: 20.0, a: 0.0 };
        let segment = Segment::Cubic { from, to: (3.0, -10.0), span_s: (5.0, 0.02) };
        let (begin, end) = (segment.at(5.0), segment.at(5.02));
        assert!((begin.p - 1.0).abs() < 1e-12 && (begin.v - 20.0).abs() < 1e-9);
        assert!((end.p - 3.0).abs() < 1e-12 && (end.v + 10.0).abs() < 1e-9);
        assert!((segment.at(6.0).p - 3.0).abs() < 1e-12);
        assert!((segment.end_s() - 5.02).abs() < 1e-12);
    }

    #[test]
    fn slopes_are_those_of_a_parabola() {
        let parabola = |x: f64| (x, x * x);
        assert!((slope(parabola(1.0), parabola(1.5), parabola(3.0)) - 3.0).abs() < 1e-12);
    }
}
