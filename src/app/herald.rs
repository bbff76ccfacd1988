//! The herald: tells the clients, the settings and the log what happened in the machine.
//!
//! The clients' page knows four words: `running`, `waiting`, `error`, `warning`. Every end of motion is `waiting`,
//! every fault is `error`; our own words go along as extra fields.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::api::Context;
use crate::api::bus::STATUS;
use crate::machine::{Event, State, Why};
use crate::store::date;

/// The name under which the machine speaks on the stream `status`.
const DEVICE: &str = "machine";

/// Listens until the machine is gone.
pub async fn attend(mut events: mpsc::UnboundedReceiver<Event>, ctx: Arc<Context>) {
    say(&ctx, State::NotHomed, Why::PowerOn);
    while let Some(event) = events.recv().await {
        match event {
            Event::Entered { from, to, why, .. } => {
                match to {
                    State::Faulted => tracing::warn!("{} -> {}: {why}", from.name(), to.name()),
                    _ => tracing::info!("{} -> {}: {why}", from.name(), to.name()),
                }
                say(&ctx, to, why);
            }
            Event::Calibrated(found) => {
                tracing::info!(found.travel_steps, found.max_steps, "calibrated");
                if let Err(error) = ctx.desk.calibrated(&found, date::now_unix_s()).await {
                    tracing::warn!(%error, "the calibration is in force, but could not be written down");
                }
            }
            Event::FaultWhileFaulted(fault) => tracing::warn!("and also: {fault}"),
            Event::SettingsApplied => tracing::info!("settings that waited for rest are in force"),
            Event::Stopped { took_ns, steps } => {
                tracing::info!(took_ms = took_ns as f64 * 1e-6, steps, "stopped");
            }
            // The bridge hands replies to whoever asked.
            Event::Replied { .. } => {}
        }
    }
}

/// The clients' word for a state.
fn word(state: State) -> &'static str {
    match state {
        State::Homing | State::Running | State::Ending | State::Stopping => "running",
        State::NotHomed | State::Disarmed | State::Ready => "waiting",
        State::Faulted => "error",
    }
}

fn say(ctx: &Context, state: State, why: Why) {
    let why = why.to_string();
    let fields = [("device", DEVICE), ("type", word(state)), ("state", state.name()), ("why", &why)];
    ctx.bus.publish(STATUS, &fields);
}
