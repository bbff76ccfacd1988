//! Point-to-point move in progress: planned at once, handed out cycle by cycle.
//!
//! For moves that do not change while they run: those of homing. They are time-optimal inside the limits and end
//! exactly at their target, and their whole extent is known before the first cycle is queued. A motion that reacts to a
//! force or to a moving reference is planned by the [`Tracker`](super::Tracker).

use heapless::Vec;

use super::kinematics::{Kinematics, Piece};
use super::limits::MotionLimits;
use super::plan::{MovePlan, PlanError, Target};
use super::tracker::Move;

/// Tolerance of the range check around start and target, for rounding, in mm.
const SLACK_MM: f64 = 1e-6;
/// A shorter piece is a rounding remainder of its neighbour; its end is exact nevertheless.
const SHORTEST_S: f64 = 1e-12;

/// A planned move and the share of it that has been handed out.
#[derive(Debug, Clone)]
pub struct MoveInProgress {
    plan: MovePlan,
    target_mm: f64,
    at: Kinematics,
    /// Index of the next piece, and the part of it that has been handed out.
    index: usize,
    gone_s: f64,
}

impl MoveInProgress {
    /// Plans the move from rest at `from_mm` to rest at `to_mm` with at most `speed_mm_s`, never beyond these two
    /// positions.
    ///
    /// # Errors
    /// [`PlanError::BadInput`] if a number is not finite or a limit not positive.
    pub fn new(
        from_mm: f64,
        to_mm: f64,
        speed_mm_s: f64,
        limits: &MotionLimits,
    ) -> Result<MoveInProgress, PlanError> {
        let range = (from_mm.min(to_mm) - SLACK_MM, from_mm.max(to_mm) + SLACK_MM);
        let start = Kinematics::at_rest(from_mm);
        let plan = MovePlan::new(start, Target { p: to_mm, v: 0.0 }, limits.profile(speed_mm_s), range)?;
        Ok(MoveInProgress { plan, target_mm: to_mm, at: start, index: 0, gone_s: 0.0 })
    }

    /// Motion of the next cycle of `cycle_s` seconds.
    pub fn next_cycle(&mut self, cycle_s: f64) -> Move {
        let mut pieces = Vec::new();
        let mut left_s = cycle_s;
        while let Some(piece) = self.plan.pieces().get(self.index) {
            let rest_s = piece.duration_s - self.gone_s;
            let duration_s = rest_s.min(left_s);
            if duration_s > SHORTEST_S {
                let part = Piece { jerk: piece.jerk, duration_s };
                self.at = self.at.after_piece(part);
                // From rest to rest a plan has at most seven pieces; one place is left for standing still behind it.
                let _ = pieces.push(part);
            }
            if rest_s > left_s {
                self.gone_s += duration_s;
                return Move { pieces, end: self.at };
            }
            left_s -= duration_s;
            (self.index, self.gone_s) = (self.index + 1, 0.0);
        }
        // Rounding remainders of speed and acceleration are dropped.
        self.at = Kinematics::at_rest(self.target_mm);
        let _ = pieces.push(Piece { jerk: 0.0, duration_s: left_s });
        Move { pieces, end: self.at }
    }

    /// True if all of the move has been handed out.
    pub fn is_done(&self) -> bool {
        self.index == self.plan.pieces().len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::units::{MmPerS, MmPerS2, MmPerS3};

    const CYCLE_S: f64 = 0.001;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn a_course_is_the_plan_cut_into_cycles(
            to in -200.0..200.0f64, short in 0.0..1.0f64, speed in 0.5..500.0f64,
            acceleration in 50.0..10_000.0f64, onset_s in 4e-4..0.2f64
        ) {
            let limits = MotionLimits::new(
                MmPerS::constant(1_000.0),
                MmPerS2::try_from(acceleration).unwrap(),
                MmPerS3::try_from(acceleration / onset_s).unwrap(),
                MmPerS2::try_from(acceleration.max(acceleration / onset_s / 199.0)).unwrap(),
                MmPerS::constant(1.0),
            ).unwrap();
            let to = to * short * short * short;
            let mut course = MoveInProgress::new(0.0, to, speed, &limits).unwrap();
            let whole_s = course.plan.duration_s();
            let (mut at, mut cycles) = (Kinematics::at_rest(0.0), 0);
            while !course.is_done() {
                let next = course.next_cycle(CYCLE_S);
                cycles += 1;
                let mut duration_s = 0.0;
                for piece in &next.pieces {
                    prop_assert!(piece.jerk.abs() <= limits.max_jerk.get() * (1.0 + 1e-9));
                    duration_s += piece.duration_s;
                    at = at.after_piece(*piece);
                }
                prop_assert!((duration_s - CYCLE_S).abs() < 1e-11, "a cycle of {duration_s} s");
                prop_assert!(at.v.abs() <= speed * (1.0 + 1e-6) + 1e-6);
                prop_assert!((at.p - next.end.p).abs() < 1e-5 && (at.v - next.end.v).abs() < 1e-3, "{at:?} {next:?}");
                at = next.end;
            }
            prop_assert_eq!(at, Kinematics::at_rest(to));
            // It takes as long as the plan, and not a cycle more.
            let late_s = f64::from(cycles) * CYCLE_S - whole_s;
            prop_assert!((-1e-9..=CYCLE_S + 1e-9).contains(&late_s), "{cycles} cycles for {whole_s} s");
        }
    }
}
