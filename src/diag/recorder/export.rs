//! Export of a recording: as JSON for programs and charts, and as CSV with one row per control cycle.
//!
//! Times are in seconds after the fault; before it they are negative.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::archive::ArchiveEntry;
use super::record::Record;
use super::recording::{Recording, known};
use crate::wall_clock::rfc3339;

/// The part of a recording to export.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportSpan {
    /// Span in seconds after the fault.
    pub seconds: RangeInclusive<f64>,
    /// Every n-th record only; the lists of commands and changes in JSON stay complete.
    pub every: usize,
}

impl ExportSpan {
    fn records<'a>(&self, recording: &'a Recording) -> &'a [Record] {
        let records = &recording.records;
        let first = records.partition_point(|record| recording.time_s(record) < *self.seconds.start());
        let behind = records.partition_point(|record| recording.time_s(record) <= *self.seconds.end());
        records.get(first..behind).unwrap_or_default()
    }

    fn every_nth<'a>(&self, recording: &'a Recording) -> impl Iterator<Item = &'a Record> + Clone {
        self.records(recording).iter().step_by(self.every.max(1))
    }
}

/// Summary of a recording as JSON.
pub fn summary(entry: &ArchiveEntry) -> Value {
    let about = &entry.about;
    json!({
        "id": entry.id,
        "at": rfc3339(about.at_unix_ms / 1_000),
        "at_unix_ms": about.at_unix_ms,
        "uptime_s": about.fault_ns as f64 * 1e-9,
        "this_run": entry.this_run,
        "written": entry.is_written(),
        "program": about.program,
        "fault": about.fault,
        "also": about.also.iter().map(|(time_s, fault)| json!({ "time_s": round_to_micros(*time_s), "fault": fault })).collect::<Vec<_>>(),
        "before": about.before,
        "axis": about.axis,
        "before_s": round_to_micros(about.before_s),
        "after_s": round_to_micros(about.after_s),
        "missed_cycles": about.missed_cycles,
    })
}

/// A part of a recording as JSON: columns of numbers, and lists of commands and changes.
pub fn json(entry: &ArchiveEntry, recording: &Recording, part: &ExportSpan) -> Vec<u8> {
    #[derive(Serialize)]
    struct RecordColumns {
        time_s: Vec<f64>,
        steps: Vec<i32>,
        position_mm: Vec<Option<f32>>,
        velocity_mm_s: Vec<Option<f32>>,
        force_g: Vec<Option<f32>>,
    }
    let rows = part.every_nth(recording);
    let columns = RecordColumns {
        time_s: rows.clone().map(|record| round_to_micros(recording.time_s(record))).collect(),
        steps: rows.clone().map(|record| record.steps).collect(),
        position_mm: rows.clone().map(|record| known(record.position_mm)).collect(),
        velocity_mm_s: rows.clone().map(|record| known(round_to_millis(record.velocity_mm_s))).collect(),
        force_g: rows.map(|record| known(record.force_g)).collect(),
    };
    let mut head = Map::new();
    if let Value::Object(summary) = summary(entry) {
        head.extend(summary);
    }
    head.insert("commands".into(), commands(recording, part).into());
    head.insert("changes".into(), changes(recording, part).into());
    // The columns are large, so they are serialised without a tree of values.
    #[derive(Serialize)]
    struct WholeRecording {
        #[serde(flatten)]
        head: Map<String, Value>,
        columns: RecordColumns,
    }
    serde_json::to_vec(&WholeRecording { head, columns }).unwrap_or_default()
}

/// Commands and their replies.
fn commands(recording: &Recording, part: &ExportSpan) -> Vec<Value> {
    let commands = part.records(recording).iter().filter(|record| record.command != 0);
    let command = |record: &Record| {
        json!({
            "time_s": round_to_micros(recording.time_s(record)),
            "command": recording.name(record.command),
            "period_s": known(record.period_s),
            "reply": recording.name(record.reply),
        })
    };
    commands.map(command).collect()
}

/// State, lines and faults at the start of the part, and whenever one of them changes.
fn changes(recording: &Recording, part: &ExportSpan) -> Vec<Value> {
    let mut before = None;
    let mut changes = Vec::new();
    for record in part.records(recording) {
        let now = (record.state, record.lines, record.fault, record.missed > 0);
        if before != Some(now) {
            let inputs = record.inputs();
            changes.push(json!({
                "time_s": round_to_micros(recording.time_s(record)),
                "state": recording.name(record.state),
                "front": inputs.front,
                "back": inputs.back,
                "e_stop": inputs.e_stop,
                "driver_alarm": inputs.driver_alarm,
                "stop": record.stop(),
                "fault": Some(recording.name(record.fault)).filter(|fault| !fault.is_empty()),
                "missed_cycles": record.missed,
            }));
        }
        before = Some((now.0, now.1, now.2, false));
    }
    changes
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
fn round_to_micros(time_s: f64) -> f64 {
    (time_s * 1e6).round() / 1e6
}

fn round_to_millis(value: f32) -> f32 {
    (value * 1e3).round() / 1e3
}
