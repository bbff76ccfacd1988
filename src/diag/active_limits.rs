//! Limits of motion in force: the bounds on speed, acceleration and jerk that the pulses must keep at each instant.
//! Pure.
//!
//! A wave keeps the gentle limits, also at the ends of the range. Three events allow the firm limits of a stop until
//! the axis has slowed down: a stop, a speed bound that fell below the speed, and a stroke that became shorter. After
//! the limits are narrowed, motion that was planned before still keeps the wider ones.

use crate::layout;
use crate::motion::ProfileLimits;
use crate::motion::RampLimits;
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// Margin for the jerk phases of a ramp, the asymptotic end of a speed law, and a few cycles.
const SETTLE_NS: Nanos = 30 * MILLISECOND_NS;

/// Limits in force, in units of steps.
#[derive(Debug, Clone, Copy)]
pub struct ActiveLimits {
    gentle: ProfileLimits,
    stop: RampLimits,
    /// The widest of the former limits, and the instant until which they may still show in the pulses.
    former: Option<(ProfileLimits, Nanos)>,
    firm_until_ns: Nanos,
}

fn widest(one: ProfileLimits, other: ProfileLimits) -> ProfileLimits {
    ProfileLimits {
        speed: one.speed.max(other.speed),
        acceleration: one.acceleration.max(other.acceleration),
        jerk: one.jerk.max(other.jerk),
    }
}

/// Duration of a ramp from `speed` to rest with these limits (s).
fn ramp_s(speed: f64, ProfileLimits { acceleration, jerk, .. }: ProfileLimits) -> f64 {
    speed / acceleration + acceleration / jerk
}

impl ActiveLimits {
    /// These limits, with no event that allows the firm ones.
    pub fn new(gentle: ProfileLimits, stop: RampLimits) -> ActiveLimits {
        ActiveLimits { gentle, stop, former: None, firm_until_ns: 0 }
    }

    /// Sets the limits that are in force from `at` on, while the axis moves.
    pub fn set(&mut self, gentle: ProfileLimits, stop: RampLimits, at: Nanos) {
        if gentle == self.gentle && stop == self.stop {
            return;
        }
        let mut former = self.widest_gentle();
        if stop != self.stop {
            // The last ramp, which may be judged when the axis is at rest already.
            let RampLimits { acceleration, jerk } = self.stop;
            former = widest(former, ProfileLimits { speed: 0.0, acceleration, jerk });
        }
        self.allow_stop(at);
        if gentle.acceleration < former.acceleration || gentle.jerk < former.jerk {
            // The former limits hold until the axis can turn with the new ones, or has turned.
            self.allow_firm(at, ramp_s(widest(former, gentle).speed, gentle));
        }
        self.former = Some((former, self.firm_until_ns));
        (self.gentle, self.stop) = (gentle, stop);
    }

    /// Allows the limits of a stop after `at`, for a ramp from the highest speed behind the queued motion.
    pub fn allow_stop(&mut self, at: Nanos) {
        self.allow_firm(at, self.widest_gentle().speed / self.stop.acceleration);
    }

    /// Allows the limits of a stop after `at`, when the stroke became shorter: the axis brakes gently, and firmly where
    /// that overshoots.
    pub fn allow_shorter_stroke(&mut self, at: Nanos) {
        self.allow_firm(at, ramp_s(self.widest_gentle().speed, self.gentle));
    }

    fn widest_gentle(&self) -> ProfileLimits {
        self.former.map_or(self.gentle, |(former, _)| widest(former, self.gentle))
    }

    fn allow_firm(&mut self, at: Nanos, ramp_s: f64) {
        let ramp_ns = (ramp_s * SECOND_NS as f64) as Nanos;
        self.firm_until_ns = self.firm_until_ns.max(at + layout::QUEUE_AHEAD_NS + ramp_ns + SETTLE_NS);
    }

    /// Limits of a stop: the widest that may still show.
    pub fn stop_limits(&self) -> RampLimits {
        let (acceleration, jerk) =
            self.former.map_or((0.0, 0.0), |(former, _)| (former.acceleration, former.jerk));
        RampLimits { acceleration: self.stop.acceleration.max(acceleration), jerk: self.stop.jerk.max(jerk) }
    }

    /// Limits that hold for pulses in the span from `from` until now.
    pub fn since(&self, from: Nanos) -> ProfileLimits {
        let mut rates = self.gentle;
        if let Some((former, until)) = self.former
            && from < until
        {
            rates = widest(rates, former);
        }
        if from < self.firm_until_ns {
            let firm =
                ProfileLimits { speed: 0.0, acceleration: self.stop.acceleration, jerk: self.stop.jerk };
            rates = widest(rates, firm);
        }
        rates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAVE: ProfileLimits = ProfileLimits { speed: 5_000.0, acceleration: 5e4, jerk: 2e6 };
    const SLOW: ProfileLimits = ProfileLimits { speed: 1_000.0, acceleration: 1e4, jerk: 1e6 };
    const STOP: RampLimits = RampLimits { acceleration: 8e4, jerk: 1.6e7 };

    #[test]
    fn a_stop_allows_more_until_it_is_over() {
        let mut limits = ActiveLimits::new(WAVE, STOP);
        assert_eq!(limits.since(0), WAVE);
        limits.allow_stop(1_000_000_000);
        assert_eq!(limits.since(1_050_000_000).jerk, STOP.jerk);
        assert_eq!(limits.since(1_200_000_000), WAVE);
    }

    #[test]
    fn limits_that_were_narrowed_hold_after_what_was_planned_before_them() {
        let mut limits = ActiveLimits::new(WAVE, STOP);
        limits.set(SLOW, STOP, 1_000_000_000);
        assert_eq!(limits.since(1_010_000_000).speed, WAVE.speed);
        // 5000 steps/s at 1e4 steps/s², and 10 ms for the acceleration.
        assert_eq!(limits.since(1_500_000_000).jerk, STOP.jerk);
        assert_eq!(limits.since(1_560_000_000), SLOW);
        limits.set(WAVE, STOP, 2_000_000_000);
        assert_eq!(limits.since(2_120_000_000), WAVE);
    }
}
