//! Deferred limits: lowered motion limits take effect once the axis can keep them.
//!
//! An axis at full speed cannot brake inside the range with an acceleration that has just been lowered to a tenth. So
//! while the axis moves, a lower acceleration or jerk waits and the former one holds, until a turn inside the range is
//! possible with the new one, at the latest until the axis has turned. Acceleration beyond the new limit is then
//! released with the former jerk.
//!
//! Promise S2 does not depend on this: the way to rest uses the limits of the firm stop, which change at rest only.

use super::kinematics::Kinematics;
use super::limits::RampLimits;

/// Below this speed the axis counts as at rest, or as about to turn, in mm/s.
const RESTS_MM_S: f64 = 0.1;

/// The limits in force while lower ones wait.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeferredLimits {
    asked: Option<RampLimits>,
    waiting: Option<DeferredBound>,
}

#[derive(Debug, Clone, Copy)]
struct DeferredBound {
    former: RampLimits,
    /// Velocity when the limits were lowered.
    v: f64,
    /// True once the new limits apply, except that the acceleration is still beyond them.
    letting_go: bool,
}

impl DeferredLimits {
    /// Limits for the cycle that begins with `start`, if the settings ask for `asked`. `possible` returns whether the
    /// axis can turn inside the range and keep its speed bounds with given limits.
    pub fn limits(
        &mut self,
        start: &Kinematics,
        asked: RampLimits,
        possible: impl Fn(RampLimits) -> bool,
    ) -> RampLimits {
        let before = self.asked.replace(asked).unwrap_or(asked);
        if before != asked {
            let former = self.waiting.map_or(before, |waiting| waiting.former);
            let lowered = asked.acceleration < former.acceleration || asked.jerk < former.jerk;
            self.waiting = lowered.then(|| DeferredBound {
                former: RampLimits {
                    acceleration: former.acceleration.max(asked.acceleration),
                    jerk: former.jerk.max(asked.jerk),
                },
                v: start.v,
                letting_go: false,
            });
        }
        let Some(waiting) = &mut self.waiting else { return asked };
        let turned = start.v * waiting.v <= 0.0 || start.v.abs() < RESTS_MM_S;
        waiting.letting_go |= turned || possible(asked);
        if !waiting.letting_go {
            return waiting.former;
        }
        if start.a.abs() <= asked.acceleration {
            self.waiting = None;
            return asked;
        }
        RampLimits { jerk: waiting.former.jerk, ..asked }
    }

    /// Ends the wait: the axis rests.
    pub fn settle(&mut self) {
        self.waiting = None;
    }

    /// The former limits, while they hold instead of lower ones.
    pub fn former(&self) -> Option<RampLimits> {
        self.waiting.map(|waiting| waiting.former)
    }
}
