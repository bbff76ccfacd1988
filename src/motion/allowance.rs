//! Force allowance: upper bound on speed as a function of the measured force.
//!
//! The force chart of the settings has ten sliders, at 0, 10 … 90 % of the force limit. Each is a share of the highest
//! speed of the chart. `settings` fills this table of speed over force from a spline through the sliders. Promise S15:
//! force reduces motion and never adds any. So the table is non-increasing, whatever values the sliders have. At the
//! force limit and above it is zero: nothing moves against a full force (S14).
//!
//! [`protected_speed_mm_s`] is a second bound on speed, due to the latency of the force sensor.

use crate::units::Grams;

/// Entries of the table: one for each hundredth of the force limit, the last one for the limit itself.
pub const ALLOWANCE_POINTS: usize = 101;

/// Allowed speed against a force, tabulated over the share of the force limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Allowance {
    force_limit_g: f64,
    speed_mm_s: [f64; ALLOWANCE_POINTS],
}

/// Bound on the rounding of a speed interpolated between two entries, as a share and in mm/s.
const ROUNDING: f64 = 1e-9;

/// Force of entry `i` of a table that ends at `limit_g`.
fn force_at(limit_g: f64, i: usize) -> f64 {
    limit_g * i as f64 / (ALLOWANCE_POINTS - 1) as f64
}

impl Allowance {
    /// Builds the table from `speeds_mm_s`, taken at 0 %, 1 % … 100 % of `force_limit`.
    ///
    /// Each entry is lowered to the smallest one before it, negative ones count as zero, and the last is zero.
    pub fn new(force_limit: Grams, speeds_mm_s: [f64; ALLOWANCE_POINTS]) -> Allowance {
        let mut speed_mm_s = speeds_mm_s;
        let mut least = f64::MAX;
        for speed in &mut speed_mm_s {
            // A NaN in the table means "no motion" (min and max would pass over it).
            least = if speed.is_nan() { 0.0 } else { least.min(*speed).max(0.0) };
            *speed = least;
        }
        speed_mm_s[ALLOWANCE_POINTS - 1] = 0.0;
        Allowance { force_limit_g: force_limit.get().max(f64::MIN_POSITIVE), speed_mm_s }
    }

    /// Allowed speed against a force of `force_g`, in mm/s. A negative force, which acts with the motion, counts as
    /// zero.
    pub fn speed_mm_s(&self, force_g: f64) -> f64 {
        let share = force_g.max(0.0) / self.force_limit_g * (ALLOWANCE_POINTS - 1) as f64;
        // An unknown force allows nothing.
        if force_g.is_nan() || share >= (ALLOWANCE_POINTS - 1) as f64 {
            return 0.0;
        }
        let below = share as usize;
        let rest = share - below as f64;
        self.speed_mm_s[below] * (1.0 - rest) + self.speed_mm_s[below + 1] * rest
    }

    /// True if nothing may move against a force of this magnitude, in either direction. A chart that allows no speed at
    /// any force says nothing about the force: then only the limit itself counts.
    pub fn blocks_motion(&self, force_g: f64) -> bool {
        let force_g = force_g.abs();
        force_g >= self.force_limit_g || (self.speed_mm_s(force_g) == 0.0 && self.speed_mm_s(0.0) > 0.0)
    }

    /// True if at some force this table allows a higher speed than `other`.
    pub fn wider_than(&self, other: &Allowance) -> bool {
        if self.force_limit_g == other.force_limit_g {
            return self.speed_mm_s.iter().zip(&other.speed_mm_s).any(|(mine, theirs)| mine > theirs);
        }
        // Both are linear between their entries, so the difference is greatest at an entry of one of them.
        let exceeds = |force_g: f64| {
            let (mine, theirs) = (self.speed_mm_s(force_g), other.speed_mm_s(force_g));
            mine > theirs * (1.0 + ROUNDING) + ROUNDING
        };
        let entries = |table: &Allowance| {
            let limit_g = table.force_limit_g;
            (0..ALLOWANCE_POINTS).map(move |i| force_at(limit_g, i))
        };
        self.force_limit_g > other.force_limit_g || entries(self).chain(entries(other)).any(exceeds)
    }

