//! Violation report: the broken rule, the instant, the measured and allowed values, and the edges before it.

use std::collections::VecDeque;
use std::fmt::Write as _;

use crate::hal::{Edge, EdgeKind};
use crate::units::Nanos;

/// Rules for the pulses. The ids are those of the safety promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Edges come in order, at different instants, high and low in turn.
    Order,
    /// A pulse is long enough (S19).
    PulseWidth,
    /// The line is low for long enough between two pulses (S19).
    PulseGap,
    /// The direction line is steady for long enough before a pulse (S19).
    DirectionSetup,
    /// The direction line stays for long enough after a pulse (S19).
    DirectionHold,
    /// A step has the direction of the direction line.
    DirectionLine,
    /// No step while the driver is off: the motor keeps its power until the axis rests (S19).
    PowerOff,
    /// No step while the axis rests (S29).
    AtRest,
    /// No step later than 1 ms after a halt (S4).
    AfterHalt,
    /// The step counter agrees with the number of steps.
    Count,
    /// Every step is inside the range, except in homing (S2).
    Range,
    /// The axis can brake inside the range, except in homing (S3).
    Braking,
    /// The speed of the pulses keeps its limit (S19).
    Speed,
    /// The acceleration of the pulses keeps its limit (S19).
    Acceleration,
    /// The jerk of the pulses keeps its limit (S19).
    Jerk,
    /// A motion begins slowly (S18).
    Onset,
    /// A motion goes on until it has come to rest.
    Missing,
}

impl Rule {
    /// Unit of its values.
    pub const fn unit(self) -> &'static str {
        match self {
            Rule::Order
            | Rule::PulseWidth
            | Rule::PulseGap
            | Rule::DirectionSetup
            | Rule::DirectionHold
            | Rule::AfterHalt
            | Rule::Missing => "ns",
            Rule::PowerOff
            | Rule::AtRest
            | Rule::DirectionLine
            | Rule::Count
            | Rule::Range
            | Rule::Braking => "steps",
            Rule::Speed | Rule::Onset => "steps/s",
            Rule::Acceleration => "steps/s²",
            Rule::Jerk => "steps/s³",
        }
    }
}

/// A broken rule, without the edges before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RuleViolation {
    /// The rule.
    pub rule: Rule,
    /// Instant.
    pub at_ns: Nanos,
    /// Measured value, in [`Rule::unit`].
    pub found: f64,
    /// Limit in force.
    pub allowed: f64,
}

/// A broken rule with the edges before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// The broken rule.
    pub broken: RuleViolation,
    /// The last edges up to it, one per line.
    pub trace: String,
}

impl std::fmt::Display for RuleViolation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let RuleViolation { rule, at_ns, found, allowed } = self;
        let unit = rule.unit();
        write!(f, "{rule:?} at {at_ns} ns: {found:.3} {unit}, where {allowed:.3} {unit} is the limit")
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n{}", self.broken, self.trace)
    }
}

/// Number of edges in a trace.
const SHOWN: usize = 48;

/// Ring of the last edges.
#[derive(Debug, Clone, Default)]
pub struct EdgeTrace(VecDeque<Edge>);

impl EdgeTrace {
    /// Adds an edge.
    pub fn push(&mut self, edge: Edge) {
        if self.0.len() == SHOWN {
            self.0.pop_front();
        }
        self.0.push_back(edge);
    }
}

/// One line per edge; a step shows the time since the step before, the end of a pulse its width.
impl std::fmt::Display for EdgeTrace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut began: Option<Nanos> = None;
        let mut line = String::new();
        for Edge { at, kind } in &self.0 {
            line.clear();
            match kind {
                EdgeKind::StepBegins { forward } => {
                    let since = began.map(|began| at.saturating_sub(began));
                    began = Some(*at);
                    let way = if *forward { '+' } else { '-' };
                    write!(line, "{at:>15} step {way}")?;
                    if let Some(since) = since {
                        write!(line, "  {since} ns after the one before")?;
                    }
                }
                EdgeKind::StepEnds => {
                    let width = began.map_or(0, |began| at.saturating_sub(began));
                    write!(line, "{at:>15}   low after {width} ns")?;
                }
                EdgeKind::Direction { forward } => {
                    write!(line, "{at:>15} direction {}", if *forward { "+" } else { "-" })?;
                }
                EdgeKind::Enable { on } => {
                    write!(line, "{at:>15} driver {}", if *on { "on" } else { "off" })?
                }
            }
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}
