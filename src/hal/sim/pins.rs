//! The rail behind the pins of the step loop, and who watches its edges.

use super::hands::Hands;
use super::rail::{Rail, RailOptions};
use crate::hal::StepIo;
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
}

/// Nobody watches.
impl EdgeSink for () {
    fn edge(&mut self, _edge: Edge) {}
}

/// The pins of the simulated machine.
#[derive(Debug)]
pub struct SimPins<S> {
    rail: Rail,
    hands: Hands,
    sink: S,
    forward: bool,
    enabled: bool,
}

impl<S: EdgeSink> SimPins<S> {
    /// The machine at power-on; `sink` sees every edge, `hands` can reach in.
    #[must_use]
    pub fn new(options: RailOptions, hands: Hands, sink: S) -> SimPins<S> {
        let rail = Rail::new(options);
        hands.show_carriage(rail.carriage_mm());
        SimPins { rail, hands, sink, forward: false, enabled: false }
    }

    /// The rail.
    #[must_use]
    pub fn rail(&self) -> &Rail {
        &self.rail
    }

    /// Who watches.
    pub fn sink(&mut self) -> &mut S {
        &mut self.sink
    }
}

impl<S: EdgeSink> StepIo for SimPins<S> {
    fn inputs(&mut self, _at: Nanos) -> Inputs {
        self.rail.inputs(self.hands.mishaps())
    }

    fn set_direction(&mut self, forward: bool, at: Nanos) {
        self.forward = forward;
        self.sink.edge(Edge { at, kind: EdgeKind::Direction { forward } });
    }

    fn set_step(&mut self, high: bool, at: Nanos) {
        if !high {
            self.sink.edge(Edge { at, kind: EdgeKind::StepEnds });
            return;
        }
        self.sink.edge(Edge { at, kind: EdgeKind::StepBegins { forward: self.forward } });
        // A driver that is off does not turn the motor.
        if self.enabled {
            self.rail.step(self.forward, self.hands.mishaps());
            self.hands.show_carriage(self.rail.carriage_mm());
        }
    }

    fn set_enabled(&mut self, on: bool, at: Nanos) {
        self.enabled = on;
        self.sink.edge(Edge { at, kind: EdgeKind::Enable { on } });
    }
}
