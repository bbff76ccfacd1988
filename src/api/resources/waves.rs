//! `/api/waves`: saved waves. Each is kept under its name, as the body that asked for it.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::{not_kept, senseless};
use crate::api::answer::{self, Answer, HandlerResult, Rejection};
use crate::api::coerce::Reading;
use crate::api::fields::Complaint;
use crate::api::problem::ProblemCode;
use crate::api::request::RoutedRequest;
use crate::api::settings_service::SettingsStore;
use crate::api::wave_requests::WaveRequests;
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
    Ok(saved_answer(&named(store, request)?))
}

/// Keeps a wave under that name; another of that name is replaced.
///
/// # Errors
/// 415, 400, 422 as for running it, 409 when there is no room, 503 when it cannot be stored.
pub async fn put(store: &dyn SettingsStore, request: RoutedRequest) -> HandlerResult {
    let name = request.value(0).to_owned();
    let reading = request.reading;
    let body = request.body.json()?;
    let refuse = |field: &str, why: String| answer::unprocessable(&[senseless(ARGUMENT, field, why)]);
    check_wave_name(&name).map_err(|why| refuse("name", why))?;
    check(reading, body.as_ref(), Purpose::Run).map_err(|complaints| answer::unprocessable(&complaints))?;
    let saved = SavedWave::new(&body.unwrap_or_default()).map_err(|why| refuse("points", why))?;
    keep(store, StateChange::SaveWave(name, saved.clone())).await?;
    Ok(saved_answer(&saved))
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
pub async fn run(store: &dyn SettingsStore, waves: &WaveRequests, request: &RoutedRequest) -> HandlerResult {
    let body = named(store, request)?.value();
    waves.run(&request.client, Reading::Lenient, Some(&body)).await?;
    Ok(answer::ok(&json!({ "status": "success" })))
}

/// Checks a wave that comes from a backup.
///
/// # Errors
/// What is wrong with it.
pub fn check_restored(asked: &Value) -> Result<(), String> {
    check(Reading::Lenient, Some(asked), Purpose::BringBack).map_err(|complaints| {
        let words = |complaint: &Complaint| {
            let place: Vec<String> = complaint.loc.iter().skip(2).map(plain).collect();
            format!("{}: {}", place.join("."), complaint.msg)
        };
        complaints.iter().map(words).collect::<Vec<_>>().join("; ")
    })
}

/// Checks that a body makes a wave.
fn check(reading: Reading, body: Option<&Value>, purpose: Purpose) -> Result<(), Vec<Complaint>> {
    wave_spec::wave(&wave_spec::read(reading, body, purpose)?).map(drop)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn named(store: &dyn SettingsStore, request: &RoutedRequest) -> Result<SavedWave, Rejection> {
    let (state, _) = store.kept();
    let why = "there is no saved wave of this name; /api/waves lists them";
    let wave = state.waves.get(request.value(0));
    wave.cloned().ok_or_else(|| answer::refuse(ProblemCode::UnknownWave, why))
}

/// 200 with the wave as it is kept, which is JSON.
fn saved_answer(wave: &SavedWave) -> Answer {
    answer::typed(StatusCode::OK, "application/json", wave.text().to_owned())
}

async fn keep(store: &dyn SettingsStore, change: StateChange) -> Result<(), Rejection> {
    store.keep(change).await.map_err(|error| not_kept("wave", &error))
}
