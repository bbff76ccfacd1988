//! Power of the motor driver: on while a position is held or a motion goes on; off at rest without a position, and at
//! once when a halt cuts the motion.

use crate::units::{MILLISECOND_NS, Nanos};

/// Time at rest before the driver is switched off: the carriage swings for a while after the last step.
const SETTLE_NS: Nanos = 50 * MILLISECOND_NS;

/// Conditions for the driver's power in one control cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PowerNeed {
    /// True if a position is held, or homing runs.
    pub held: bool,
    /// True if nothing moves and nothing is queued.
    pub resting: bool,
    /// True if the motion is cut in this cycle, so no ramp needs the motor.
    pub cut: bool,
}

/// Power state of the driver; off at power-on.
#[derive(Debug, Clone, Copy, Default)]
pub struct DriverPower {
    on: bool,
    rested_ns: Option<Nanos>,
}

impl DriverPower {
    /// Updates the state in a control cycle at `now`.
    pub fn step(&mut self, now: Nanos, need: PowerNeed) {
        self.rested_ns = if need.resting { self.rested_ns.or(Some(now)) } else { None };
        let settled = self.rested_ns.is_some_and(|rested_ns| now.saturating_sub(rested_ns) >= SETTLE_NS);
        self.on = need.held || (self.on && !need.cut && !settled);
    }

    /// True if the driver should be on.
    pub fn is_on(&self) -> bool {
        self.on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOMING: PowerNeed = PowerNeed { held: true, resting: false, cut: false };
    const RAMP: PowerNeed = PowerNeed { held: false, ..HOMING };
    const REST: PowerNeed = PowerNeed { resting: true, ..RAMP };

    #[test]
    fn a_ramp_keeps_the_power_until_the_axis_has_settled() {
        let mut power = DriverPower::default();
        power.step(0, REST);
        assert!(!power.is_on());
        power.step(1, HOMING);
        for (now, need, on) in [(2, RAMP, true), (3, REST, true), (3 + SETTLE_NS, REST, false)] {
            power.step(now, need);
            assert_eq!(power.is_on(), on, "at {now}");
        }
    }

    #[test]
    fn a_cut_takes_the_power_at_once() {
        let mut power = DriverPower::default();
        power.step(1, HOMING);
        power.step(2, PowerNeed { cut: true, ..RAMP });
        assert!(!power.is_on());
        power.step(3, RAMP);
        assert!(!power.is_on(), "nothing but a new homing switches it on");
    }
}
