//! `/api/setup/initialize`: all settings back to their defaults, in a document with a new id.

use serde_json::Value;

use crate::api::answer::{self, HandlerResult};
use crate::api::remote::RemoteFacts;
use crate::api::settings_service::SettingsService;
use crate::settings::{Settings, new_id};

/// Begins anew; what calibration found is forgotten, and a yep-machine elsewhere counts as not homed. Nothing is announced, as
/// it always was.
///
/// # Errors
/// 409 while the axis moves, 503 when the new settings cannot be stored.
pub async fn initialize(settings: &SettingsService, remote: &RemoteFacts) -> HandlerResult {
    settings.replace(Settings::fresh(new_id())).await?;
    remote.reset();
    Ok(answer::ok(&Value::Null))
}
