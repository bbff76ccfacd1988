//! How hard the axis may be driven at an instant: which limits are in force, and since when. Pure.
//!
//! A wave keeps the gentle limits, at the ends of the range as anywhere. Three things allow the firm ones of a stop,
//! which then hold until the slowing down is over: a stop; a bound of the speed that fell below the speed; a stroke that
//! became shorter. And limits that were narrowed still show in what was planned before.

use crate::layout;
use crate::motion::ProfileLimits;
use crate::motion::RampLimits;
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// Building a push up and letting go of it, the asymptotic end of a speed law, a few cycles.
const SETTLE_NS: Nanos = 30 * MILLISECOND_NS;

/// The limits in force, in steps.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    gentle: ProfileLimits,
    stop: RampLimits,
    /// The widest of the limits that were in force a moment ago, and until when they may still show.
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

impl Effort {
    /// These limits, and no reason for the firm ones.
    #[must_use]
    pub fn new(gentle: ProfileLimits, stop: RampLimits) -> Effort {
        Effort { gentle, stop, former: None, firm_until_ns: 0 }
    }

    /// From `at` on these limits are in force, while the axis moves.
    pub fn change(&mut self, gentle: ProfileLimits, stop: RampLimits, at: Nanos) {
        if gentle != self.gentle || stop != self.stop {
            let before = self.former.map_or(self.gentle, |(former, _)| widest(former, self.gentle));
            // At rest already, the last ramp may still be judged.
            let RampLimits { acceleration, jerk } = self.stop;
            let ramp =
                if stop == self.stop { before } else { ProfileLimits { speed: 0.0, acceleration, jerk } };
            let before = widest(before, ramp);
            self.slow_down(at);
            self.gentle = gentle;
            if gentle.acceleration < before.acceleration || gentle.jerk < before.jerk {
                // The former ones hold until a turn is possible with these, or has come.
                self.former = Some((before, self.firm_until_ns));
                self.shorten(at);
            }
            self.former = Some((before, self.firm_until_ns));
        }
        self.stop = stop;
    }

    /// At `at` something asks for a firm slowing down, maybe from the highest speed, maybe behind what is queued.
    pub fn slow_down(&mut self, at: Nanos) {
        self.firm_within(at, self.fastest() / self.stop.acceleration);
    }

    /// At `at` the stroke became shorter: the axis brakes gently, and firmly where that leads too far.
    pub fn shorten(&mut self, at: Nanos) {
        let ProfileLimits { acceleration, jerk, .. } = self.gentle;
        self.firm_within(at, self.fastest() / acceleration + acceleration / jerk);
    }

    fn fastest(&self) -> f64 {
        self.former.map_or(self.gentle, |(former, _)| widest(former, self.gentle)).speed
    }

    fn firm_within(&mut self, at: Nanos, ramp_s: f64) {
        let ramp_ns = (ramp_s * SECOND_NS as f64) as Nanos;
        self.firm_until_ns = self.firm_until_ns.max(at + layout::QUEUE_AHEAD_NS + ramp_ns + SETTLE_NS);
    }

    /// The firmness of a stop: the firmest one that may still show.
    #[must_use]
    pub fn stop(&self) -> RampLimits {
        let (acceleration, jerk) =
            self.former.map_or((0.0, 0.0), |(former, _)| (former.acceleration, former.jerk));
        RampLimits { acceleration: self.stop.acceleration.max(acceleration), jerk: self.stop.jerk.max(jerk) }
    }

    /// What is allowed in a span of time that began at `from` and lasts until now.
    #[must_use]
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
        let mut effort = Effort::new(WAVE, STOP);
        assert_eq!(effort.since(0), WAVE);
        effort.slow_down(1_000_000_000);
        assert_eq!(effort.since(1_050_000_000).jerk, STOP.jerk);
        assert_eq!(effort.since(1_200_000_000), WAVE);
    }

    #[test]
    fn limits_that_were_narrowed_hold_after_what_was_planned_before_them() {
        let mut effort = Effort::new(WAVE, STOP);
        effort.change(SLOW, STOP, 1_000_000_000);
        assert_eq!(effort.since(1_010_000_000).speed, WAVE.speed);
        // 5000 steps/s at 1e4 steps/s², and 10 ms for the acceleration.
        assert_eq!(effort.since(1_500_000_000).jerk, STOP.jerk);
        assert_eq!(effort.since(1_560_000_000), SLOW);
        effort.change(WAVE, STOP, 2_000_000_000);
        assert_eq!(effort.since(2_120_000_000), WAVE);
    }
}
