//! Answers of `GET /api/faults` and `GET /api/faults/{id}`. The server writes them, and the command line reads them; what an
//! older server leaves out counts as not known.
//!
//! Times are in seconds after the fault; before it they are negative.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::documents::fault::FaultReport;

/// The recordings of faults.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RecordingList {
    /// Summary of each recording, the newest first.
    pub faults: Vec<RecordingSummary>,
}

/// Summary of the recording of one fault.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(!default)]
pub struct RecordingSummary {
    /// Number of the recording; later recordings have higher numbers.
    pub id: u64,
    /// Time of the fault by the wall clock, which may be wrong, as RFC 3339.
    pub at: String,
    /// The same time, in milliseconds since 1970.
    pub at_unix_ms: u64,
    /// Time of the fault since the start of the program, in seconds.
    pub uptime_s: f64,
    /// True if the program has not been started anew since.
    pub this_run: bool,
    /// True if the recording is on disk. One that could not be written is lost at the end of the program.
    pub written: bool,
    /// Program and version that made the recording.
    pub program: String,
    /// The fault.
    pub fault: FaultReport,
    /// Further faults while the first one was latched.
    pub also: Vec<FurtherFault>,
    /// State in the last control cycle without the fault; null if the fault was there from the beginning.
    pub before: Option<RecordedState>,
    /// Scale of the axis before the fault; null before homing.
    pub axis: Option<RecordedAxis>,
    /// Time from the first record to the fault, in seconds.
    pub before_s: f64,
    /// Time from the fault to the last record, in seconds.
    pub after_s: f64,
    /// Number of control cycles that are missing in the recording.
    pub missed_cycles: u64,
}

/// A fault while another one was latched.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(!default)]
pub struct FurtherFault {
    /// Time after the first fault, in seconds.
    pub time_s: f64,
    /// The fault.
    pub fault: FaultReport,
}

/// State of the machine in one control cycle.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(!default)]
pub struct RecordedState {
    /// Name of the state.
    pub state: String,
    /// Position by the pulses, in millimetres from the back; null if it was not known.
    pub position_mm: Option<f32>,
    /// Velocity of the pulses, in millimetres per second; positive toward the front.
    pub velocity_mm_s: f32,
    /// Force on the carriage, in grams; null if it was not known.
    pub force_g: Option<f32>,
}

/// Scale of the axis. A position is `(steps - origin_steps) / steps_per_mm`.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(!default)]
pub struct RecordedAxis {
    /// Step counter at 0 mm.
    pub origin_steps: i64,
    /// Steps per millimetre.
    pub steps_per_mm: f64,
    /// Length of the usable range, in millimetres.
    pub range_mm: f64,
}

/// Recording of one fault, or a part of it.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(!default)]
pub struct RecordingDocument {
    /// Summary of the whole recording.
    #[serde(flatten)]
    pub summary: RecordingSummary,
    /// Every command in this part, with the machine's reply.
    pub commands: Vec<RecordedCommand>,
    /// State, inputs and fault at the start of this part, and at each change of one of them.
    pub changes: Vec<RecordedChange>,
    /// Numbers of each control cycle, or of every n-th one, as columns of the same length.
    pub columns: RecordColumns,
}

/// A command and the machine's reply.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(!default)]
pub struct RecordedCommand {
    /// Time after the fault, in seconds.
    pub time_s: f64,
    /// Name of the command.
    pub command: String,
    /// Period of the wave that the command starts, in seconds; null without a wave.
    pub period_s: Option<f32>,
    /// Stable word for the reply: how the command was accepted, or why it was refused.
    pub reply: String,
}

/// State, inputs and fault from this time on.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(!default)]
pub struct RecordedChange {
    /// Time after the fault, in seconds.
    pub time_s: f64,
    /// Name of the state.
    pub state: String,
    /// True while the front limit switch is closed.
    pub front: bool,
    /// True while the back limit switch is closed.
    pub back: bool,
    /// True while the emergency stop loop is open.
    pub e_stop: bool,
    /// True while the motor driver reports an alarm.
    pub driver_alarm: bool,
    /// Level of the stop line: `none`, `stop` or `halt`.
    pub stop: Cow<'static, str>,
    /// Stable word for the latched fault; null without one.
    pub fault: Option<String>,
    /// Number of control cycles that are missing before this one.
    pub missed_cycles: u16,
}

/// Numbers of control cycles, as columns of the same length.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(!default)]
pub struct RecordColumns {
    /// Time after the fault, in seconds.
    pub time_s: Vec<f64>,
    /// Step counter.
    pub steps: Vec<i32>,
    /// Position by the pulses, in millimetres from the back; null while it is not known.
    pub position_mm: Vec<Option<f32>>,
    /// Velocity of the pulses, in millimetres per second; positive toward the front.
    pub velocity_mm_s: Vec<Option<f32>>,
    /// Force that the control cycle used, in grams; null while it is not known.
    pub force_g: Vec<Option<f32>>,
}

#[cfg(test)]
mod tests {
    use super::super::schema_keys::assert_schema_keys;
    use super::*;

    fn summary() -> RecordingSummary {
        RecordingSummary {
            also: vec![FurtherFault::default()],
            before: Some(RecordedState {
                position_mm: Some(1.0),
                force_g: Some(2.0),
                ..RecordedState::default()
            }),
            axis: Some(RecordedAxis::default()),
            ..RecordingSummary::default()
        }
    }

    #[test]
    fn the_schema_has_the_keys_of_the_answer() {
        assert_schema_keys(&RecordingList { faults: vec![summary()] });
        assert_schema_keys(&RecordingDocument {
            summary: summary(),
            commands: vec![RecordedCommand { period_s: Some(1.0), ..RecordedCommand::default() }],
            changes: vec![RecordedChange { fault: Some("e_stop".to_owned()), ..RecordedChange::default() }],
            columns: RecordColumns {
                time_s: vec![0.0],
                steps: vec![1],
                position_mm: vec![Some(2.0)],
                velocity_mm_s: vec![Some(3.0)],
                force_g: vec![Some(4.0)],
            },
        });
    }
}
