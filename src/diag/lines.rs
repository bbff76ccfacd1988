//! The lines as an oscilloscope would show them: widths, gaps, order, the direction line. Pure.

use super::violation::{Rule, RuleViolation};
use crate::drive::PulseTiming;
use crate::hal::{Edge, EdgeKind};
use crate::units::Nanos;

/// What is known about the lines.
#[derive(Debug, Clone)]
pub struct Lines {
    timing: PulseTiming,
    last_ns: Option<Nanos>,
    pulse_began_ns: Option<Nanos>,
    pulse_ended_ns: Option<Nanos>,
    direction: Option<(bool, Nanos)>,
    high: bool,
    /// Whether the driver is on; none where that is not known.
    powered: Option<bool>,
}

impl Lines {
    /// A machine at power-on: all lines low, the driver off, and how it wants its pulses.
    #[must_use]
    pub fn new(timing: PulseTiming) -> Lines {
        Lines { powered: Some(false), ..Lines::midway(timing) }
    }

    /// Lines of which nothing is known, since edges were lost.
    #[must_use]
    pub fn midway(timing: PulseTiming) -> Lines {
        Lines {
            timing,
            last_ns: None,
            pulse_began_ns: None,
            pulse_ended_ns: None,
            direction: None,
            high: false,
            powered: None,
        }
    }

    /// Takes the next edge; tells what is wrong with it.
    pub fn edge(&mut self, edge: Edge) -> Option<RuleViolation> {
        let Edge { at, kind } = edge;
        let wrong = self.order(edge).or_else(|| match kind {
            EdgeKind::StepBegins { forward } => self.begins(at, forward),
            EdgeKind::StepEnds => since(Rule::PulseWidth, at, self.pulse_began_ns, self.timing.high_ns),
            EdgeKind::Direction { .. } => {
                since(Rule::DirectionHold, at, self.pulse_ended_ns, self.timing.direction_hold_ns)
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

    /// Edges come one after the other; begins and ends alternate; the direction line rests while a pulse is high.
    fn order(&self, Edge { at, kind }: Edge) -> Option<RuleViolation> {
        let last = self.last_ns?;
        let (in_turn, earliest) = match kind {
            // A pulse begins after everything else, not together with it.
            EdgeKind::StepBegins { .. } => (!self.high, last + 1),
            EdgeKind::StepEnds => (self.high, last + 1),
            EdgeKind::Direction { .. } => (!self.high, last),
            EdgeKind::Enable { .. } => (true, last),
        };
        let broken =
            RuleViolation { rule: Rule::Order, at_ns: at, found: at as f64, allowed: earliest as f64 };
        (!in_turn || at < earliest).then_some(broken)
    }

    fn begins(&self, at: Nanos, forward: bool) -> Option<RuleViolation> {
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
        since(Rule::PulseGap, at, self.pulse_ended_ns, self.timing.low_ns)
            .or_else(|| since(Rule::DirectionSetup, at, Some(changed_ns), self.timing.direction_setup_ns))
    }
}

fn since(rule: Rule, at: Nanos, before: Option<Nanos>, least_ns: Nanos) -> Option<RuleViolation> {
    let since_ns = at.saturating_sub(before?);
    let broken = RuleViolation { rule, at_ns: at, found: since_ns as f64, allowed: least_ns as f64 };
    (since_ns < least_ns).then_some(broken)
}
