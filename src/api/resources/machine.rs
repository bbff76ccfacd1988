//! `/api/v1/machine`: the state of the machine, and the commands that move it.

use serde_json::Value;

use crate::api::answer::{self, Answer, HandlerResult, Rejection};
use crate::api::coerce::Strictness;
use crate::api::commands::CommandService;
use crate::api::context::Context;
use crate::api::documents::command::{CommandAnswer, MotionRequest, RunRequest};
use crate::api::fields::{self, Complaint};
use crate::api::machine_state;
use crate::api::request::RoutedRequest;
use crate::api::wave_requests::{WaveRequests, WaveStart};

use super::waves::SavedWaves;

/// The state of the machine, for this caller.
pub fn get(ctx: &Context, request: &RoutedRequest) -> Answer {
    answer::ok(&machine_state::now(ctx, &request.client))
}

/// Runs a wave, or a saved one. While one runs, goes over to this one.
///
/// # Errors
/// 400, 404, 415, 422, and 409 when the machine does not run it.
pub async fn run(waves: &WaveRequests, saved: SavedWaves<'_>, request: RoutedRequest) -> HandlerResult {
    let RunRequest { wave, saved: name, after_stop, presence } = request.body.typed()?;
    let (strictness, wave) = match (wave, &name) {
        (Some(wave), None) => (Strictness::Strict, wave),
        // It was checked when it was saved.
        (None, Some(name)) => (Strictness::Lenient, saved.named(name)?.value()),
        _ => return Err(one_of_two()),
    };
    let place = if name.is_some() { "saved" } else { "wave" };
    let start = WaveStart { saved: name, presence, after_stop };
    let running = waves.run(&request.client, strictness, Some(&wave), start).await;
    let accepted = running.map_err(|rejection| rejection.within(place))?;
    Ok(answer::ok(&CommandAnswer::from(accepted)))
}

/// Gives the command of that name, which may start a motion.
///
/// # Errors
/// 400, 415, 422, and 409 when the machine does not do it.
pub async fn give(commands: &CommandService, name: &'static str, request: RoutedRequest) -> HandlerResult {
    let MotionRequest { after_stop } = request.body.typed_or_default()?;
    let accepted = commands.give_behind(&request.client, name, after_stop).await?;
    Ok(answer::ok(&CommandAnswer::from(accepted)))
}

fn one_of_two() -> Rejection {
    let place = |name: &str| fields::loc("data", &[Value::from(name)]);
    let why = "give either `wave` or `saved`";
    let complaints = ["wave", "saved"].map(|name| Complaint::new(place(name), why, "value_error"));
    answer::unprocessable(&complaints)
}
