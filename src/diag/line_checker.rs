//! Checks of the digital lines, as an oscilloscope would make them: pulse widths, gaps, order of edges, direction
//! set-up and hold. Pure.

use super::violation::{Rule, RuleViolation};
use crate::drive::PulseTiming;
use crate::hal::{Edge, EdgeKind};
use crate::units::Nanos;

/// State of the lines, from the edges so far.
#[derive(Debug, Clone)]
pub struct LineChecker {
    timing: PulseTiming,
    last_ns: Option<Nanos>,
    pulse_began_ns: Option<Nanos>,
    pulse_ended_ns: Option<Nanos>,
    direction: Option<(bool, Nanos)>,
    high: bool,
    /// True while the driver is on; `None` if that is not known.
    powered: Option<bool>,
}

impl LineChecker {
    /// At power-on: all lines low, the driver off.
    pub fn new(timing: PulseTiming) -> LineChecker {
        LineChecker { powered: Some(false), ..LineChecker::after_gap(timing) }
    }

    /// After a gap in the edges: nothing is known about the lines.
    pub fn after_gap(timing: PulseTiming) -> LineChecker {
        LineChecker {
            timing,
            last_ns: None,
            pulse_began_ns: None,
            pulse_ended_ns: None,
            direction: None,
            high: false,
            powered: None,
        }
    }

    /// Checks the next edge.
    pub fn check_edge(&mut self, edge: Edge) -> Option<RuleViolation> {
        let Edge { at, kind } = edge;
        let wrong = self.check_order(edge).or_else(|| match kind {
            EdgeKind::StepBegins { forward } => self.check_step(at, forward),
            EdgeKind::StepEnds => {
                check_interval(Rule::PulseWidth, at, self.pulse_began_ns, self.timing.high_ns)
            }
            EdgeKind::Direction { .. } => {
                check_interval(Rule::DirectionHold, at, self.pulse_ended_ns, self.timing.direction_hold_ns)
            }
            EdgeKind::Enable { .. } => None,
        });
        self.last_ns = Some(at);
        match kind {
            EdgeKind::StepBegins { .. } => (self.high, self.pulse_began_ns) = (true, Some(at)),
            EdgeKind::StepEnds => (self.high, self.pulse_ended_ns) = (false, Some(at)),
            EdgeKind::Direction { forward } => self.direction = Some((forward, at)),
            EdgeKind::Enable { on } => self.powered = Some(on),
        }
        wrong
    }

    /// Edges come in order of time, rising and falling edges of STEP alternate, and the direction line is steady while
    /// a pulse is high.
    fn check_order(&self, Edge { at, kind }: Edge) -> Option<RuleViolation> {
        let last = self.last_ns?;
        let (in_turn, earliest) = match kind {
            // A pulse begins strictly after any other edge.
            EdgeKind::StepBegins { .. } => (!self.high, last + 1),
            EdgeKind::StepEnds => (self.high, last + 1),
            EdgeKind::Direction { .. } => (!self.high, last),
            EdgeKind::Enable { .. } => (true, last),
        };
        let broken =
            RuleViolation { rule: Rule::Order, at_ns: at, found: at as f64, allowed: earliest as f64 };
        (!in_turn || at < earliest).then_some(broken)
    }

    fn check_step(&self, at: Nanos, forward: bool) -> Option<RuleViolation> {
        let Some((_, changed_ns)) = self.direction.filter(|(line, _)| *line == forward) else {
            let way = |forward: bool| if forward { 1.0 } else { -1.0 };
            let line = self.direction.map_or(0.0, |(line, _)| way(line));
            return Some(RuleViolation {
                rule: Rule::DirectionLine,
                at_ns: at,
                found: way(forward),
                allowed: line,
            });
        };
        if self.powered == Some(false) {
            return Some(RuleViolation { rule: Rule::PowerOff, at_ns: at, found: 1.0, allowed: 0.0 });
        }
        check_interval(Rule::PulseGap, at, self.pulse_ended_ns, self.timing.low_ns).or_else(|| {
            check_interval(Rule::DirectionSetup, at, Some(changed_ns), self.timing.direction_setup_ns)
        })
    }
}

fn check_interval(rule: Rule, at: Nanos, before: Option<Nanos>, least_ns: Nanos) -> Option<RuleViolation> {
    let since_ns = at.saturating_sub(before?);
    let broken = RuleViolation { rule, at_ns: at, found: since_ns as f64, allowed: least_ns as f64 };
    (since_ns < least_ns).then_some(broken)
}
