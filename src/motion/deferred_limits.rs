//! When lowered limits take effect.
//!
//! An axis at full speed cannot brake by an acceleration that has just been lowered to a tenth: planners that try
//! leave the rail. So while the axis moves, a lower acceleration or jerk waits, and the former one holds, until a turn
//! inside the range is possible with the new one; at the latest until the axis has turned. What the acceleration
//! then is beyond the new limit is let go of with the former jerk.
//!
//! (Promise S2 does not hang on this: the way to rest is that of a stop, whose firmness only changes at rest.)

use super::kinematics::Kinematics;
use super::limits::RampLimits;

/// Slower than this the axis as good as rests, and is about to turn or to stay.
const RESTS_MM_S: f64 = 0.1;

/// Which limits hold while lower ones wait.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeferredLimits {
    asked: Option<RampLimits>,
    waiting: Option<DeferredBound>,
}

#[derive(Debug, Clone, Copy)]
struct DeferredBound {
    former: RampLimits,
    /// The velocity when the limits were lowered.
    v: f64,
    /// Nothing speaks against the new limits, but that the acceleration is still beyond them.
    letting_go: bool,
}

impl DeferredLimits {
    /// The limits for the cycle that begins with `start`, when these are `asked`; `possible` tells whether the axis
    /// can turn inside the range, and keep its speed bounds, with given limits.
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

    /// The limits that hold instead of those that are asked for, as long as they do.
    #[must_use]
    pub fn former(&self) -> Option<RampLimits> {
        self.waiting.map(|waiting| waiting.former)
    }
}
