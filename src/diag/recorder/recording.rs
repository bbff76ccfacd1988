//! A frozen recording: a fault, what is known about it, and the records around it.

use serde::{Deserialize, Serialize};

use super::record::Record;
use crate::machine::Fault;
use crate::units::Nanos;

/// What was frozen around a fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// What is known about it.
    pub about: RecordingSummary,
    /// The records, the oldest first; not empty.
    pub records: Vec<Record>,
}

/// What is known about a recording without its records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordingSummary {
    /// The program that made it.
    pub program: String,
    /// When the fault came by the wall clock, in ms since 1970; only shown, and only as right as that clock was.
    pub at_unix_ms: u64,
    /// When the fault came, on the machine's clock, which begins with the process.
    pub fault_ns: Nanos,
    /// The fault.
    pub fault: FaultText,
    /// Other faults while it was latched, and when, in seconds after it.
    pub also: Vec<(f64, FaultText)>,
    /// What the machine was like before: the last cycle without the fault.
    pub before: Option<StateBeforeFault>,
    /// How steps and millimetres were related before the fault.
    pub axis: Option<AxisScale>,
    /// From the first record to the fault, in seconds.
    pub before_s: f64,
    /// From the fault to the last record, in seconds.
    pub after_s: f64,
    /// Cycles that nobody took in time.
    pub missed_cycles: u64,
    /// The words behind the numbers of the records; number 1 comes first.
    pub names: Vec<String>,
}

/// A fault, in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultText {
    /// A stable word for programs.
    pub code: String,
    /// What it is.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// The machine in the last cycle without the fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateBeforeFault {
    /// The state.
    pub state: String,
    /// Position, if it was known.
    pub position_mm: Option<f32>,
    /// Speed of the pulses.
    pub velocity_mm_s: f32,
    /// Force, if it was known.
    pub force_g: Option<f32>,
}

/// How steps and millimetres are related.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AxisScale {
    /// Step counter at 0 mm.
    pub origin_steps: i64,
    /// Steps for a millimetre.
    pub steps_per_mm: f64,
    /// Length of the usable range.
    pub range_mm: f64,
}

impl From<Fault> for FaultText {
    fn from(fault: Fault) -> FaultText {
        FaultText { code: fault.code().into(), message: fault.to_string(), remedy: fault.remedy().into() }
    }
}

/// A number that may not be known.
#[must_use]
pub fn known(value: f32) -> Option<f32> {
    value.is_finite().then_some(value)
}

impl Recording {
    /// The word behind a number of a record; empty for none.
    #[must_use]
    pub fn name(&self, number: u8) -> &str {
        let index = usize::from(number).checked_sub(1);
        index.and_then(|index| self.about.names.get(index)).map_or("", String::as_str)
    }

    /// When the record was, in seconds after the fault; before it they are negative.
    #[must_use]
    pub fn time_s(&self, record: &Record) -> f64 {
        span_s(self.about.fault_ns, record.at_ns)
    }
}

/// From `from` to `to` in seconds, exact to the nanosecond for a day.
#[must_use]
pub fn span_s(from: Nanos, to: Nanos) -> f64 {
    let ns = i128::from(to) - i128::from(from);
    ns as f64 * 1e-9
}
