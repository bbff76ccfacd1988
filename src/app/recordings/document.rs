//! JSON documents of recordings: the API's types, filled from the flight recorder's archive.

use crate::api::documents::fault::FaultReport;
use crate::api::documents::faults::{
    FurtherFault, RecordColumns, RecordedAxis, RecordedChange, RecordedCommand, RecordedState,
    RecordingDocument, RecordingSummary,
};
use crate::diag::recorder::archive::ArchiveEntry;
use crate::diag::recorder::export::{ExportSpan, round_to_micros, round_to_millis};
use crate::diag::recorder::recording::{AxisScale, FaultText, StateBeforeFault, known};
use crate::diag::recorder::{Record, Recording};
use crate::wall_clock::rfc3339;

/// Summary of a recording.
pub fn summary(entry: &ArchiveEntry) -> RecordingSummary {
    let about = &entry.about;
    let further = |(time_s, fault): &(f64, FaultText)| FurtherFault {
        time_s: round_to_micros(*time_s),
        fault: report(fault),
    };
    RecordingSummary {
        id: entry.id,
        at: rfc3339(about.at_unix_ms / 1_000),
        at_unix_ms: about.at_unix_ms,
        uptime_s: about.fault_ns as f64 * 1e-9,
        this_run: entry.this_run,
        written: entry.is_written(),
        program: about.program.clone(),
        fault: report(&about.fault),
        also: about.also.iter().map(further).collect(),
        before: about.before.as_ref().map(state),
        axis: about.axis.map(axis),
        before_s: round_to_micros(about.before_s),
        after_s: round_to_micros(about.after_s),
        missed_cycles: about.missed_cycles,
    }
}

/// A part of a recording.
pub fn recording(entry: &ArchiveEntry, recording: &Recording, part: &ExportSpan) -> RecordingDocument {
    let rows = part.every_nth(recording);
    let columns = RecordColumns {
        time_s: rows.clone().map(|record| round_to_micros(recording.time_s(record))).collect(),
        steps: rows.clone().map(|record| record.steps).collect(),
        position_mm: rows.clone().map(|record| known(record.position_mm)).collect(),
        velocity_mm_s: rows.clone().map(|record| known(round_to_millis(record.velocity_mm_s))).collect(),
        force_g: rows.map(|record| known(record.force_g)).collect(),
    };
    RecordingDocument {
        summary: summary(entry),
        commands: commands(recording, part),
        changes: changes(recording, part),
        columns,
    }
}

fn report(fault: &FaultText) -> FaultReport {
    FaultReport {
        code: fault.code.clone().into(),
        message: fault.message.clone(),
        remedy: fault.remedy.clone().into(),
    }
}

fn state(before: &StateBeforeFault) -> RecordedState {
    RecordedState {
        state: before.state.clone(),
        position_mm: before.position_mm,
        velocity_mm_s: before.velocity_mm_s,
        force_g: before.force_g,
    }
}

fn axis(AxisScale { origin_steps, steps_per_mm, range_mm }: AxisScale) -> RecordedAxis {
    RecordedAxis { origin_steps, steps_per_mm, range_mm }
}

/// Commands and their replies.
fn commands(recording: &Recording, part: &ExportSpan) -> Vec<RecordedCommand> {
    let commands = part.records(recording).iter().filter(|record| record.command != 0);
    let command = |record: &Record| RecordedCommand {
        time_s: round_to_micros(recording.time_s(record)),
        command: recording.name(record.command).to_owned(),
        period_s: known(record.period_s),
        reply: recording.name(record.reply).to_owned(),
    };
    commands.map(command).collect()
}

/// State, inputs and fault at the start of the part, and whenever one of them changes.
fn changes(recording: &Recording, part: &ExportSpan) -> Vec<RecordedChange> {
    let mut before = None;
    let mut changes = Vec::new();
    for record in part.records(recording) {
        let now = (record.state, record.lines, record.fault, record.missed > 0);
        if before != Some(now) {
            let inputs = record.inputs();
            let fault = recording.name(record.fault);
            changes.push(RecordedChange {
                time_s: round_to_micros(recording.time_s(record)),
                state: recording.name(record.state).to_owned(),
                front: inputs.front,
                back: inputs.back,
                e_stop: inputs.e_stop,
                driver_alarm: inputs.driver_alarm,
                stop: record.stop().into(),
                fault: (!fault.is_empty()).then(|| fault.to_owned()),
                missed_cycles: record.missed,
            });
        }
        before = Some((now.0, now.1, now.2, false));
    }
    changes
}
