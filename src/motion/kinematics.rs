//! Kinematics of one axis under constant jerk: `p' = v`, `v' = a`, `a' = j`.
//!
//! These are the only equations of motion of the program. The unit of length is the caller's: the planner uses
//! millimetres, the step generator steps.

/// Position, velocity and acceleration at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Kinematics {
    /// Position.
    pub p: f64,
    /// Velocity, per second.
    pub v: f64,
    /// Acceleration, per second squared.
    pub a: f64,
}

/// Segment of constant jerk.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Piece {
    /// Jerk, per second cubed.
    pub jerk: f64,
    /// Duration, in seconds.
    pub duration_s: f64,
}

impl Kinematics {
    /// At rest at the position `p`.
    pub const fn at_rest(p: f64) -> Kinematics {
        Kinematics { p, v: 0.0, a: 0.0 }
    }

    /// The same motion with the direction of the axis reversed.
    pub const fn mirrored(&self) -> Kinematics {
        Kinematics { p: -self.p, v: -self.v, a: -self.a }
    }

    /// State after `t_s` seconds of constant `jerk`.
    pub fn after(&self, jerk: f64, t_s: f64) -> Kinematics {
        Kinematics {
            p: self.p + t_s * (self.v + t_s * (self.a / 2.0 + t_s * jerk / 6.0)),
            v: self.v + t_s * (self.a + t_s * jerk / 2.0),
            a: self.a + t_s * jerk,
        }
    }

    /// State at the end of the piece.
    pub fn after_piece(&self, piece: Piece) -> Kinematics {
        self.after(piece.jerk, piece.duration_s)
    }

    /// Smallest and largest position within the piece, both ends included.
    pub fn extent(&self, piece: Piece) -> (f64, f64) {
        self.extent_until(piece, &self.after_piece(piece))
    }

    /// The same for a piece whose end state is already known.
    #[inline]
    pub fn extent_until(&self, piece: Piece, end: &Kinematics) -> (f64, f64) {
        let (mut low, mut high) = (self.p.min(end.p), self.p.max(end.p));
        if self.keeps_direction(piece, end) {
            return (low, high);
        }
        for t_s in self.turning_times(piece).into_iter().flatten() {
            let turn = self.after(piece.jerk, t_s).p;
            (low, high) = (low.min(turn), high.max(turn));
        }
        (low, high)
    }

    /// True if the velocity keeps its sign throughout the piece that ends in `end`. Cheaper than
    /// [`Kinematics::turning_times`].
    pub fn keeps_direction(&self, piece: Piece, end: &Kinematics) -> bool {
        if self.v * end.v <= 0.0 {
            return false;
        }
        // If the acceleration keeps its sign too, the velocity lies between its end values. Otherwise it has one
        // extremum, v - a²/2j.
        self.a * end.a >= 0.0 || (self.v - self.a * self.a / (2.0 * piece.jerk)) * self.v > 0.0
    }

    /// Instants strictly inside the piece at which the velocity is zero, in order.
    pub fn turning_times(&self, piece: Piece) -> [Option<f64>; 2] {
        let inside = |t_s: f64| (t_s > 0.0 && t_s < piece.duration_s).then_some(t_s);
        // Roots of v + a t + j t²/2, in the form that does not cancel for small j.
        let discriminant = self.a * self.a - 2.0 * piece.jerk * self.v;
        if discriminant < 0.0 {
            return [None, None];
        }
        let q = -(self.a + libm::copysign(libm::sqrt(discriminant), self.a));
        let first = if q == 0.0 { None } else { inside(2.0 * self.v / q) };
        let second = if piece.jerk == 0.0 { None } else { inside(q / piece.jerk) };
        match (first, second) {
            (Some(x), Some(y)) if x > y => [Some(y), Some(x)],
            (Some(x), Some(y)) if x == y => [Some(x), None],
            (None, second) => [second, None],
            both => [both.0, both.1],
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_extent_holds_every_point_and_is_reached(
            v in -500.0..500.0f64, a in -9e3..9e3f64, jerk in -3e5..3e5f64, duration_s in 0.0..0.2f64
        ) {
            let start = Kinematics { p: 3.0, v, a };
            let piece = Piece { jerk, duration_s };
            let (low, high) = start.extent(piece);
            let (mut least, mut most) = (f64::MAX, f64::MIN);
            for i in 0..=2_000 {
                let p = start.after(jerk, duration_s * f64::from(i) / 2_000.0).p;
                (least, most) = (least.min(p), most.max(p));
            }
            prop_assert!(low <= least + 1e-9 && high >= most - 1e-9);
            // Sampling misses a turn by at most a·dt²/8.
            let coarse = 1e-9 + (a.abs() + jerk.abs() * duration_s) * (duration_s / 2_000.0).powi(2);
            prop_assert!(low >= least - coarse && high <= most + coarse, "{low} {least} {high} {most}");
        }
    }

    #[test]
    fn turning_times_come_in_order() {
        // v = (t - 0.1)(t - 0.3): p'' = 2t - 0.4, jerk 2.
        let start = Kinematics { p: 0.0, v: 0.03, a: -0.4 };
        let [first, second] = start.turning_times(Piece { jerk: 2.0, duration_s: 1.0 });
        assert!((first.unwrap() - 0.1).abs() < 1e-12 && (second.unwrap() - 0.3).abs() < 1e-12);
        assert_eq!(start.turning_times(Piece { jerk: 2.0, duration_s: 0.05 }), [None, None]);
        assert_eq!(
            Kinematics::at_rest(1.0).turning_times(Piece { jerk: 5.0, duration_s: 1.0 }),
            [None, None]
        );
    }
}
