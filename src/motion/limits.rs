//! Motion limits: highest speed, acceleration and jerk, and the two ways to stop.

use crate::layout;
use crate::units::{MmPerS, MmPerS2, MmPerS3};

/// Time in which a firm stop builds up its full deceleration.
///
/// Short enough for promise S4 (at rest within `v/a + 20 ms`): building up and releasing take `STOP_ONSET_S` each. Long
/// enough to be a ramp and not a blow.
pub const STOP_ONSET_S: f64 = 0.005;

/// Limits of a speed ramp, in one unit of length.
///
/// Plain numbers, unlike [`MotionLimits`]: the planner also works in steps and in natural units. Not part of
/// [`ProfileLimits`], since a stop has no highest speed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RampLimits {
    /// Largest acceleration.
    pub acceleration: f64,
    /// Largest jerk.
    pub jerk: f64,
}

/// Limits of a jerk-limited (S-curve) profile, all positive, in one unit of length.
///
/// Plain numbers, unlike [`MotionLimits`]: the speed of a homing move or of a derated wave is not a setting, and the
/// pulse checker calculates in steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProfileLimits {
    /// Highest speed.
    pub speed: f64,
    /// Highest acceleration.
    pub acceleration: f64,
    /// Highest jerk.
    pub jerk: f64,
}

impl ProfileLimits {
    /// No limits.
    pub const UNBOUNDED: ProfileLimits =
        ProfileLimits { speed: f64::INFINITY, acceleration: f64::INFINITY, jerk: f64::INFINITY };

    /// This share of each limit.
    #[must_use]
    pub fn scaled(&self, share: f64) -> ProfileLimits {
        let ProfileLimits { speed, acceleration, jerk } = *self;
        ProfileLimits { speed: speed * share, acceleration: acceleration * share, jerk: jerk * share }
    }

    /// Acceleration and jerk alone.
    #[must_use]
    pub fn ramp(&self) -> RampLimits {
        RampLimits { acceleration: self.acceleration, jerk: self.jerk }
    }
}

/// Motion limits of the axis, as set by the user.
///
/// There are two ways to stop: gently, with the limits of a wave, and firmly, with a deceleration and a jerk of its
/// own. The firm stop is never weaker than the wave; [`MotionLimits::new`] checks that.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MotionLimits {
    /// Highest speed of a wave.
    pub max_speed: MmPerS,
    /// Highest acceleration of a wave, both ways.
    pub max_acceleration: MmPerS2,
    /// Highest jerk of a wave.
    pub max_jerk: MmPerS3,
    /// Deceleration of the firm stop.
    pub stop_deceleration: MmPerS2,
    /// Highest speed on the approach to the start of a wave.
    pub approach_speed: MmPerS,
}

impl MotionLimits {
    /// A full-stroke sine of 1 s (455 mm/s, 2 900 mm/s²) is followed exactly; faster ones are made smaller.
    pub const DEFAULT: MotionLimits = MotionLimits {
        max_speed: MmPerS::constant(500.0),
        max_acceleration: MmPerS2::constant(5_000.0),
        max_jerk: MmPerS3::constant(200_000.0),
        stop_deceleration: MmPerS2::constant(8_000.0),
        approach_speed: MmPerS::constant(60.0),
    };

    /// Checks the limits: the firm stop must be at least as strong as a wave.
    ///
    /// # Errors
    /// Name of the field that contradicts another one, and the reason.
    pub fn new(
        max_speed: MmPerS,
        max_acceleration: MmPerS2,
        max_jerk: MmPerS3,
        stop_deceleration: MmPerS2,
        approach_speed: MmPerS,
    ) -> Result<MotionLimits, (&'static str, &'static str)> {
        if max_speed.get() < 1.0 {
            return Err(("max_speed_mm_s", "must be at least 1 mm/s"));
        }
        if stop_deceleration.get() < max_acceleration.get() {
            return Err(("stop_deceleration_mm_s2", "must not be below max_acceleration_mm_s2"));
        }
        if approach_speed.get() < 1.0 || approach_speed.get() > max_speed.get() {
            return Err(("approach_speed_mm_s", "must be at least 1 mm/s and not above max_speed_mm_s"));
        }
        if max_jerk.get() > stop_deceleration.get() / STOP_ONSET_S {
            return Err((
                "max_jerk_mm_s3",
                "must not be above 200 x stop_deceleration_mm_s2, the jerk of a stop",
            ));
        }
        Ok(MotionLimits { max_speed, max_acceleration, max_jerk, stop_deceleration, approach_speed })
    }

