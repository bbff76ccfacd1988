//! Frozen recording of a fault: a head, and the records around it.

use serde::{Deserialize, Serialize};

use super::record::Record;
use crate::machine::Fault;
use crate::units::Nanos;

/// Recording of one fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Its head.
    pub about: RecordingHead,
    /// The records, the oldest first; not empty.
    pub records: Vec<Record>,
}

/// Head of a recording: the fault and its circumstances, as the file has them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordingHead {
    /// Program and version that made it.
    pub program: String,
    /// Time of the fault by the wall clock, which may be wrong (ms since 1970); only shown.
    pub at_unix_ms: u64,
    /// Instant of the fault on the machine's clock, which starts with the process.
    pub fault_ns: Nanos,
    /// The fault.
    pub fault: FaultText,
    /// Other faults while it was latched, with their times after it (s).
    pub also: Vec<(f64, FaultText)>,
    /// State in the last cycle without the fault.
    pub before: Option<StateBeforeFault>,
    /// Scale of the axis before the fault.
    pub axis: Option<AxisScale>,
    /// Time from the first record to the fault (s).
    pub before_s: f64,
    /// Time from the fault to the last record (s).
    pub after_s: f64,
    /// Number of cycles whose samples were not taken in time.
    pub missed_cycles: u64,
    /// Table of words for the numbers in the records; number 1 comes first.
    pub names: Vec<String>,
}

/// Texts of a fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultText {
    /// A stable word for programs.
    pub code: String,
    /// Description.
    pub message: String,
    /// Remedy.
    pub remedy: String,
}

/// State in the last cycle without the fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateBeforeFault {
    /// State of the machine.
    pub state: String,
    /// Position, if it was known.
    pub position_mm: Option<f32>,
    /// Speed of the pulses.
    pub velocity_mm_s: f32,
    /// Force, if it was known.
    pub force_g: Option<f32>,
}

/// Scale of the axis.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AxisScale {
    /// Step counter at 0 mm.
    pub origin_steps: i64,
    /// Steps per millimetre.
    pub steps_per_mm: f64,
    /// Length of the usable range.
    pub range_mm: f64,
}

impl From<Fault> for FaultText {
    fn from(fault: Fault) -> FaultText {
        FaultText { code: fault.code().into(), message: fault.to_string(), remedy: fault.remedy().into() }
    }
}

/// The value; `None` for a NaN, which means that it is not known.
pub fn known(value: f32) -> Option<f32> {
    value.is_finite().then_some(value)
}

impl Recording {
    /// The word for a number of a record; empty for 0.
    pub fn name(&self, number: u8) -> &str {
        let index = usize::from(number).checked_sub(1);
        index.and_then(|index| self.about.names.get(index)).map_or("", String::as_str)
    }

    /// Time of a record after the fault (s); negative before it.
    pub fn time_s(&self, record: &Record) -> f64 {
        span_s(self.about.fault_ns, record.at_ns)
    }
}

/// Time from `from` to `to` (s), exact to the nanosecond for a day.
pub fn span_s(from: Nanos, to: Nanos) -> f64 {
    let ns = i128::from(to) - i128::from(from);
    ns as f64 * 1e-9
}
