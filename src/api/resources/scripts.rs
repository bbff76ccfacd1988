//! `/api/v1/scripts`: the scripts that are kept, and what each of them asks of the axis.

use hyper::StatusCode;
use serde_json::json;

use crate::api::answer::{self, HandlerResult, senseless};
use crate::api::context::Context;
use crate::api::documents::scripts::{ChapterDocument, ScriptDocument, ScriptsDocument};
use crate::api::query;
use crate::api::request::RoutedRequest;
use crate::api::route::QueryParameter;
use crate::layout;
use crate::scripts::library::{MAX_SCRIPTS, MAX_SUM_BYTES, ScriptEntry, ScriptList};
use crate::scripts::{self, Chapter, Script};

/// Parts of the strip by which a page draws the speed.
const HEAT_PARTS: usize = 240;

/// All scripts.
///
/// # Errors
/// 503.
pub async fn list(ctx: &Context) -> HandlerResult {
    let ScriptList { scripts, left_out } = ctx.player.shelf().list().await?;
    Ok(answer::ok(&ScriptsDocument {
        bytes: scripts.iter().map(|entry| entry.bytes).sum(),
        scripts,
        left_out,
        most: MAX_SCRIPTS,
        most_bytes: MAX_SUM_BYTES,
    }))
}

/// The parameters of the query for one script.
pub const QUERY: &[QueryParameter] = &[QueryParameter {
    name: "window_mm",
    summary: "Length of the window for which it is analysed, in mm; that of other programs, if it is left out.",
    range: Some((1.0, layout::MAX_STROKE_MM)),
    kind: "number",
    words: &[],
}];

/// One script, analysed.
///
/// # Errors
/// 404, 422, 503.
pub async fn get(ctx: &Context, request: &RoutedRequest) -> HandlerResult {
    let name = request.value(0);
    let window_mm = match query::last(&request.query, "window_mm") {
        None => None,
        Some(text) => {
            let given = text.parse::<f64>().ok().filter(|mm| (1.0..=layout::MAX_STROKE_MM).contains(mm));
            let why = format!("must be 1 to {}", layout::MAX_STROKE_MM);
            let wrong = || answer::unprocessable(&[senseless("query", "window_mm", why)]);
            Some(given.ok_or_else(wrong)?)
        }
    };
    let script = ctx.player.shelf().load(name).await?;
    let list = ctx.player.shelf().list().await?;
    let is_it = |entry: &ScriptEntry| entry.name == name;
    let entry = list.scripts.into_iter().find(is_it);
    document(ctx, name, &script, entry, window_mm).await
}

async fn document(
    ctx: &Context,
    name: &str,
    script: &std::sync::Arc<Script>,
    entry: Option<ScriptEntry>,
    window_mm: Option<f64>,
) -> HandlerResult {
    let now = ctx.feeds.now();
    let stroke_mm = ctx.player.stroke_mm();
    let stroke_mm = if stroke_mm > 0.0 { stroke_mm } else { now.in_force.stroke_mm };
    let window_mm = window_mm.unwrap_or_else(|| ctx.feeds.window().within(stroke_mm).length_mm()).max(1.0);
    let allowed_mm_s = now.in_force.motion.max_speed.get();
    let limits = now.in_force.motion.profile(allowed_mm_s);
    let analysed = std::sync::Arc::clone(script);
    let analyse =
        move || (scripts::analyse(&analysed, window_mm, limits, 1.0), scripts::heat(&analysed, HEAT_PARTS));
    let (analysis, heat) = match tokio::task::spawn_blocking(analyse).await {
        Ok(analysed) => analysed,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    let chapter = |chapter: &Chapter| ChapterDocument {
        name: chapter.name.clone(),
        from_s: f64::from(chapter.start_ms) / 1000.0,
        to_s: f64::from(chapter.end_ms) / 1000.0,
    };
    let entry = entry.unwrap_or_else(|| ScriptEntry {
        name: name.to_owned(),
        bytes: 0,
        title: script.title.clone(),
        actions: Some(script.actions.len()),
        duration_s: Some(f64::from(script.duration_ms()) / 1000.0),
        notes: script.notes.iter().map(ToString::to_string).collect(),
        trouble: None,
    });
    let chapters = script.chapters.iter().map(chapter).collect();
    Ok(answer::ok(&ScriptDocument { entry, chapters, window_mm, allowed_mm_s, analysis, heat }))
}

/// Puts a script under that name; another of that name is replaced.
///
/// # Errors
/// 413, 422 with the place of what is wrong, 409 when there is no room, 503; then nothing has changed.
pub async fn put(ctx: &Context, request: RoutedRequest) -> HandlerResult {
    let name = request.value(0).to_owned();
    let entry = ctx.player.shelf().put(&name, request.body.file()).await?;
    let script = ctx.player.shelf().load(&entry.name).await?;
    let name = entry.name.clone();
    document(ctx, &name, &script, Some(entry), None).await
}

/// The file of a script, as it was put.
///
/// # Errors
/// 404, 503.
pub async fn file(ctx: &Context, request: &RoutedRequest) -> HandlerResult {
    let name = request.value(0);
    let bytes = ctx.player.shelf().bytes(name).await?;
    let is_csv =
        std::path::Path::new(name).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    let content_type = if is_csv { "text/csv" } else { "application/json" };
    Ok(answer::typed(StatusCode::OK, content_type, bytes))
}

/// Removes the script of that name.
///
/// # Errors
/// 404, 503.
pub async fn remove(ctx: &Context, request: &RoutedRequest) -> HandlerResult {
    ctx.player.shelf().remove(request.value(0)).await?;
    Ok(answer::ok(&json!({ "status": "success" })))
}
