//! Simulated pins: the rail behind the pins of the step loop, with an observer of its edges.

use super::operator::SimulatedOperator;
use super::rail::{RailOptions, SimulatedRail};
use crate::hal::{Edge, EdgeKind, EdgeSink, StepIo};
use crate::machine::Inputs;
use crate::units::Nanos;

/// Simulated pins, possibly wrapped by a test.
pub trait SimIo<S>: StepIo {
    /// The innermost pins.
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

/// No observer.
impl EdgeSink for () {
    fn edge(&mut self, _edge: Edge) {}
}

/// Lines of the simulated machine that the program takes the other way round, as its options say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InvertedLines {
    /// The direction line.
    pub direction: bool,
    /// The input lines.
    pub inputs: Inputs,
}

/// Pins of the simulated machine.
#[derive(Debug)]
pub struct SimPins<S> {
    rail: SimulatedRail,
    operator: SimulatedOperator,
    sink: S,
    forward: bool,
    enabled: bool,
    inverted: InvertedLines,
}

impl<S: EdgeSink> SimPins<S> {
    /// The machine at power-on; `sink` observes every edge, `operator` acts on the machine.
    pub fn new(options: RailOptions, operator: SimulatedOperator, sink: S) -> SimPins<S> {
        let rail = SimulatedRail::new(options);
        operator.set_carriage_mm(rail.carriage_mm());
        let inverted = InvertedLines::default();
        SimPins { rail, operator, sink, forward: false, enabled: false, inverted }
    }

    /// The same with these lines the other way round.
    #[must_use]
    pub fn with_inverted(self, inverted: InvertedLines) -> SimPins<S> {
        SimPins { inverted, ..self }
    }

    /// The input lines as the program takes them.
    fn read_inputs(&self, at: Nanos) -> Inputs {
        let inputs = self.rail.inputs(self.operator.mishaps(), at);
        Inputs::from_bits(inputs.to_bits() ^ self.inverted.inputs.to_bits())
    }

    /// Advances the rail to `at`: with a mass it moves between the steps, too.
    fn advance_rail(&mut self, at: Nanos) {
        if self.rail.advance(at, self.operator.pushed_g(), self.operator.mishaps()) {
            self.operator.set_carriage_mm(self.rail.carriage_mm());
        }
    }

    /// The rail.
    pub fn rail(&self) -> &SimulatedRail {
        &self.rail
    }

    /// Observer of the edges.
    pub fn sink(&mut self) -> &mut S {
        &mut self.sink
    }
}

impl<S: EdgeSink> StepIo for SimPins<S> {
    fn inputs(&mut self, at: Nanos) -> Inputs {
        self.advance_rail(at);
        let inputs = self.read_inputs(at);
        self.sink.input_lines(at, inputs);
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
        self.advance_rail(at);
        self.sink.input_lines(at, self.read_inputs(at));
        self.sink.edge(Edge { at, kind: EdgeKind::StepBegins { forward: self.forward } });
        // The motor does not turn while the driver is off.
        if self.enabled {
            self.rail.step(self.forward != self.inverted.direction, self.operator.mishaps(), at);
            self.operator.set_carriage_mm(self.rail.carriage_mm());
        }
    }

    fn set_enabled(&mut self, on: bool, at: Nanos) {
        self.advance_rail(at);
        self.rail.set_powered(on);
        self.enabled = on;
        self.sink.edge(Edge { at, kind: EdgeKind::Enable { on } });
    }
}
