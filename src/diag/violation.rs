//! What is reported: which promise was broken, when, by how much, and the edges around it.

use std::collections::VecDeque;
use std::fmt::Write as _;

use crate::hal::{Edge, EdgeKind};
use crate::units::Nanos;

/// What the pulses promise. The ids are those of the safety promises.
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
    /// A step goes the way that the direction line says.
    DirectionLine,
    /// No step while the driver is off: the motor keeps its power until the axis rests (S19).
    PowerOff,
    /// No step while nothing moves (S29).
    AtRest,
    /// No step later than 1 ms after a halt (S4).
    AfterHalt,
    /// The step counter counts the steps.
    Count,
    /// Outside homing, every step is inside the range (S2).
    Range,
    /// Outside homing, the axis can brake inside the range (S3).
    Braking,
    /// The pulses are no faster than allowed (S19).
    Speed,
    /// The pulses accelerate no harder than allowed (S19).
    Acceleration,
    /// The acceleration of the pulses changes no faster than allowed (S19).
    Jerk,
    /// A motion begins slowly (S18).
    Onset,
    /// A motion goes on until it has come to rest.
    Missing,
}

impl Rule {
    /// The unit of its numbers.
    #[must_use]
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

/// A break of a rule, before anybody has written down what was around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RuleViolation {
    /// Which rule.
    pub rule: Rule,
    /// When.
    pub at_ns: Nanos,
    /// What was found, in [`Rule::unit`].
    pub found: f64,
    /// What the rule allows there.
    pub allowed: f64,
}

/// A broken promise.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// What was broken.
    pub broken: RuleViolation,
    /// The last edges up to it, one a line.
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

/// How many edges a trace shows.
const SHOWN: usize = 48;

/// The last edges.
#[derive(Debug, Clone, Default)]
pub struct Trace(VecDeque<Edge>);

impl Trace {
    /// Takes the next edge.
    pub fn push(&mut self, edge: Edge) {
        if self.0.len() == SHOWN {
            self.0.pop_front();
        }
        self.0.push_back(edge);
    }
}

/// One line a step, with the time since the step before; ends of pulses are told by their width.
impl std::fmt::Display for Trace {
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
