//! A recording as JSON, for programs and charts, and as CSV, one row a control cycle.
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

/// Which part of a recording is told.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportSpan {
    /// From when to when, in seconds after the fault.
    pub seconds: RangeInclusive<f64>,
    /// Every n-th record only; as JSON, what was decided and what changed is told all the same.
    pub every: usize,
}

impl ExportSpan {
    fn of<'a>(&self, recording: &'a Recording) -> &'a [Record] {
        let records = &recording.records;
        let first = records.partition_point(|record| recording.time_s(record) < *self.seconds.start());
        let behind = records.partition_point(|record| recording.time_s(record) <= *self.seconds.end());
        records.get(first..behind).unwrap_or_default()
    }

    fn thinned<'a>(&self, recording: &'a Recording) -> impl Iterator<Item = &'a Record> + Clone {
        self.of(recording).iter().step_by(self.every.max(1))
    }
}

/// What is known about a recording, without its records.
#[must_use]
pub fn summary(entry: &ArchiveEntry) -> Value {
    let about = &entry.about;
    json!({
        "id": entry.id,
        "at": rfc3339(about.at_unix_ms / 1_000),
        "at_unix_ms": about.at_unix_ms,
        "uptime_s": about.fault_ns as f64 * 1e-9,
        "this_run": entry.this_run,
        "written": entry.written(),
        "program": about.program,
        "fault": about.fault,
        "also": about.also.iter().map(|(time_s, fault)| json!({ "time_s": micros(*time_s), "fault": fault })).collect::<Vec<_>>(),
        "before": about.before,
        "axis": about.axis,
        "before_s": micros(about.before_s),
        "after_s": micros(about.after_s),
        "missed_cycles": about.missed_cycles,
    })
}

/// A part of a recording for programs and charts: columns of numbers, and lists of what was decided and what changed.
#[must_use]
pub fn json(entry: &ArchiveEntry, recording: &Recording, part: &ExportSpan) -> Vec<u8> {
    #[derive(Serialize)]
    struct RecordColumns {
        time_s: Vec<f64>,
        steps: Vec<i32>,
        position_mm: Vec<Option<f32>>,
        velocity_mm_s: Vec<Option<f32>>,
        force_g: Vec<Option<f32>>,
    }
    let rows = part.thinned(recording);
    let columns = RecordColumns {
        time_s: rows.clone().map(|record| micros(recording.time_s(record))).collect(),
        steps: rows.clone().map(|record| record.steps).collect(),
        position_mm: rows.clone().map(|record| known(record.position_mm)).collect(),
        velocity_mm_s: rows.clone().map(|record| known(millis(record.velocity_mm_s))).collect(),
        force_g: rows.map(|record| known(record.force_g)).collect(),
    };
    let mut told = Map::new();
    if let Value::Object(summary) = summary(entry) {
        told.extend(summary);
    }
    told.insert("commands".into(), commands(recording, part).into());
    told.insert("changes".into(), changes(recording, part).into());
    // The columns do not go through a tree of values: they are large.
    #[derive(Serialize)]
    struct WholeRecording {
        #[serde(flatten)]
        told: Map<String, Value>,
        columns: RecordColumns,
    }
    serde_json::to_vec(&WholeRecording { told, columns }).unwrap_or_default()
}

/// Every command and its reply.
fn commands(recording: &Recording, part: &ExportSpan) -> Vec<Value> {
    let commands = part.of(recording).iter().filter(|record| record.command != 0);
    let command = |record: &Record| {
        json!({
            "time_s": micros(recording.time_s(record)),
            "command": recording.name(record.command),
            "period_s": known(record.period_s),
            "reply": recording.name(record.reply),
        })
    };
    commands.map(command).collect()
}

/// State, lines and faults: how they were at first, and whenever one of them changed.
fn changes(recording: &Recording, part: &ExportSpan) -> Vec<Value> {
    let mut before = None;
    let mut changes = Vec::new();
    for record in part.of(recording) {
        let now = (record.state, record.lines, record.fault, record.missed > 0);
        if before != Some(now) {
            let inputs = record.inputs();
            changes.push(json!({
                "time_s": micros(recording.time_s(record)),
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

/// The columns of the CSV form.
pub const COLUMNS: &str = "time_s,at_ns,steps,position_mm,velocity_mm_s,force_g,front,back,e_stop,driver_alarm,stop,state,fault,also,\
     command,period_s,reply,missed_cycles,rebases";

/// The same part as rows, one a control cycle.
#[must_use]
pub fn csv(recording: &Recording, part: &ExportSpan) -> String {
    let mut text = String::with_capacity(96 * part.thinned(recording).count());
    text.push_str(COLUMNS);
    text.push('\n');
    let optional = |value: f32| known(value).map(|value| value.to_string()).unwrap_or_default();
    for record in part.thinned(recording) {
        let inputs = record.inputs();
        // Words are ours and need no quotes; a file may hold others, so what could end a field is taken out.
        let word = |number: u8| recording.name(number).replace([',', '"', '\n', '\r'], " ");
        let _ = writeln!(
            text,
            "{:.6},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
            recording.time_s(record),
            record.at_ns,
            record.steps,
            optional(record.position_mm),
            optional(millis(record.velocity_mm_s)),
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

/// To the microsecond: more is noise, and longer.
fn micros(time_s: f64) -> f64 {
    (time_s * 1e6).round() / 1e6
}

fn millis(value: f32) -> f32 {
    (value * 1e3).round() / 1e3
}
