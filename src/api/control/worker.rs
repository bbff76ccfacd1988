//! The worker of a control socket: carries out its commands one after the other, apart from the thread that serves sockets.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::message::{ClientMessage, ClientMessageKind};
use crate::api::answer::{self, Rejection};
use crate::api::charge::client::Client;
use crate::api::coerce::Strictness;
use crate::api::context::Context;
use crate::api::documents::command::CommandAnswer;
use crate::api::documents::commissioning::NudgeRequest;
use crate::api::documents::patterns::{PatternChange, PatternRequest};
use crate::api::nudge;
use crate::api::problem::ProblemCode;
use crate::api::request::RequestBody;
use crate::api::resources::patterns;
use crate::api::wave_requests::WaveStart;
use crate::machine::State;

/// Carries out one message that moves the axis.
///
/// # Errors
/// Why it is refused.
pub async fn carry_out(
    ctx: &Arc<Context>,
    client: &Client,
    message: ClientMessage,
) -> Result<CommandAnswer, Rejection> {
    let after_stop = message.after_stop;
    let start = WaveStart { saved: message.saved.clone(), presence: message.presence, after_stop };
    let name = match message.kind {
        ClientMessageKind::Run if message.pattern.is_some() => {
            let mut asked: PatternRequest = typed(message.pattern)?;
            asked.after_stop = asked.after_stop.or(after_stop);
            asked.presence = asked.presence.or(message.presence);
            return patterns::start(ctx, client, asked)
                .await
                .map_err(|rejection| rejection.within("pattern"));
        }
        ClientMessageKind::Change if message.pattern.is_some() => {
            let mut change: PatternChange = typed(message.pattern)?;
            change.after_stop = change.after_stop.or(after_stop);
            return patterns::alter(ctx, client, change)
                .await
                .map_err(|rejection| rejection.within("pattern"));
        }
        ClientMessageKind::Run => {
            let (strictness, wave) = match (message.wave, &message.saved) {
                (Some(wave), None) => (Strictness::Strict, wave),
                (None, Some(name)) => (Strictness::Lenient, ctx.saved_waves().named(name)?.value()),
                _ => {
                    return Err(answer::refuse(ProblemCode::InvalidMessage, "give either `wave` or `saved`"));
                }
            };
            let accepted = ctx.wave_requests.run(client, strictness, Some(&wave), start).await;
            return accepted.map(CommandAnswer::from).map_err(|rejection| rejection.within("wave"));
        }
        ClientMessageKind::Change => {
            let wave = changed(ctx, message.fields.unwrap_or_default())?;
            let accepted = ctx.wave_requests.run(client, Strictness::Strict, Some(&wave), start).await;
            return accepted.map(CommandAnswer::from).map_err(|rejection| rejection.within("fields"));
        }
        ClientMessageKind::Nudge => {
            let Some(toward) = message.toward else {
                let why = "`toward` is missing: \"front\" or \"back\"";
                return Err(answer::refuse(ProblemCode::InvalidMessage, why));
            };
            let nudge = NudgeRequest { toward, travel: message.travel.unwrap_or_default(), after_stop };
            return Ok(nudge::begin(ctx, client, nudge).await?.into());
        }
        ClientMessageKind::End => "end",
        ClientMessageKind::Calibrate => "calibrate",
        ClientMessageKind::Acknowledge => "acknowledge",
        ClientMessageKind::Arm => "arm",
        ClientMessageKind::Hello
        | ClientMessageKind::Alive
        | ClientMessageKind::Stop
        | ClientMessageKind::Lease => {
            return Err(answer::refuse(ProblemCode::InvalidMessage, "this is no command"));
        }
    };
    Ok(ctx.commands.give_behind(client, name, after_stop).await?.into())
}

/// A part of a message, read as strictly as the body of a request.
fn typed<T: DeserializeOwned + JsonSchema>(part: Option<Value>) -> Result<T, Rejection> {
    RequestBody::Parsed(Ok(part)).typed().map_err(|rejection| rejection.within("pattern"))
}

/// The wave that runs, with some fields changed.
fn changed(ctx: &Context, fields: serde_json::Map<String, Value>) -> Result<Value, Rejection> {
    let runs = ctx.port.snapshots().borrow().state == State::Running;
    let Some(wave) = ctx.waves.running().filter(|_| runs) else {
        return Err(answer::refuse(ProblemCode::NothingRuns, "no wave runs that could be changed: run one"));
    };
    let mut wave = wave.fields;
    for (name, value) in fields {
        let Some(known) = wave.as_object_mut() else { break };
        if value.is_null() {
            known.shift_remove(&name);
        } else {
            known.insert(name, value);
        }
    }
    Ok(wave)
}
