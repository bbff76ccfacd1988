//! The state of the machine as one document, for the caller who asks.

use super::charge::client::Client;
use super::charge::lease::LeaseView;
use super::context::Context;
use super::documents::fault::Word;
use super::documents::limits::LimitsDocument;
use super::documents::machine::{
    IdleTimeout, InForceDocument, MachineDocument, PlaybackDocument, PositionWindow, RefusedCommand,
};
use super::playback::motion::PlaybackKind;
use super::port::MachinePort;
use super::problem::ProblemCode;
use super::telemetry;
use super::wave_service::WaveService;
use crate::auth::Right;
use crate::machine::table::{TableVerdict, verdict};
use crate::machine::{CommandKind, Fault, Snapshot, State};
use crate::units::seconds;

/// A recording has the time of the cycle in which its fault was seen, which is near the one in which the state changed; two faults
/// are further apart than that, as somebody acknowledges between them.
const RECORDING_SLACK_S: f64 = 0.05;

/// The state now, for this client.
#[must_use]
pub fn now(ctx: &Context, client: &Client) -> MachineDocument {
    let (port, waves) = (&*ctx.port, &*ctx.waves);
    let snapshot = *port.snapshots().borrow();
    let mut status = telemetry::now(port);
    let lease = waves.view(client);
    status.allowed = allowed_by(&snapshot, client, &lease, waves);
    MachineDocument {
        refused: refused(&snapshot, client, &lease, waves),
        lease: lease.into(),
        in_force: in_force(ctx, client, &snapshot),
        last_nudge: snapshot.last_nudge.map(Into::into),
        fault_recording: status.fault.as_ref().and_then(|_| recording(port, &snapshot)),
        sensor: sensor_link(port),
        status,
    }
}

/// The commands that the machine would accept from this client; STOP always.
#[must_use]
pub fn allowed(snapshot: &Snapshot, waves: &WaveService, client: &Client) -> Vec<Word> {
    allowed_by(snapshot, client, &waves.view(client), waves)
}

/// The commands that the machine would accept from a caller who may move it and is in charge; the nudge is for admins, and is left
/// out.
#[must_use]
pub fn allowed_by_machine(ctx: &Context) -> Vec<Word> {
    let mut allowed = telemetry::allowed(&ctx.port.snapshots().borrow());
    allowed.retain(|name| name != CommandKind::Nudge.name() && bar_on(name, &ctx.waves).is_none());
    allowed
}

fn allowed_by(snapshot: &Snapshot, client: &Client, lease: &LeaseView, waves: &WaveService) -> Vec<Word> {
    let mut allowed = telemetry::allowed(snapshot);
    allowed
        .retain(|name| name == "stop" || !(bar_on(name, waves).is_some() || is_barred(name, client, lease)));
    allowed
}

/// Why the command of that name is taken from nobody now: the first run, or an update.
fn bar_on(name: &str, waves: &WaveService) -> Option<ProblemCode> {
    waves.bar_on(telemetry::commands().find(|kind| kind.name() == name)?)
}

/// The right that a command needs. The nudge is for whoever sets the machine up.
const fn right_for(kind: CommandKind) -> Right {
    match kind {
        CommandKind::Nudge => Right::Administer,
        _ => Right::Operate,
    }
}

/// True if the role or the lease bars the client from the command of that name, whatever the machine would say. END is taken from
/// everybody who may move the axis.
fn is_barred(name: &str, client: &Client, lease: &LeaseView) -> bool {
    let is_for_admins = name == CommandKind::Nudge.name();
    (is_for_admins && !client.caller.role.has(right_for(CommandKind::Nudge)))
        || !client.may_move()
        || (lease.holder.is_some() && !lease.is_own && name != "end")
}

