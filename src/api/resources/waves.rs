//! `/api/v1/waves`: saved waves. Each is kept under its name, as the body that asked for it.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::{not_kept, senseless};
use crate::api::answer::{self, Answer, HandlerResult, Rejection};
use crate::api::coerce::Strictness;
use crate::api::documents::wave::SavedWavesDocument;
use crate::api::fields::Complaint;
use crate::api::problem::ProblemCode;
use crate::api::request::RoutedRequest;
use crate::api::settings_service::SettingsStore;
use crate::api::wave_requests::WaveRequests;
use crate::api::wave_spec::{self, ARGUMENT, Purpose};
use crate::store::state::check_wave_name;
use crate::store::{SavedWave, StateChange};

/// The saved waves.
pub struct SavedWaves<'a>(pub &'a dyn SettingsStore);

impl SavedWaves<'_> {
    /// All of them by their names.
    pub fn list(&self) -> Answer {
        let (state, _) = self.0.kept();
        let waves = state.waves.iter().map(|(name, wave)| (name.clone(), wave.value())).collect();
        answer::ok(&SavedWavesDocument { waves })
    }

    /// The wave of that name.
    ///
    /// # Errors
    /// 404.
    pub fn get(&self, request: &RoutedRequest) -> HandlerResult {
        Ok(saved_answer(&self.named(request.value(0))?))
    }

    /// Saves a wave under that name; another of that name is replaced.
    ///
    /// # Errors
    /// 415, 400, 422 as for running it, 409 when there is no room, 503 when it cannot be stored.
    pub async fn put(&self, request: RoutedRequest) -> HandlerResult {
        let name = request.value(0).to_owned();
        let strictness = request.strictness;
        let body = request.body.json()?;
        let refuse = |field: &str, why: String| answer::unprocessable(&[senseless(ARGUMENT, field, why)]);
        check_wave_name(&name).map_err(|why| refuse("name", why))?;
        check(strictness, body.as_ref(), Purpose::Run)
            .map_err(|complaints| answer::unprocessable(&complaints))?;
        let saved = SavedWave::new(&body.unwrap_or_default()).map_err(|why| refuse("points", why))?;
        self.keep(StateChange::SaveWave(name, saved.clone())).await?;
        Ok(saved_answer(&saved))
    }

    /// Deletes the wave of that name.
    ///
    /// # Errors
    /// 404, 503 when that cannot be stored.
    pub async fn delete(&self, request: &RoutedRequest) -> HandlerResult {
        self.named(request.value(0))?;
        self.keep(StateChange::ForgetWave(request.value(0).to_owned())).await?;
        Ok(answer::ok(&json!({ "status": "success" })))
    }

    /// The wave of that name.
    ///
    /// # Errors
    /// 404.
    pub fn named(&self, name: &str) -> Result<SavedWave, Rejection> {
        let (state, _) = self.0.kept();
        let why = "there is no saved wave of this name; /api/v1/waves lists them";
        state.waves.get(name).cloned().ok_or_else(|| answer::refuse(ProblemCode::UnknownWave, why))
    }

    async fn keep(&self, change: StateChange) -> Result<(), Rejection> {
        self.0.keep(change).await.map_err(|error| not_kept("wave", &error))
    }
}

/// The points of one period of a wave.
///
/// # Errors
/// 400, 413, 415, 422, 503.
pub async fn preview(waves: &WaveRequests, request: RoutedRequest) -> HandlerResult {
    let (preview, _share) = waves.preview(request.body.json()?.as_ref()).await?;
    Ok(answer::ok(&preview))
}

/// Checks a wave that comes from a backup.
///
/// # Errors
/// What is wrong with it.
pub fn check_restored(asked: &Value) -> Result<(), String> {
    check(Strictness::Lenient, Some(asked), Purpose::BringBack).map_err(|complaints| {
        let words = |complaint: &Complaint| {
            let place: Vec<String> = complaint.loc.iter().skip(2).map(plain).collect();
            format!("{}: {}", place.join("."), complaint.msg)
        };
        complaints.iter().map(words).collect::<Vec<_>>().join("; ")
    })
}

/// Checks that a body makes a wave.
fn check(strictness: Strictness, body: Option<&Value>, purpose: Purpose) -> Result<(), Vec<Complaint>> {
    wave_spec::wave(&wave_spec::read(strictness, body, purpose)?).map(drop)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// 200 with the wave as it is kept, which is JSON.
fn saved_answer(wave: &SavedWave) -> Answer {
    answer::typed(StatusCode::OK, "application/json", wave.text().to_owned())
}
