//! Time-optimal jerk-limited stop: the *stop tail* behind every planned motion.
//!
//! With the jerk limit `J`, releasing an acceleration `a` takes `|a|/J` and changes the velocity by `a|a|/2J`, so the
//! axis would coast at `u = v + a|a|/2J`. If `u` is not zero, it has to be braked away: the acceleration goes from `a`
//! to a peak `-s·A'` (`s` the sign of `u`), stays there, and returns to zero. In coordinates mirrored so that `u > 0`,
//! the velocity balance without a plateau is
//!
//! ```text
//! v + a²/2J - A'²/J = 0    =>    A' = sqrt(J v + a²/2)
//! ```
//!
//! If `A'` exceeds the limit `A`, a plateau of `(v + a²/2J - A²/J) / A` seconds makes up for it.

use heapless::Vec;

use super::kinematics::{Kinematics, Piece};
use super::limits::RampLimits;

/// Pieces of a stop: at most build-up, plateau, release.
pub type Tail = Vec<Piece, 3>;

/// Time-optimal stop from velocity `v` and acceleration `a`.
///
/// An initial acceleration beyond the limit is not increased, and is reduced as fast as the jerk allows.
pub fn tail(v: f64, a: f64, limits: RampLimits) -> Tail {
    let phases = phases(v, a, limits);
    let mut tail = Tail::new();
    for piece in phases {
        if piece.duration_s > 0.0 {
            // Three pieces fit by construction.
            let _ = tail.push(piece);
        }
    }
    tail
}

fn phases(v: f64, a: f64, RampLimits { acceleration, jerk }: RampLimits) -> [Piece; 3] {
    let coasting = v + a * a.abs() / (2.0 * jerk);
    let side = if coasting < 0.0 { -1.0 } else { 1.0 };
    let (v, a) = (side * v, side * a);
    let limit = acceleration.max(-a);
    // Rounding can bring the radicand, which is zero for a pure release, slightly below zero.
    let unlimited = libm::sqrt((jerk * v + a * a / 2.0).max(0.0)).max(-a);
    let (peak, plateau_s) = if unlimited <= limit {
        (unlimited, 0.0)
    } else {
        (limit, (v + a * a / (2.0 * jerk) - limit * limit / jerk) / limit)
    };
    [
        Piece { jerk: -side * jerk, duration_s: (a + peak) / jerk },
        Piece { jerk: 0.0, duration_s: plateau_s },
        Piece { jerk: side * jerk, duration_s: peak / jerk },
    ]
}

/// Signed distance of the time-optimal stop.
pub fn displacement(v: f64, a: f64, limits: RampLimits) -> f64 {
    phases(v, a, limits).into_iter().fold(Kinematics { p: 0.0, v, a }, |at, piece| at.after_piece(piece)).p
}

/// Smallest and largest position during the time-optimal stop from `start`.
pub fn extent(start: Kinematics, limits: RampLimits) -> (f64, f64) {
    let mut at = start;
    let (mut low, mut high) = (start.p, start.p);
    for piece in phases(start.v, start.a, limits) {
        let (piece_low, piece_high) = at.extent(piece);
        (low, high) = (low.min(piece_low), high.max(piece_high));
        at = at.after_piece(piece);
    }
    (low, high)
}

/// Highest position that a firm stop can reach if it begins at any instant of a turn. In the turn, the axis brakes from
/// `start` with the `gentle` limits until its velocity is zero. If the result is inside the range, no instant of the
/// turn violates it.
///
/// At the turning point the axis still accelerates inward, so it is not at rest there. A stop begun just before reaches
/// farther than the turn itself. It reaches farthest where it consists of releasing the deceleration `a` with the firm
/// jerk `S` only: at the speed `a²/2S`, and from there by `a³/6S²`. Either the deceleration is complete at that instant
/// (the turning point lies `a³/8S²` farther on), or it still builds up with the jerk `J`, where `v = v₀ + a₀²/2J -
/// a²/2J`:
///
/// ```text
/// a² = 2 (v₀ + a₀²/2J) J S / (J + S)
/// ```
pub fn turn_extent(start: Kinematics, gentle: RampLimits, firm: RampLimits) -> f64 {
    let RampLimits { acceleration, jerk } = gentle;
    let let_go = |push: f64| push * push * push / (6.0 * firm.jerk * firm.jerk);
    let fastest = start.v + start.a * start.a / (2.0 * jerk);
    // Only the release is left of the deceleration, or the axis does not move outward: later stops reach less far.
    let past = start.a <= 0.0 && start.v <= start.a * start.a / (2.0 * firm.jerk);
    if past || fastest <= 0.0 {
        return extent(start, firm).1;
    }
    let push = libm::sqrt(2.0 * fastest * jerk * firm.jerk / (jerk + firm.jerk));
    if push <= acceleration {
        return start.p.max(start.after(-jerk, (start.a + push) / jerk).p + let_go(push));
    }
    let rising = Piece { jerk: -jerk, duration_s: ((start.a + acceleration) / jerk).max(0.0) };
    let pushing = start.after_piece(rising);
    let slow = acceleration * acceleration / (2.0 * firm.jerk);
    let held = (pushing.v * pushing.v - slow * slow).max(0.0) / (2.0 * acceleration);
    start.p.max(pushing.p + held + let_go(acceleration))
}

