//! Export of a recording: the part that is asked for, and CSV with one row per control cycle. `app` makes the JSON document
//! of the API.
//!
//! Times are in seconds after the fault; before it they are negative.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use super::record::Record;
use super::recording::{Recording, known};

/// The part of a recording to export.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportSpan {
    /// Span in seconds after the fault.
    pub seconds: RangeInclusive<f64>,
    /// Every n-th record only; the lists of commands and changes stay complete.
    pub every: usize,
}

impl ExportSpan {
    /// All records of the span.
    pub fn records<'a>(&self, recording: &'a Recording) -> &'a [Record] {
        let records = &recording.records;
        let first = records.partition_point(|record| recording.time_s(record) < *self.seconds.start());
        let behind = records.partition_point(|record| recording.time_s(record) <= *self.seconds.end());
        records.get(first..behind).unwrap_or_default()
    }

    /// The records that `every` leaves.
    pub fn every_nth<'a>(&self, recording: &'a Recording) -> impl Iterator<Item = &'a Record> + Clone {
        self.records(recording).iter().step_by(self.every.max(1))
    }
}

/// Header of the CSV format.
pub const COLUMNS: &str = "time_s,at_ns,steps,position_mm,velocity_mm_s,force_g,front,back,e_stop,driver_alarm,stop,state,fault,also,\
     command,period_s,reply,missed_cycles,rebases";

/// A part of a recording as CSV, one row per control cycle.
pub fn csv(recording: &Recording, part: &ExportSpan) -> String {
    let mut text = String::with_capacity(96 * part.every_nth(recording).count());
    text.push_str(COLUMNS);
    text.push('\n');
    let optional = |value: f32| known(value).map(|value| value.to_string()).unwrap_or_default();
    for record in part.every_nth(recording) {
        let inputs = record.inputs();
        // Our own words need no quotes. A file may hold others, so characters that could end a field are replaced.
        let word = |number: u8| recording.name(number).replace([',', '"', '\n', '\r'], " ");
        let _ = writeln!(
            text,
            "{:.6},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
            recording.time_s(record),
            record.at_ns,
            record.steps,
            optional(record.position_mm),
            optional(round_to_millis(record.velocity_mm_s)),
            optional(record.force_g),
            u8::from(inputs.front),
            u8::from(inputs.back),
            u8::from(inputs.e_stop),
            u8::from(inputs.driver_alarm),
            record.stop(),
            word(record.state),
            word(record.fault),
            word(record.also),
            word(record.command),
            optional(record.period_s),
            word(record.reply),
            record.missed,
            record.rebases,
        );
    }
    text
}

/// Rounds to microseconds, as further digits are noise.
pub fn round_to_micros(time_s: f64) -> f64 {
    (time_s * 1e6).round() / 1e6
}

/// Rounds to thousandths, as further digits are noise.
pub fn round_to_millis(value: f32) -> f32 {
    (value * 1e3).round() / 1e3
}