    /// A table that nowhere allows more than this one or `other`, and hardly less than the smaller of both.
    #[must_use]
    pub fn narrowed_by(&self, other: &Allowance) -> Allowance {
        let force_limit_g = self.force_limit_g.min(other.force_limit_g);
        // Between two entries of the new table the other one may bend down, so it counts with the speed at its next
        // entry.
        let allowed = |table: &Allowance, i: usize| {
            if table.force_limit_g == force_limit_g {
                table.speed_mm_s[i]
            } else {
                table.speed_mm_s(force_at(force_limit_g, i + 1))
            }
        };
        let mut speed_mm_s = core::array::from_fn(|i| allowed(self, i).min(allowed(other, i)));
        speed_mm_s[ALLOWANCE_POINTS - 1] = 0.0;
        Allowance { force_limit_g, speed_mm_s }
    }
}

/// Upper bound on speed so that the axis comes to rest within `overrun_mm` of a contact, in mm/s. The contact is known
/// `reaction_s` later, and braking begins then with `deceleration_mm_s2`.
///
/// The axis travels v·t during the reaction and v²/2a while it brakes: v²/2a + v·t = s, with the positive solution v =
/// a·(√(t² + 2s/a) − t). The code uses an equal form without the difference of two nearly equal numbers. Braking takes
/// longer by the time in which the deceleration builds up; add a/2j to the reaction for that.
pub fn protected_speed_mm_s(overrun_mm: f64, reaction_s: f64, deceleration_mm_s2: f64) -> f64 {
    let root_s = libm::sqrt(reaction_s * reaction_s + 2.0 * overrun_mm / deceleration_mm_s2);
    2.0 * overrun_mm / (root_s + reaction_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protected_speed_uses_up_the_overrun_and_no_more() {
        for overrun_mm in [0.1, 1.0, 10.0, 100.0] {
            for reaction_s in [0.0, 0.001, 0.025, 0.115, 1.0] {
                for deceleration in [100.0, 8_000.0, 50_000.0] {
                    let v = protected_speed_mm_s(overrun_mm, reaction_s, deceleration);
                    let used_mm = v * reaction_s + v * v / (2.0 * deceleration);
                    assert!((used_mm - overrun_mm).abs() < 1e-9 * overrun_mm, "{used_mm} of {overrun_mm}");
                }
            }
        }
    }

    #[test]
    fn a_chart_that_allows_nothing_makes_no_force_full_below_the_limit() {
        let mut speeds_mm_s = [100.0; ALLOWANCE_POINTS];
        speeds_mm_s[80..].fill(0.0);
        let usual = Allowance::new(Grams::constant(1_000.0), speeds_mm_s);
        let none = Allowance::new(Grams::constant(1_000.0), [0.0; ALLOWANCE_POINTS]);
        let full = [0.0, -790.0, 800.0, -999.0, 1_000.0, -1_500.0]
            .map(|force_g| (usual.blocks_motion(force_g), none.blocks_motion(force_g)));
        let (no, chart, both) = ((false, false), (true, false), (true, true));
        assert_eq!(full, [no, no, chart, chart, both, both]);
    }

    #[test]
    fn a_slower_sensor_protects_less_speed() {
        // 80 and 10 samples a second, with 25 ms and 115 ms from contact to the first braking step.
        let fast = protected_speed_mm_s(10.0, 0.025, 8_000.0);
        let slow = protected_speed_mm_s(10.0, 0.115, 8_000.0);
        assert!((fast - 247.0).abs() < 1.0 && (slow - 83.0).abs() < 1.0, "{fast} {slow}");
    }

    fn falling() -> Allowance {
        Allowance::new(
            Grams::constant(1_000.0),
            core::array::from_fn(|i| 600.0 - 6.0 * i as f64 + if i == 50 { 100.0 } else { 0.0 }),
        )
    }

    #[test]
    fn more_force_never_allows_more_speed() {
        let allowance = falling();
        let mut last = f64::INFINITY;
        for force in 0..1_200 {
            let speed = allowance.speed_mm_s(f64::from(force));
            assert!(speed <= last && speed >= 0.0, "{speed} after {last} at {force} g");
            last = speed;
        }
    }

    #[test]
    fn at_the_limit_and_for_an_unknown_force_nothing_moves() {
        for force in [1_000.0, 1_000.1, 1e300, f64::INFINITY, f64::NAN] {
            assert_eq!(falling().speed_mm_s(force), 0.0);
        }
        let nothing = Allowance::new(Grams::constant(1.0), [f64::NAN; ALLOWANCE_POINTS]);
        assert_eq!(nothing.speed_mm_s(0.0), 0.0);
    }

    #[test]
    fn a_force_with_the_motion_counts_as_none() {
        assert_eq!(falling().speed_mm_s(-500.0), falling().speed_mm_s(0.0));
    }
}
