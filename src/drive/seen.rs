//! The machine as somebody sees it who watches both loops: what the step loop shows and what the control cycle
//! decided, at one instant.

use super::status::Ended;
use crate::hal::sim::EdgeSink;
use crate::machine::{Calibration, Config, State, StopLevel};
use crate::units::Nanos;

/// Both loops at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// When.
    pub at_ns: Nanos,
    /// The state.
    pub state: State,
    /// The settings in force.
    pub config: Config,
    /// The calibration, while the position is known.
    pub calibration: Option<Calibration>,
    /// The force that the control cycle reckons with.
    pub force_g: Option<f64>,
    /// The stop line.
    pub stop: StopLevel,
    /// Whether the step loop plays nothing.
    pub resting: bool,
    /// The last motion that was ended by something else than its plan.
    pub ended: Option<Ended>,
    /// How often lateness has moved a time base.
    pub rebases: u32,
    /// The step counter, where it is known to belong to this very instant.
    pub count: Option<i64>,
}

/// Somebody who gets to see every edge, and after each control cycle the machine.
pub trait Audience: EdgeSink {
    /// A control cycle is over.
    fn cycle(&mut self, seen: &Seen);
}

/// Nobody watches.
impl Audience for () {
    fn cycle(&mut self, _seen: &Seen) {}
}
