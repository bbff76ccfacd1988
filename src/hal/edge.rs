//! Edges: changes on the output pins with their instants, for simulation, pulse checker and recorders.

use crate::machine::Inputs;
use crate::units::Nanos;

/// Kind of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EdgeKind {
    /// A step pulse begins.
    StepBegins {
        /// Direction line: true toward the front.
        forward: bool,
    },
    /// A step pulse ends.
    StepEnds,
    /// The direction line changes.
    Direction {
        /// New state: true toward the front.
        forward: bool,
    },
    /// The driver is switched on or off.
    Enable {
        /// New state.
        on: bool,
    },
}

/// Edge on an output pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Edge {
    /// Instant of the edge.
    pub at: Nanos,
    /// Kind of the edge.
    pub kind: EdgeKind,
}

/// Observer of every edge. The step loop calls it, so it must never wait.
pub trait EdgeSink {
    /// Called at each edge.
    fn edge(&mut self, edge: Edge);

    /// Called with the raw input lines each time the step loop reads them, and before each step.
    fn input_lines(&mut self, _at: Nanos, _inputs: Inputs) {}
}
