//! `/api/v1/patterns`: the patterns, those that are saved, and the one that runs.

use std::sync::Arc;

use serde_json::json;

use crate::api::answer::{self, Answer, HandlerResult, Rejection, not_kept, senseless};
use crate::api::charge::client::Client;
use crate::api::context::Context;
use crate::api::documents::command::CommandAnswer;
use crate::api::documents::patterns::{
    PatternChange, PatternKindDocument, PatternRequest, PatternsDocument, SavedPatternDocument,
};
use crate::api::playback::motion::PlaybackStart;
use crate::api::problem::ProblemCode;
use crate::api::request::RoutedRequest;
use crate::machine::Accepted;
use crate::motion::pattern::PatternKind;
use crate::store::{PatternSettings, StateChange};

/// The patterns.
pub fn get(ctx: &Context) -> Answer {
    let kinds = PatternKind::ALL.map(PatternKind::text).map(|kind| PatternKindDocument {
        id: kind.id,
        title: kind.title,
        text: kind.text,
        sensation: kind.sensation,
    });
    let (state, _) = ctx.store.kept();
    let saved = state.patterns.saved.iter();
    answer::ok(&PatternsDocument {
        patterns: kinds.to_vec(),
        saved: saved
            .map(|(name, settings)| SavedPatternDocument { name: name.clone(), settings: settings.clone() })
            .collect(),
        kept: ctx.patterns.kept(),
        now: ctx.patterns.now(),
    })
}

/// Runs a pattern. While one runs, goes over to this one.
///
/// # Errors
/// 404, 415, 422, and 409 when the machine does not run it.
pub async fn run(ctx: &Arc<Context>, request: RoutedRequest) -> HandlerResult {
    let asked = request.body.typed()?;
    Ok(answer::ok(&start(ctx, &request.client, asked).await?))
}

/// Runs the pattern that is asked for.
///
/// # Errors
/// As [`run`].
pub async fn start(
    ctx: &Context,
    client: &Client,
    asked: PatternRequest,
) -> Result<CommandAnswer, Rejection> {
    let parameters = asked.parameters();
    let start = PlaybackStart { presence: asked.presence, after_stop: asked.after_stop };
    let (settings, saved) = settings(ctx, asked.pattern, asked.steps, asked.saved)?;
    ctx.patterns.run(client, parameters.on(settings), saved, start).await?;
    Ok(Accepted::Now.into())
}

/// The settings that are meant, without parameters of their own; and the name under which they are saved.
fn settings(
    ctx: &Context,
    pattern: Option<String>,
    steps: Option<Vec<crate::store::PatternStep>>,
    saved: Option<String>,
) -> Result<(PatternSettings, Option<String>), Rejection> {
    match (pattern, saved) {
        (None, Some(name)) if steps.is_none() => Ok((named(ctx, &name)?, Some(name))),
        (Some(pattern), None) => {
            let steps = steps.unwrap_or_default();
            Ok((PatternSettings { pattern, steps, ..ctx.patterns.kept() }, None))
        }
        (None, None) if steps.is_none() => Ok((ctx.patterns.kept(), None)),
        _ => {
            let why = "give either `pattern`, with `steps` if it is \"steps\", or `saved`";
            Err(answer::unprocessable(&["pattern", "saved"].map(|name| senseless("data", name, why))))
        }
    }
}

fn named(ctx: &Context, name: &str) -> Result<PatternSettings, Rejection> {
    let (state, _) = ctx.store.kept();
    let why = "there is no saved pattern of this name; /api/v1/patterns lists them";
    state.patterns.saved.get(name).cloned().ok_or_else(|| answer::refuse(ProblemCode::UnknownPattern, why))
}

/// Changes the pattern that runs.
///
/// # Errors
/// 404, 415, 422, and 409 when none runs or somebody else is in charge.
pub async fn change(ctx: &Arc<Context>, request: RoutedRequest) -> HandlerResult {
    let change = request.body.typed()?;
    alter(ctx, &request.client, change).await?;
    Ok(get(ctx))
}

/// Changes the pattern that runs, as it is asked for.
///
/// # Errors
/// As [`change`].
pub async fn alter(
    ctx: &Context,
    client: &Client,
    change: PatternChange,
) -> Result<CommandAnswer, Rejection> {
    let parameters = change.parameters();
    let PatternChange { pattern, paused, after_stop, .. } = change;
    ctx.patterns.change(client, (pattern, parameters), paused, after_stop).await?;
    Ok(Accepted::Now.into())
}

/// Saves a pattern under that name; another of that name is replaced.
///
/// # Errors
/// 404, 415, 422, 409 when there is no room, 503.
pub async fn save(ctx: &Context, request: RoutedRequest) -> HandlerResult {
    let name = request.value(0).to_owned();
    let settings: PatternSettings = request.body.typed()?;
    ctx.patterns.check(&settings)?;
    let kept = ctx.store.keep(StateChange::SavePattern(name, settings)).await;
    kept.map_err(|error| not_kept("pattern", &error))?;
    Ok(get(ctx))
}

/// Deletes the pattern of that name.
///
/// # Errors
/// 404, 503.
pub async fn delete(ctx: &Context, request: &RoutedRequest) -> HandlerResult {
    let name = request.value(0);
    named(ctx, name)?;
    let kept = ctx.store.keep(StateChange::ForgetPattern(name.to_owned())).await;
    kept.map_err(|error| not_kept("pattern", &error))?;
    Ok(answer::ok(&json!({ "status": "success" })))
}
