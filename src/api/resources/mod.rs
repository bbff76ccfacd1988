//! What answers the routes, one file a resource.

pub mod backup;
pub mod commands;
pub mod curve;
pub mod docs;
pub mod faults;
pub mod health;
pub mod motion;
pub mod sensor;
pub mod sessions;
pub mod settings;
pub mod setup;
pub mod sim;
pub mod status;
pub mod stop;
pub mod stream;
pub mod wave;
pub mod waves;

use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderValue;
use serde_json::Value;

use super::answer::{self, HandlerResult, Rejection};
use super::body;
use super::context::Context;
use super::desk::Denied;
use super::fields::{self, Complaint};
use super::lease::Client;
use super::route::Resource;
use crate::auth::Standing;
use crate::files;
use crate::machine::CommandRefusal;
use crate::settings::Invalid;
use crate::store::StoreError;

/// A request whose route, right and size are checked.
#[derive(Debug)]
pub struct RoutedRequest {
    /// Whose it is.
    pub standing: Standing,
    /// Who it is, as far as that can be told.
    pub client: Client,
    /// The values of the segments in braces.
    pub values: Vec<String>,
    /// What comes after the question mark.
    pub query: String,
    /// What the body says it is.
    pub content_type: Option<HeaderValue>,
    /// What the client would like to have.
    pub accept: Option<HeaderValue>,
    /// The body.
    pub body: Bytes,
}

impl RoutedRequest {
    /// The body as JSON.
    ///
    /// # Errors
    /// 400 when it is none.
    pub fn json(&self) -> Result<Option<Value>, Rejection> {
        body::json(&self.body)
    }

    /// The body as JSON, from a client that says that it is: no form of a foreign page can send that without
    /// asking first, so the new routes want it.
    ///
    /// # Errors
    /// 415 when it does not say so, 400 when it is none.
    pub fn declared_json(&self) -> Result<Option<Value>, Rejection> {
        self.check_declared()?;
        self.json()
    }

    /// The same for the content of a file, which a shell or an editor on Windows may have saved with a byte order mark, or
    /// as UTF-16.
    ///
    /// # Errors
    /// 415 when it does not say that it is JSON, 400 when it is none, or no text.
    pub fn declared_json_file(&self) -> Result<Option<Value>, Rejection> {
        self.check_declared()?;
        let text = files::text(self.body.to_vec())
            .map_err(|why| answer::detail(StatusCode::BAD_REQUEST, &format!("the body is no JSON: {why}")))?;
        body::json(text.as_bytes())
    }

    fn check_declared(&self) -> Result<(), Rejection> {
        let declared = self.content_type.as_ref().and_then(|declared| declared.to_str().ok());
        let essence = declared.unwrap_or_default().split(';').next().unwrap_or_default();
        if essence.trim().eq_ignore_ascii_case("application/json") {
            return Ok(());
        }
        let why = "send it with content-type application/json";
        Err(answer::detail(StatusCode::UNSUPPORTED_MEDIA_TYPE, why))
    }

    /// The value of the segment in braces with this number.
    #[must_use]
    pub fn value(&self, index: usize) -> &str {
        self.values.get(index).map_or("", String::as_str)
    }
}

/// Answers a call.
///
/// # Errors
/// The refusal, which is an answer too.
pub async fn handle(ctx: &Arc<Context>, resource: Resource, call: RoutedRequest) -> HandlerResult {
    match resource {
        Resource::WaveGet => wave::get(ctx, &call).await,
        Resource::WaveRun => wave::run(ctx, &call).await,
        Resource::CommandRun => commands::run(ctx, &call).await,
        Resource::SettingsCreate => settings::create(),
        Resource::SettingsGet => settings::get(ctx, &call),
        Resource::SettingsPut => settings::put(ctx, &call).await,
        Resource::Curve => curve::make(&call).await,
        Resource::Initialize => setup::initialize(ctx).await,
        Resource::Health => health::get(),
        Resource::Stop => Ok(stop::answer()),
        Resource::Status => status::get(ctx),
        Resource::MotionLimitsGet => motion::get(ctx),
        Resource::MotionLimitsPut => motion::put(ctx, &call).await,
        Resource::SimGet => sim::get(ctx),
        Resource::SimPut => sim::put(ctx, &call),
        Resource::SensorGet => sensor::get(ctx),
        Resource::SensorTare => sensor::tare(ctx, &call).await,
        Resource::SensorCalibrate => sensor::calibrate(ctx, &call).await,
        Resource::FaultList => faults::list(ctx),
        Resource::FaultGet => faults::get(ctx, &call).await,
        Resource::BackupGet => backup::get(ctx),
        Resource::BackupPost => backup::post(ctx, &call).await,
        Resource::State => backup::state(ctx),
        Resource::Sessions => sessions::list(ctx),
        Resource::Waves => waves::list(ctx),
        Resource::SavedWaveGet => waves::get(ctx, &call),
        Resource::SavedWavePut => waves::put(ctx, &call).await,
        Resource::SavedWaveDelete => waves::delete(ctx, &call).await,
        Resource::SavedWaveRun => waves::run(ctx, &call).await,
        Resource::OpenApi => docs::openapi(),
        Resource::Docs => docs::page(),
        // Answered by the router, which has the connection.
        Resource::Stream => Err(answer::not_found()),
    }
}

/// Ends a handler when something was wrong with its fields.
fn complete(complaints: &[Complaint]) -> Result<(), Rejection> {
    if complaints.is_empty() { Ok(()) } else { Err(answer::unprocessable(complaints)) }
}

/// A value that was read, but makes no sense.
fn senseless(argument: &'static str, field: &str, why: impl ToString) -> Complaint {
    let loc = fields::loc(argument, &[field.into()]);
    Complaint { loc, msg: why.to_string(), kind: "value_error" }
}

/// 503: what was to be remembered could not be written down. 409: there is no room for it.
fn not_kept(what: &str, why: &StoreError) -> Rejection {
    match why {
        StoreError::NoRoom(why) => answer::conflict(why, "no_room"),
        why => {
            tracing::error!(%why, "the {what} could not be written down");
            let said = format!("the {what} could not be stored, nothing has changed: {why}");
            answer::detail(StatusCode::SERVICE_UNAVAILABLE, &said)
        }
    }
}

impl From<Vec<Invalid>> for Denied {
    fn from(invalid: Vec<Invalid>) -> Denied {
        Denied::Invalid(invalid)
    }
}

impl From<Denied> for Rejection {
    fn from(denied: Denied) -> Rejection {
        match denied {
            Denied::Unknown => answer::detail(StatusCode::NOT_FOUND, "there are no settings with this id"),
            Denied::Invalid(invalid) => {
                let complaints = invalid.into_iter().map(|i| senseless("data", i.field, i.message));
                answer::unprocessable(&complaints.collect::<Vec<_>>())
            }
            Denied::Moving(state) => answer::refused(&CommandRefusal::Moving(state)),
            Denied::NotKept(why) => not_kept("settings", &why),
            Denied::Refused(refusal) => answer::refused(&refusal),
        }
    }
}
