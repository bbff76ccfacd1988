//! Lateness policy of the step loop: late steps are made up for, delay the motion, or end it (promise S20). Pure.
//!
//! - Up to one interval late, the following steps close up, but never to less than 15/16 of their interval.
//! - Later than that, the time base moves: the delay stays, and no step hurries to make up for it.
//! - Later than `min(1 ms, 2 intervals)`, the motor may have lost the step, and the position can no longer be trusted:
//!   the motion ends, and its ramp does not hurry either.
//! - Later than [`CUT_NS`], there is no ramp: the axis has come to rest by then, and a ramp would begin at its former
//!   speed.
//!
//! Time in which the loop itself holds a step back, to confirm an input, is no lateness. It is made up for like a small
//! delay, however many intervals it is, and does not move the time base ([`TimeBase::add_hold`]).

use crate::units::{MICROSECOND_NS, MILLISECOND_NS, Nanos};

/// Lateness from which a motion is cut instead of ramped down. A stepper without steps comes to rest within a quarter
/// of its resonance period, 2.5 ms at the usual 100 Hz.
pub const CUT_NS: Nanos = 3 * MILLISECOND_NS;

/// Smallest interval of steps that make up for a delay, as a share of the planned one.
pub const CLOSEST: f64 = 15.0 / 16.0;
/// Most hold time that is made up for and does not count as lateness. One glitch takes 45 us, and is made up for within
/// sixteen times that; a contact that chatters on is no glitch.
const MAX_HOLD_NS: Nanos = 200 * MICROSECOND_NS;

/// Strictness about late steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatePolicy {
    /// True if a step that is too late ends the motion. A simulated motor loses no steps, so there it is false: the
    /// host of a simulation is rarely a real-time one.
    pub ends_motion: bool,
}

impl LatePolicy {
    /// True if a step this late must not be made, nor any after it.
    pub fn requires_cut(self, late_ns: Nanos) -> bool {
        self.ends_motion && late_ns > CUT_NS
    }
}

/// Consequence of the lateness of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatenessVerdict {
    /// The step was on time.
    OnTime,
    /// The time base moves by this duration.
    Rebase(Nanos),
    /// The motion must end.
    TooLate,
}

/// Time base of one motion.
#[derive(Debug, Clone, Copy, Default)]
pub struct TimeBase {
    shift_ns: Nanos,
    /// Delay due to steps that were held back.
    held_ns: Nanos,
    last: Option<LastStep>,
}

#[derive(Debug, Clone, Copy)]
struct LastStep {
    nominal_ns: Nanos,
    actual_ns: Nanos,
}

impl TimeBase {
    /// Total shift of the time base.
    pub fn shift_ns(&self) -> Nanos {
        self.shift_ns
    }

    /// Due instant of something planned for `nominal_ns`.
    #[inline]
    pub fn due(&self, nominal_ns: Nanos) -> Nanos {
        nominal_ns + self.shift_ns
    }

    /// Due instant of a step planned for `nominal_ns`: not too close behind the previous one.
    #[inline]
    pub fn step_due(&self, nominal_ns: Nanos) -> Nanos {
        let due = self.due(nominal_ns);
        self.last.map_or(due, |last| {
            let interval_ns = nominal_ns.saturating_sub(last.nominal_ns);
            due.max(last.actual_ns + interval_ns - interval_ns / 16)
        })
    }

    /// Adds the time for which the next step was held back.
    pub fn add_hold(&mut self, held_ns: Nanos) {
        self.held_ns = MAX_HOLD_NS.min(self.held_ns + held_ns);
    }

