//! `/api/v1/backup`: everything that is remembered, as one JSON document, there and back. `/api/v1/state`: how the store is.

use hyper::header::{CONTENT_DISPOSITION, HeaderValue};
use serde_json::Value;

use super::waves;
use crate::api::answer::{self, Answer, HandlerResult};
use crate::api::commands::UPDATE_SETTINGS;
use crate::api::context::Context;
use crate::api::documents::backup::{CalibrationDocument, RestoreResult, StoreDocument, StoreStart};
use crate::api::documents::success::SuccessStatus;
use crate::api::fields::Complaint;
use crate::api::query;
use crate::api::request::RoutedRequest;
use crate::api::route::QueryParameter;
use crate::api::settings_service::SettingsStore;
use crate::settings::Settings;
use crate::store::BackupDocument;
use crate::store::document::{self, DocumentError, DocumentProblem};
use crate::wall_clock;

const ARGUMENT: &str = "backup";

/// Everything, to be kept as a file.
pub fn get(store: &dyn SettingsStore) -> Answer {
    let (state, generation) = store.kept();
    let mut answer = answer::ok(&BackupDocument::of(&state, wall_clock::now_unix_s(), generation));
    answer
        .headers_mut()
        .insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"yep-backup.json\""));
    answer
}

/// The parameters of the query.
pub const QUERY: &[QueryParameter] = &[QueryParameter {
    name: "check",
    summary: "With `true`, the backup is only checked, and nothing is replaced.",
    range: None,
    kind: "boolean",
    words: &[],
}];

/// Replaces everything by what the document says, or checks only whether that could be done.
///
/// # Errors
/// 415, 400, 422 with everything that is wrong; 409 while the axis moves or when the machine refuses; 503 when it
/// cannot be stored. Then nothing has changed.
pub async fn post(ctx: &Context, request: RoutedRequest) -> HandlerResult {
    let authority = ctx.authority(&request.client);
    let checks_only = query::flag(&request.query, "check")?;
    let body = request.body.json()?.unwrap_or_default();
    let state = document::read(&body, waves::check_restored)
        .map_err(|wrong| answer::unprocessable(&complaints(&wrong)))?;
    let (waves, sessions) = (state.waves.len(), state.sessions.len());
    let restored = RestoreResult { status: SuccessStatus::Success, waves, sessions };
    if checks_only {
        return Ok(answer::ok(&restored));
    }
    ctx.settings.replace_everything(authority, state).await?;
    ctx.bus.announce(UPDATE_SETTINGS, None);
    Ok(answer::ok(&restored))
}

fn complaints(wrong: &DocumentError) -> Vec<Complaint> {
    let complaint = |place: &str, msg: String| {
        let path: Vec<Value> = place.splitn(2, '.').map(Value::from).collect();
        let loc = ["body".into(), ARGUMENT.into()].into_iter().chain(path).collect();
        Complaint::new(loc, msg, "value_error")
    };
    match wrong {
        DocumentError::Newer { .. } => vec![complaint("version", wrong.to_string())],
        DocumentError::Values(problems) => problems
            .iter()
            .map(|DocumentProblem { place, message }| complaint(place, message.clone()))
            .collect(),
    }
}

/// How the start of the store went, and what there is.
pub fn state(store: &dyn SettingsStore, settings: &Settings) -> Answer {
    answer::ok(&store_document(store, settings))
}

/// The same as a document.
pub(super) fn store_document(store: &dyn SettingsStore, settings: &Settings) -> StoreDocument {
    let (state, generation) = store.kept();
    let recovery = store.recovery();
    let calibration = settings.document.max_steps.map(|max_steps| CalibrationDocument {
        max_steps,
        travel_steps: settings.travel_steps,
        steps_per_mm: settings.steps_per_mm(),
        calibrated_unix_s: settings.calibrated_unix_s,
        calibrated: settings.calibrated_unix_s.map(wall_clock::readable),
    });
    StoreDocument {
        start: StoreStart { code: recovery.code(), message: recovery.to_string(), good: recovery.is_plain() },
        writes: generation,
        calibration,
        waves: state.waves.len(),
        sessions: state.sessions.len(),
        counters: state.counters,
    }
}
