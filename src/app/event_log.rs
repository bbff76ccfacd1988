//! Event log: passes the machine's events to the clients, the store and the log.
//!
//! The clients' page knows four words: `running`, `waiting`, `error`, `warning`. Every end of motion is `waiting`,
//! every fault is `error`; our own words are extra fields.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::mpsc;

use super::sessions::SessionRecorder;
use crate::api::Context;
use crate::api::bus::{self, STATUS};
use crate::machine::host::Derating;
use crate::machine::{CommandKind, CommandRefusal, Event, State, Why};
use crate::units::{Nanos, seconds};
use crate::wall_clock;

/// Name of the machine on the stream `status`.
const DEVICE: &str = bus::MACHINE;

/// Largest difference between two calibrations of one rail, as a share.
const SAME_TRAVEL: f64 = 0.01;

/// Handles events until the machine has ended.
pub async fn run(
    mut events: mpsc::UnboundedReceiver<Event>,
    ctx: Arc<Context>,
    shutting_down: Arc<AtomicBool>,
) {
    let mut snapshots = ctx.port.snapshots();
    let first = *snapshots.borrow_and_update();
    publish_state(&ctx, first.state, first.why);
    let mut queue = QueueWarning::default();
    let mut sessions = SessionRecorder::new(Arc::clone(&ctx.store), shutting_down);
    loop {
        let event = tokio::select! {
            biased;
            event = events.recv() => event,
            // At rest snapshots would wake this task for nothing.
            changed = snapshots.changed(), if sessions.is_open() => {
                if changed.is_ok() {
                    sessions.add_snapshot(&snapshots.borrow_and_update());
                    continue;
                }
                None
            }
        };
        let Some(event) = event else { return sessions.close().await };
        sessions.handle_event(&event, &snapshots.borrow_and_update());
        push_control_event(&ctx, &event, snapshots.borrow().at_ns);
        match event {
            Event::Entered { from, to, why, .. } => {
                if let (State::Faulted, Why::Fault(fault)) = (to, why) {
                    ctx.counters.count_fault(fault);
                }
                match to {
                    State::Faulted => tracing::warn!("{} -> {}: {why}", from.name(), to.name()),
                    _ => tracing::info!("{} -> {}: {why}", from.name(), to.name()),
                }
                publish_state(&ctx, to, why);
                if matches!(to, State::Homing | State::Nudging | State::Running | State::Following) {
                    queue.clear(&ctx);
                }
                if !to.is_moving() {
                    ctx.waves.end_client_warning();
                }
            }
            Event::Calibrated(found) => {
                tracing::info!(found.travel_steps, found.max_steps, "calibrated");
                check_travel(&ctx, found.travel_steps);
                if let Err(error) = ctx.settings.calibrated(&found, wall_clock::now_unix_s()).await {
                    tracing::warn!(%error, "the calibration is in force, but could not be written down");
                }
            }
            Event::FaultWhileFaulted(fault) => tracing::warn!("and also: {fault}"),
            Event::EventsLost(count) => {
                tracing::warn!(
                    count,
                    "events of the machine were lost: this program was too busy to take them"
                );
                let now = *snapshots.borrow_and_update();
                publish_state(&ctx, now.state, now.why);
            }
            Event::SettingsApplied => tracing::info!("settings that waited for rest are in force"),
            Event::Stopped { took_ns, steps } => {
                tracing::info!(took_ms = took_ns as f64 * 1e-6, steps, "stopped");
            }
            Event::DeratingChanged(host) => {
                let why = host.derating.to_string();
                if host.derating == Derating::None {
                    tracing::info!("{why}");
                    let fields = [("device", "host"), ("type", "waiting"), ("why", &why)];
                    ctx.bus.publish(STATUS, &fields);
                } else {
                    tracing::warn!("{why}");
                    warn_clients(&ctx, "host", &why);
                }
            }
            Event::Dropped { kind, why } => queue.report_dropped(&ctx, kind, why),
            // The bridge passes replies to their callers.
            Event::Replied { .. } => {}
        }
    }
}

/// Passes the event to the control sockets, with a stable name.
fn push_control_event(ctx: &Context, event: &Event, now_ns: Nanos) {
    let (code, text) = match event {
        Event::Entered { to: State::Faulted, why: Why::Fault(fault), .. } => {
            ("fault", format!("{fault} ({})", fault.code()))
        }
        Event::Entered { to, why, .. } => (to.name(), why.to_string()),
        Event::Calibrated(found) => {
            ("calibrated", format!("{} steps between the switches", found.travel_steps))
        }
        Event::FaultWhileFaulted(fault) => ("another_fault", format!("{fault} ({})", fault.code())),
        Event::EventsLost(count) => ("events_lost", format!("{count} events of the machine were lost")),
        Event::SettingsApplied => {
            ("settings_applied", "settings that waited for rest are in force".to_owned())
        }
        Event::Stopped { took_ns, steps } => {
            ("stopped", format!("at rest {:.0} ms and {steps} steps behind STOP", *took_ns as f64 * 1e-6))
        }
        Event::DeratingChanged(host) => ("derating", host.derating.to_string()),
        Event::Dropped { kind, why } => ("dropped", format!("{}: {why}", kind.name())),
        Event::Replied { .. } => return,
    };
    ctx.control_events.push(seconds(now_ns), code, &text);
}

/// Warns when the measured travel differs from the last one, as a slipping belt, lost steps or a moved switch make it.
fn check_travel(ctx: &Context, travel_steps: i64) {
    let Some(before) = ctx.settings.current().travel_steps else { return };
    let share = (travel_steps - before) as f64 / before as f64;
    if share.abs() > SAME_TRAVEL {
        let why = format!(
            "the measured travel is {:+.1} % of the last one ({before} steps then, {travel_steps} now): check belt, \
             switches and microsteps",
            share * 100.0
        );
        tracing::warn!("{why}");
        warn_clients(ctx, "calibration", &why);
    }
}

/// Publishes a warning to the clients.
pub fn warn_clients(ctx: &Context, device: &str, why: &str) {
    ctx.bus.publish(STATUS, &[("device", device), ("type", "warning"), ("why", why)]);
}

/// Warning about dropped commands, which a page shows until it is cleared.
#[derive(Default)]
struct QueueWarning {
    warned: bool,
}

impl QueueWarning {
    fn report_dropped(&mut self, ctx: &Context, kind: CommandKind, why: CommandRefusal) {
        let (kind, code) = (kind.name(), why.code());
        let why = format!("{kind} waited, and is not executed: {why}");
        tracing::warn!("{why}");
        let fields =
            [("device", "queue"), ("type", "warning"), ("command", kind), ("code", code), ("why", &why)];
        ctx.bus.mention(STATUS, &fields);
        self.warned = true;
    }

    /// Clears the warning, when commands are executed again.
    fn clear(&mut self, ctx: &Context) {
        if core::mem::take(&mut self.warned) {
            ctx.bus.mention(STATUS, &[("device", "queue"), ("type", "waiting")]);
        }
    }
}

/// The clients' word for a state.
fn client_word(state: State) -> &'static str {
    match state {
        State::Homing
        | State::Nudging
        | State::Running
        | State::Following
        | State::Ending
        | State::Stopping => "running",
        State::NotHomed | State::Disarmed | State::Ready => "waiting",
        State::Faulted => "error",
    }
}

fn publish_state(ctx: &Context, state: State, why: Why) {
    let why = why.to_string();
    let fields = [("device", DEVICE), ("type", client_word(state)), ("state", state.name()), ("why", &why)];
    ctx.bus.publish(STATUS, &fields);
}
