//! Edge: what happened on a pin and when, as a simulation, a pulse log or a recorder tells it.

use crate::machine::Inputs;
use crate::units::Nanos;

/// What happened on a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EdgeKind {
    /// A step pulse began, toward the front or not.
    StepBegins {
        /// The direction line.
        forward: bool,
    },
    /// A step pulse ended.
    StepEnds,
    /// The direction line changed.
    Direction {
        /// What it is now.
        forward: bool,
    },
    /// The driver was switched on or off.
    Enable {
        /// What it is now.
        on: bool,
    },
}

/// An edge on a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Edge {
    /// When.
    pub at: Nanos,
    /// Which.
    pub kind: EdgeKind,
}

/// Somebody who gets to see every edge. Called by the step loop: must never wait.
pub trait EdgeSink {
    /// An edge.
    fn edge(&mut self, edge: Edge);

    /// What the input lines are: told at each look of the step loop, and before each step, looked at or not.
    fn input_lines(&mut self, _at: Nanos, _inputs: Inputs) {}
}
