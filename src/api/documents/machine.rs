//! The machine: its whole state as one document.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::limits::LimitsDocument;
use crate::api::context::Context;
use crate::api::port::MachinePort;
use crate::api::problem::ProblemCode;
use crate::api::telemetry::{self, StatusDocument, Word};
use crate::api::wave_service::WaveInForce;
use crate::auth::{Right, Role};
use crate::machine::table::{TableVerdict, verdict};
use crate::machine::{CommandKind, Snapshot, State};
use crate::units::seconds;

/// The whole state of the machine, as this caller may know it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MachineDocument {
    /// What the machine is and does.
    #[serde(flatten)]
    pub status: StatusDocument,
    /// The commands that would be refused now, each with the reason.
    pub refused: Vec<RefusedCommand>,
    /// What is in force.
    pub in_force: InForceDocument,
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
    /// The part of the range in which waves move; unknown before homing.
    pub window: Option<PositionWindow>,
    /// The limits.
    pub limits: LimitsDocument,
    /// What ends by itself, and when.
    pub ends: Option<IdleTimeout>,
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
    /// `wave`: the wave ends with its period; `hold`: the axis is released, and not homed from then on.
    #[schemars(with = "String", extend("enum" = ["wave", "hold"]))]
    pub what: &'static str,
    /// Time until then, in seconds.
    pub in_s: f64,
}

impl MachineDocument {
    /// The state now, for a caller with this role.
    #[must_use]
    pub fn now(ctx: &Context, role: Role) -> MachineDocument {
        let snapshot = *ctx.port.snapshots().borrow();
        let mut status = telemetry::now(&*ctx.port);
        status.allowed = allowed(snapshot.state, role);
        MachineDocument {
            refused: refused(snapshot.state, role),
            in_force: in_force(ctx, &snapshot),
            fault_recording: status.fault.as_ref().and_then(|fault| recording(&*ctx.port, &fault.code)),
            sensor: sensor_link(&*ctx.port),
            status,
        }
    }
}

/// The commands that the machine would accept from this role; STOP always.
#[must_use]
pub fn allowed(state: State, role: Role) -> Vec<Word> {
    if role.has(Right::Operate) { telemetry::allowed(state) } else { vec!["stop".into()] }
}

fn refused(state: State, role: Role) -> Vec<RefusedCommand> {
    let reason = |kind: CommandKind| {
        if !role.has(Right::Operate) {
            return Some(ProblemCode::Role);
        }
        Some(match verdict(state, kind) {
            TableVerdict::Now
            | TableVerdict::Queue
            | TableVerdict::IfCauseGone
            | TableVerdict::NowIfNarrower
            | TableVerdict::AtRest => return None,
            TableVerdict::Already => ProblemCode::Already,
            TableVerdict::NothingRuns => ProblemCode::NothingRuns,
            TableVerdict::NotHomed => ProblemCode::NotHomed,
            TableVerdict::Faulted => ProblemCode::Faulted,
            TableVerdict::Disarmed => ProblemCode::Disarmed,
            TableVerdict::Stopping => ProblemCode::Stopping,
            TableVerdict::Moving => ProblemCode::Moving,
        })
    };
    let refused = telemetry::commands().filter_map(|kind| Some((kind, reason(kind)?)));
    refused
        .map(|(kind, code)| RefusedCommand {
            command: kind.name().into(),
            code: code.name().into(),
            why: code.title().into(),
            remedy: code.remedy().into(),
        })
        .collect()
}

fn in_force(ctx: &Context, snapshot: &Snapshot) -> InForceDocument {
    let runs = matches!(snapshot.state, State::Running | State::Ending);
    let settings = ctx.settings.current();
    let what = if runs { "wave" } else { "hold" };
    InForceDocument {
        wave: if runs { ctx.waves.running() } else { None },
        window: snapshot.range_mm.map(|range_mm| PositionWindow {
            from_mm: 0.0,
            to_mm: range_mm.min(snapshot.in_force.stroke_mm),
        }),
        limits: LimitsDocument::new(&settings, &snapshot.in_force),
        ends: snapshot
            .ends_ns
            .map(|ends_ns| IdleTimeout { what, in_s: seconds(ends_ns.saturating_sub(snapshot.at_ns)) }),
    }
}

/// The newest recording of this run with that fault.
fn recording(port: &dyn MachinePort, fault: &str) -> Option<u64> {
    let recordings = port.recordings()?.list();
    let newest = recordings.iter().find(|summary| summary.this_run && summary.fault.code == fault)?;
    Some(newest.id)
}

fn sensor_link(port: &dyn MachinePort) -> String {
    port.load_cell().map_or_else(|| "none".to_owned(), |sensor| sensor.status().link.to_string())
}