    /// Smallest permitted deceleration of the firm stop at the highest speed, in mm/s².
    pub fn least_stop_deceleration_mm_s2(&self) -> f64 {
        least_stop_deceleration_mm_s2(self.max_speed.get())
    }

    /// Gentle stop: acceleration and jerk of a wave, in mm/s² and mm/s³.
    pub fn gentle_stop(&self) -> RampLimits {
        RampLimits { acceleration: self.max_acceleration.get(), jerk: self.max_jerk.get() }
    }

    /// Firm stop, as STOP uses it: its deceleration and jerk, in mm/s² and mm/s³.
    pub fn firm_stop(&self) -> RampLimits {
        RampLimits { acceleration: self.stop_deceleration.get(), jerk: self.stop_jerk_mm_s3() }
    }

    /// Profile with the acceleration and jerk of a wave and the given highest speed, in mm.
    pub fn profile(&self, speed_mm_s: f64) -> ProfileLimits {
        let RampLimits { acceleration, jerk } = self.gentle_stop();
        ProfileLimits { speed: speed_mm_s, acceleration, jerk }
    }

    /// Jerk of the firm stop, in mm/s³.
    pub fn stop_jerk_mm_s3(&self) -> f64 {
        self.stop_deceleration.get() / STOP_ONSET_S
    }

    /// These limits with every lower value of `new`. The firm stop keeps its deceleration, since a lower one is not a
    /// narrower one. An approach under way keeps its speed, since only firm braking could reduce it at once.
    #[must_use]
    pub fn narrowed_by(&self, new: &MotionLimits) -> MotionLimits {
        fn lower<Q: PartialOrd + Copy>(mine: Q, theirs: Q) -> Q {
            if theirs < mine { theirs } else { mine }
        }
        MotionLimits {
            max_speed: lower(self.max_speed, new.max_speed),
            max_acceleration: lower(self.max_acceleration, new.max_acceleration),
            max_jerk: lower(self.max_jerk, new.max_jerk),
            stop_deceleration: self.stop_deceleration,
            approach_speed: lower(self.approach_speed, new.max_speed),
        }
    }

    /// True if any of these limits lets the axis do more than `other`.
    pub fn wider_than(&self, other: &MotionLimits) -> bool {
        self.max_speed > other.max_speed
            || self.max_acceleration > other.max_acceleration
            || self.max_jerk > other.max_jerk
            || self.stop_deceleration != other.stop_deceleration
            || self.approach_speed > other.approach_speed
    }
}

/// Smallest deceleration, in mm/s², with which a stop from `speed_mm_s` keeps the duration and the distance in
/// `[limits]` of memory-layout/layout.toml. A stop takes `v/a` plus its onset, and covers `v²/2a` plus half of the
/// onset at full speed.
pub fn least_stop_deceleration_mm_s2(speed_mm_s: f64) -> f64 {
    let in_time = speed_mm_s / (layout::STOP_WITHIN_MS as f64 * 1e-3 - STOP_ONSET_S);
    let way_left_mm = layout::STOP_WAY_MM - speed_mm_s * STOP_ONSET_S / 2.0;
    libm::ceil(in_time.max(speed_mm_s * speed_mm_s / (2.0 * way_left_mm)))
}

impl Default for MotionLimits {
    fn default() -> Self {
        MotionLimits::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_pass_their_own_check() {
        let d = MotionLimits::default();
        let made = MotionLimits::new(
            d.max_speed,
            d.max_acceleration,
            d.max_jerk,
            d.stop_deceleration,
            d.approach_speed,
        );
        assert_eq!(made, Ok(d));
    }

    #[test]
    fn a_stop_weaker_than_the_wave_is_refused() {
        let d = MotionLimits::default();
        let refused = MotionLimits::new(
            d.max_speed,
            d.max_acceleration,
            d.max_jerk,
            MmPerS2::constant(4_999.0),
            d.approach_speed,
        );
        assert_eq!(refused.unwrap_err().0, "stop_deceleration_mm_s2");
    }
}