    /// Records that a step planned for `nominal_ns` began at `actual_ns`.
    #[inline]
    pub fn record_step(
        &mut self,
        nominal_ns: Nanos,
        actual_ns: Nanos,
        policy: LatePolicy,
    ) -> LatenessVerdict {
        let late_ns = self.lateness_ns(nominal_ns, actual_ns);
        // Delay that has been made up for no longer counts.
        self.held_ns = self.held_ns.min(actual_ns.saturating_sub(self.due(nominal_ns)));
        let interval_ns = self.last.map(|last| nominal_ns.saturating_sub(last.nominal_ns));
        self.last = Some(LastStep { nominal_ns, actual_ns });
        let too_late_ns = interval_ns.map_or(MILLISECOND_NS, |interval| MILLISECOND_NS.min(2 * interval));
        let too_late = policy.ends_motion && late_ns > too_late_ns;
        if too_late || late_ns > interval_ns.unwrap_or(MILLISECOND_NS) {
            self.shift_ns += late_ns;
            return if too_late { LatenessVerdict::TooLate } else { LatenessVerdict::Rebase(late_ns) };
        }
        LatenessVerdict::OnTime
    }

    /// Lateness of a step planned for `nominal_ns` that began at `actual_ns`, without the time held back.
    #[inline]
    pub fn lateness_ns(&self, nominal_ns: Nanos, actual_ns: Nanos) -> Nanos {
        actual_ns.saturating_sub(self.due(nominal_ns) + self.held_ns)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FORGIVING: LatePolicy = LatePolicy { ends_motion: false };
    const STRICT: LatePolicy = LatePolicy { ends_motion: true };

    proptest! {
        #[test]
        fn no_interval_is_ever_much_shorter_than_planned(
            interval_ns in 5_000u64..3_000_000, delays in prop::collection::vec(0u64..50_000_000, 2..40)
        ) {
            let mut base = TimeBase::default();
            let mut last: Option<u64> = None;
            for (i, delay) in delays.iter().enumerate() {
                let nominal = 1_000_000 + i as u64 * interval_ns;
                // Every third step is late by its delay.
                let actual = base.step_due(nominal) + if i % 3 == 1 { *delay } else { 0 };
                if let Some(last) = last {
                    prop_assert!(actual - last >= interval_ns - interval_ns / 16);
                }
                base.record_step(nominal, actual, FORGIVING);
                last = Some(actual);
            }
        }

        #[test]
        fn a_small_delay_is_made_up_and_moves_nothing(interval_ns in 16_000u64..1_000_000) {
            let mut base = TimeBase::default();
            base.record_step(interval_ns, interval_ns, STRICT);
            let late = base.step_due(2 * interval_ns) + interval_ns / 2;
            prop_assert_eq!(base.record_step(2 * interval_ns, late, STRICT), LatenessVerdict::OnTime);
            for i in 3..20 {
                let actual = base.step_due(i * interval_ns);
                base.record_step(i * interval_ns, actual, STRICT);
            }
            prop_assert_eq!(base.step_due(20 * interval_ns), 20 * interval_ns);
        }
    }

    #[test]
    fn what_was_held_back_is_made_up_for_however_many_intervals_it_is() {
        for interval_ns in [5_000, 20_000, 100_000, 1_000_000] {
            let mut base = TimeBase::default();
            base.record_step(interval_ns, interval_ns, STRICT);
            base.add_hold(45_000);
            assert_eq!(
                base.record_step(2 * interval_ns, 2 * interval_ns + 45_000, STRICT),
                LatenessVerdict::OnTime
            );
            for i in 3..3 + 17 * 45_000 / interval_ns + 2 {
                let actual = base.step_due(i * interval_ns);
                assert_eq!(base.record_step(i * interval_ns, actual, STRICT), LatenessVerdict::OnTime);
            }
            assert_eq!((base.step_due(200 * interval_ns), base.held_ns), (200 * interval_ns, 0));
            // A later delay is lateness again.
            base.record_step(199 * interval_ns, 199 * interval_ns, STRICT);
            let late = 200 * interval_ns + 3 * interval_ns;
            assert_ne!(base.record_step(200 * interval_ns, late, FORGIVING), LatenessVerdict::OnTime);
        }
    }

    #[test]
    fn a_step_that_is_far_too_late_ends_the_motion_on_a_real_motor() {
        let mut base = TimeBase::default();
        base.record_step(1_000, 1_000, STRICT);
        assert_eq!(base.record_step(101_000, 302_000, STRICT), LatenessVerdict::TooLate);
        // The ramp keeps its own intervals, not 15/16 of them.
        assert_eq!(base.step_due(201_000), 402_000);
    }
}
