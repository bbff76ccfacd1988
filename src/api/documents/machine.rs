//! The machine: its whole state as one document.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::LeaseDocument;
use super::commissioning::NudgeResult;
use super::fault::Word;
use super::limits::LimitsDocument;
use super::wave::WaveInForce;
use crate::api::telemetry::StatusDocument;

/// The whole state of the machine, as this caller may know it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MachineDocument {
    /// What the machine is and does.
    #[serde(flatten)]
    pub status: StatusDocument,
    /// The commands that would be refused now, each with the reason.
    pub refused: Vec<RefusedCommand>,
    /// Who is in charge.
    pub lease: LeaseDocument,
    /// What is in force.
    pub in_force: InForceDocument,
    /// The last nudge, if it ended without a fault and nothing was calibrated since.
    pub last_nudge: Option<NudgeResult>,
    /// The number of the recording of the latched fault, once it is made.
    pub fault_recording: Option<u64>,
    /// The force sensor's link in one word; `none` without a sensor that could say so.
    pub sensor: String,
}

/// A command that would be refused now.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedCommand {
    /// The command.
    pub command: Word,
    /// The reason, as the code of a problem.
    pub code: Word,
    /// The reason, for people.
    pub why: Word,
    /// The act that helps.
    pub remedy: Word,
}

/// What is in force.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InForceDocument {
    /// The wave that runs.
    pub wave: Option<WaveInForce>,
    /// The pattern or the script that moves the axis.
    pub playback: Option<PlaybackDocument>,
    /// The part of the range in which waves move; unknown before homing.
    pub window: Option<PositionWindow>,
    /// The limits.
    pub limits: LimitsDocument,
    /// What ends by itself, and when.
    pub ends: Option<IdleTimeout>,
}

/// What the machine plays itself.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlaybackDocument {
    /// `pattern` or `script`.
    #[schemars(with = "String", extend("enum" = ["pattern", "script"]))]
    pub kind: &'static str,
    /// Its name, for people.
    pub title: String,
}

/// A part of the range, in mm from its back end.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PositionWindow {
    /// The end at the back.
    pub from_mm: f64,
    /// The end at the front.
    pub to_mm: f64,
}

/// What ends by itself, and when.
#[derive(Debug, Serialize, JsonSchema)]
pub struct IdleTimeout {
    /// `wave`: the wave ends with its period, a pattern, a script or a feed comes to rest; `hold`: the axis is released, and not homed from then on.
    #[schemars(with = "String", extend("enum" = ["wave", "hold"]))]
    pub what: &'static str,
    /// Time until then, in seconds.
    pub in_s: f64,
}
