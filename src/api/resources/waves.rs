//! `/api/waves`: waves that are kept under a name, as they were asked for.

use std::sync::Arc;

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::{not_kept, senseless, wave};
use crate::api::answer::{self, Answer, HandlerResult, Rejection};
use crate::api::context::Context;
use crate::api::request::RoutedRequest;
use crate::api::settings_service::SettingsStore;
use crate::api::wave_spec::{self, ARGUMENT, Purpose};
use crate::store::state::check_wave_name;
use crate::store::{SavedWave, StateChange};

/// All saved waves by their names.
pub fn list(store: &dyn SettingsStore) -> Answer {
    let (state, _) = store.kept();
    let waves: Map<String, Value> =
        state.waves.iter().map(|(name, wave)| (name.clone(), wave.value())).collect();
    answer::ok(&json!({ "waves": waves }))
}

/// The wave of that name.
///
/// # Errors
/// 404.
pub fn get(store: &dyn SettingsStore, request: &RoutedRequest) -> HandlerResult {
    Ok(answer::ok(&named(store, request)?))
}

/// Keeps a wave under that name; another of that name is replaced.
///
/// # Errors
/// 415, 400, 422 as for running it, 409 when there is no room, 503 when it cannot be stored.
pub async fn put(store: &dyn SettingsStore, request: RoutedRequest) -> HandlerResult {
    let name = request.value(0).to_owned();
    let body = request.body.json()?;
    let complain = |field: &str, why: String| answer::unprocessable(&[senseless(ARGUMENT, field, why)]);
    check_wave_name(&name).map_err(|why| complain("name", why))?;
    let spec = wave_spec::read(body.as_ref(), Purpose::Run).map_err(|wrong| answer::unprocessable(&wrong))?;
    wave_spec::wave(&spec).map_err(|wrong| answer::unprocessable(&wrong))?;
    let asked = body.unwrap_or_default();
    let saved = SavedWave::new(&asked).map_err(|why| complain("points", why))?;
    keep(store, StateChange::SaveWave(name, saved)).await?;
    Ok(answer::ok(&asked))
}

/// Forgets the wave of that name.
///
/// # Errors
/// 404, 503 when that cannot be stored.
pub async fn delete(store: &dyn SettingsStore, request: &RoutedRequest) -> HandlerResult {
    named(store, request)?;
    keep(store, StateChange::ForgetWave(request.value(0).to_owned())).await?;
    Ok(answer::ok(&json!({ "status": "success" })))
}

/// Runs the wave of that name.
///
/// # Errors
/// 404, and those of running it.
pub async fn run(ctx: &Arc<Context>, request: &RoutedRequest) -> HandlerResult {
    let asked = named(&*ctx.store, request)?;
    wave::run_asked(ctx, &request.client, Some(&asked)).await
}

/// Whether a wave makes sense, for those who have it from elsewhere.
///
/// # Errors
/// What is wrong with it.
pub fn understood(asked: &Value) -> Result<(), String> {
    let spec = wave_spec::read(Some(asked), Purpose::BringBack);
    let wave = spec.and_then(|spec| wave_spec::wave(&spec));
    wave.map(drop).map_err(|complaints| {
        let words = |complaint: &crate::api::fields::Complaint| {
            let place: Vec<String> = complaint.loc.iter().skip(2).map(plain).collect();
            format!("{}: {}", place.join("."), complaint.msg)
        };
        complaints.iter().map(words).collect::<Vec<_>>().join("; ")
    })
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn named(store: &dyn SettingsStore, request: &RoutedRequest) -> Result<Value, Rejection> {
    let (state, _) = store.kept();
    let why = "there is no saved wave of this name; /api/waves lists them";
    let wave = state.waves.get(request.value(0));
    wave.map(SavedWave::value).ok_or_else(|| answer::detail(StatusCode::NOT_FOUND, why))
}

async fn keep(store: &dyn SettingsStore, change: StateChange) -> Result<(), Rejection> {
    store.keep(change).await.map_err(|error| not_kept("wave", &error))
}