/// The same for an axis that may come back with at most the speed `way_back`.
///
/// Releasing an acceleration `A` at the turning point, with half of the jerk `J` since the other half is reserved near
/// a speed bound, makes the axis come back at `A²/J`. If that is too fast, the axis comes to rest first and starts from
/// there.
pub fn turn_extent_within(start: Kinematics, gentle: RampLimits, firm: RampLimits, way_back: f64) -> f64 {
    let RampLimits { acceleration, jerk } = gentle;
    if jerk * way_back >= acceleration * acceleration {
        return turn_extent(start, gentle, firm);
    }
    extent(start, RampLimits { acceleration, jerk: jerk / 2.0 }).1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIRM: RampLimits = RampLimits { acceleration: 8_000.0, jerk: 1.6e6 };

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn a_stop_ends_at_rest_inside_its_limits(v in -800.0..800.0f64, a in -8e3..8e3f64) {
            let mut at = Kinematics { p: 0.0, v, a };
            for piece in tail(v, a, FIRM) {
                prop_assert!(piece.duration_s > 0.0 && piece.jerk.abs() <= FIRM.jerk);
                at = at.after_piece(piece);
                prop_assert!(at.a.abs() <= FIRM.acceleration * (1.0 + 1e-12), "acceleration {}", at.a);
            }
            prop_assert!(at.v.abs() < 1e-7 && at.a.abs() < 1e-6, "left {at:?}");
        }

        #[test]
        fn more_push_leads_farther(v in -800.0..800.0f64, a in -8e3..8e3f64, more in 0.0..100.0f64) {
            prop_assert!(displacement(v, a + more, FIRM) >= displacement(v, a, FIRM) - 1e-9);
            prop_assert!(displacement(v + more, a, FIRM) >= displacement(v, a, FIRM) - 1e-9);
        }

        #[test]
        fn stop_time_and_distance_keep_s4_without_the_queue(v in 0.0..800.0f64) {
            // Half of the 20 ms of S4 belong to onset and release of the ramp, the rest to latency.
            let time_s: f64 = tail(v, 0.0, FIRM).iter().map(|piece| piece.duration_s).sum();
            prop_assert!(time_s <= v / FIRM.acceleration + 0.010);
            prop_assert!(displacement(v, 0.0, FIRM) <= v * v / (2.0 * FIRM.acceleration) + v * 0.010);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn a_turn_goes_as_far_as_a_stop_from_its_worst_instant(
            v in -300.0..800.0f64, share in -1.0..1.0f64, a in 100.0..8e3f64, onset_s in 0.005..0.2f64
        ) {
            let gentle = RampLimits { acceleration: a, jerk: a / onset_s };
            let start = Kinematics { p: 3.0, v, a: share * a };
            let told = turn_extent(start, gentle, FIRM);
            let rising = Piece { jerk: -gentle.jerk, duration_s: (start.a + a) / gentle.jerk };
            let (mut at, mut farthest) = (start, f64::MIN);
            let held_s = (start.after_piece(rising).v / a).max(0.0);
            for piece in [rising, Piece { jerk: 0.0, duration_s: held_s }] {
                for part in 0..=4_000 {
                    let here = at.after(piece.jerk, piece.duration_s * f64::from(part) / 4_000.0);
                    farthest = farthest.max(extent(here, FIRM).1);
                }
                at = at.after_piece(piece);
            }
            // Between two samples the curve is a parabola around the worst instant.
            prop_assert!(told >= farthest - 1e-9 && told <= farthest + 1e-4, "{told} not {farthest}");
        }
    }

    #[test]
    fn at_rest_there_is_nothing_to_do() {
        assert!(tail(0.0, 0.0, FIRM).is_empty());
        assert_eq!(displacement(0.0, 0.0, FIRM), 0.0);
    }

    #[test]
    fn the_extent_of_a_stop_that_turns_round_includes_the_turn() {
        // Slow forward, already braking hard: the release overshoots into the other direction.
        let start = Kinematics { p: 10.0, v: 5.0, a: -8_000.0 };
        let (low, high) = extent(start, FIRM);
        assert!(high > 10.0 && low < 10.0, "{low} {high}");
    }
}
