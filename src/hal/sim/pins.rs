//! The rail behind the pins of the step loop, and who watches its edges.

use super::hands::SimulatedOperator;
use super::rail::{RailOptions, SimulatedRail};
use crate::hal::{Edge, EdgeKind, EdgeSink, StepIo};
use crate::machine::Inputs;
use crate::units::Nanos;

/// The simulated pins, whatever a test has put between them and the step loop.
pub trait SimIo<S>: StepIo {
    /// The pins themselves.
    fn sim(&mut self) -> &mut SimPins<S>;
}

impl<S: EdgeSink> SimIo<S> for SimPins<S> {
    fn sim(&mut self) -> &mut SimPins<S> {
        self
    }
}

impl<S> StepIo for Box<dyn SimIo<S>> {
    fn inputs(&mut self, at: Nanos) -> Inputs {
        (**self).inputs(at)
    }

    fn set_direction(&mut self, forward: bool, at: Nanos) {
        (**self).set_direction(forward, at);
    }

    fn set_step(&mut self, high: bool, at: Nanos) {
        (**self).set_step(high, at);
    }

    fn set_enabled(&mut self, on: bool, at: Nanos) {
        (**self).set_enabled(on, at);
    }
}

impl<S> SimIo<S> for Box<dyn SimIo<S>> {
    fn sim(&mut self) -> &mut SimPins<S> {
        (**self).sim()
    }
}

/// Nobody watches.
impl EdgeSink for () {
    fn edge(&mut self, _edge: Edge) {}
}

/// The pins of the simulated machine.
#[derive(Debug)]
pub struct SimPins<S> {
    rail: SimulatedRail,
    hands: SimulatedOperator,
    sink: S,
    forward: bool,
    enabled: bool,
}

impl<S: EdgeSink> SimPins<S> {
    /// The machine at power-on; `sink` sees every edge, `hands` can reach in.
    #[must_use]
    pub fn new(options: RailOptions, hands: SimulatedOperator, sink: S) -> SimPins<S> {
        let rail = SimulatedRail::new(options);
        hands.show_carriage(rail.carriage_mm());
        SimPins { rail, hands, sink, forward: false, enabled: false }
    }

    /// What has mass moves on between the steps.
    fn pass_time(&mut self, at: Nanos) {
        if self.rail.advance(at, self.hands.pushed_g(), self.hands.mishaps()) {
            self.hands.show_carriage(self.rail.carriage_mm());
        }
    }

    /// The rail.
    #[must_use]
    pub fn rail(&self) -> &SimulatedRail {
        &self.rail
    }

    /// Who watches.
    pub fn sink(&mut self) -> &mut S {
        &mut self.sink
    }
}

impl<S: EdgeSink> StepIo for SimPins<S> {
    fn inputs(&mut self, at: Nanos) -> Inputs {
        self.pass_time(at);
        let inputs = self.rail.inputs(self.hands.mishaps(), at);
        self.sink.lines(at, inputs);
        inputs
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
        self.pass_time(at);
        self.sink.lines(at, self.rail.inputs(self.hands.mishaps(), at));
        self.sink.edge(Edge { at, kind: EdgeKind::StepBegins { forward: self.forward } });
        // A driver that is off does not turn the motor.
        if self.enabled {
            self.rail.step(self.forward, self.hands.mishaps(), at);
            self.hands.show_carriage(self.rail.carriage_mm());
        }
    }

    fn set_enabled(&mut self, on: bool, at: Nanos) {
        self.pass_time(at);
        self.rail.power(on);
        self.enabled = on;
        self.sink.edge(Edge { at, kind: EdgeKind::Enable { on } });
    }
}