fn refused(
    snapshot: &Snapshot,
    client: &Client,
    lease: &LeaseView,
    waves: &WaveService,
) -> Vec<RefusedCommand> {
    let reason = |kind: CommandKind| {
        if !client.caller.role.has(right_for(kind)) {
            return Some(ProblemCode::Role);
        }
        if is_barred(kind.name(), client, lease) {
            return Some(ProblemCode::NotInCharge);
        }
        if let Some(code) = waves.bar_on(kind) {
            return Some(code);
        }
        if telemetry::holding_fault(snapshot, kind).is_some() {
            return Some(ProblemCode::CauseRemains);
        }
        Some(match verdict(snapshot.state, kind) {
            TableVerdict::Now
            | TableVerdict::Queue
            | TableVerdict::IfCauseGone
            | TableVerdict::NowIfNarrower
            | TableVerdict::AtRest => return None,
            TableVerdict::Already => ProblemCode::Already,
            TableVerdict::NothingRuns => ProblemCode::NothingRuns,
            TableVerdict::NotHomed => ProblemCode::NotHomed,
            TableVerdict::Homed => ProblemCode::Homed,
            TableVerdict::Faulted => ProblemCode::Faulted,
            TableVerdict::Disarmed => ProblemCode::Disarmed,
            TableVerdict::Stopping => ProblemCode::Stopping,
            TableVerdict::Moving => ProblemCode::Moving,
        })
    };
    let refused = telemetry::commands().filter_map(|kind| Some((kind, reason(kind)?)));
    refused
        .map(|(kind, code)| {
            let holding =
                telemetry::holding_fault(snapshot, kind).filter(|_| code == ProblemCode::CauseRemains);
            RefusedCommand {
                command: kind.name().into(),
                code: code.name().into(),
                why: holding
                    .map_or_else(|| code.title().into(), |fault| format!("{}: {fault}", code.title()).into()),
                remedy: holding.map_or(code.remedy(), Fault::remedy).into(),
            }
        })
        .collect()
}

fn in_force(ctx: &Context, client: &Client, snapshot: &Snapshot) -> InForceDocument {
    let runs = matches!(snapshot.state, State::Running | State::Ending);
    let settings = ctx.settings.current();
    let what = if runs || snapshot.state == State::Following { "wave" } else { "hold" };
    InForceDocument {
        wave: if runs { ctx.waves.running() } else { None },
        playback: playback(ctx, snapshot),
        window: snapshot.range_mm.map(|range_mm| PositionWindow {
            from_mm: 0.0,
            to_mm: range_mm.min(snapshot.in_force.stroke_mm),
        }),
        limits: LimitsDocument::new(
            &settings,
            &snapshot.in_force,
            ctx.settings.envelope(),
            ctx.authority(client),
        ),
        ends: snapshot
            .ends_ns
            .map(|ends_ns| IdleTimeout { what, in_s: seconds(ends_ns.saturating_sub(snapshot.at_ns)) }),
    }
}

/// What the machine plays itself. The name is known a moment later, or, with a video player, when it plays something.
fn playback(ctx: &Context, snapshot: &Snapshot) -> Option<PlaybackDocument> {
    let (kind, title, unnamed) = match ctx.playback.plays(snapshot)? {
        PlaybackKind::Pattern => ("pattern", ctx.patterns.title(), "a pattern"),
        PlaybackKind::Script => ("script", ctx.player.title(), "a script"),
    };
    Some(PlaybackDocument { kind, title: title.unwrap_or_else(|| unnamed.to_owned()) })
}

/// The recording of the latched fault. It is made a second behind the fault; until then the newest one may be that of an earlier
/// fault.
fn recording(port: &dyn MachinePort, snapshot: &Snapshot) -> Option<u64> {
    let recordings = port.recordings()?.list();
    let latched_s = seconds(snapshot.since_ns) - RECORDING_SLACK_S;
    recordings
        .iter()
        .find(|summary| summary.this_run && summary.uptime_s >= latched_s)
        .map(|summary| summary.id)
}

fn sensor_link(port: &dyn MachinePort) -> String {
    port.load_cell().map_or_else(|| "none".to_owned(), |sensor| sensor.status().link.to_string())
}
