//! The machine as somebody sees it who watches both loops: what the step loop shows and what the control cycle
//! decided, at one instant.

use heapless::spsc::{Consumer, Producer, Queue};

use super::status::{Ended, StepStatus};
use crate::hal::sim::EdgeSink;
use crate::machine::{Calibration, Config, Event, State, StopLevel, Supervisor};
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

impl Seen {
    /// What `supervisor` and `status` show at `at_ns`.
    #[must_use]
    pub fn of(supervisor: &Supervisor, status: &StepStatus, stop: StopLevel, at_ns: Nanos) -> Seen {
        Seen {
            at_ns,
            state: supervisor.state(),
            config: *supervisor.config(),
            calibration: supervisor.calibration().copied(),
            force_g: None,
            stop,
            resting: status.resting(),
            ended: status.ended(),
            rebases: status.lateness().rebases,
            count: None,
        }
    }
}

/// Somebody who gets to see every edge, and after each control cycle the machine.
pub trait Audience: EdgeSink {
    /// A control cycle is over.
    fn cycle(&mut self, _seen: &Seen) {}

    /// Something happened in the control cycle that is over next.
    fn event(&mut self, _event: &Event) {}
}

/// Nobody watches.
impl Audience for () {}

/// Looks kept for whoever takes them: a quarter of a second of control cycles.
const LOOKS: usize = 256;

/// From the control cycle to whoever watches; as wait-free as the other rings.
pub type SeenFeed = Producer<'static, Seen>;
/// The watcher's end of it.
pub type Looks = Consumer<'static, Seen>;

/// Both ends of the ring of looks; like the others it lives as long as the process.
#[must_use]
pub fn looks() -> (SeenFeed, Looks) {
    Box::leak(Box::new(Queue::<Seen, LOOKS>::new())).split()
}
