//! `/api/setup/initialize`: all settings back to their defaults, in a document with a new id.

use std::sync::Arc;

use serde_json::Value;

use crate::api::answer::{self, HandlerResult};
use crate::api::context::Context;
use crate::settings::{self, Settings};

/// Begins anew; what calibration found is forgotten, and a yep-machine elsewhere counts as not homed. Nothing is announced, as
/// it always was.
///
/// # Errors
/// 409 while the axis moves, 503 when the new settings cannot be stored.
pub async fn initialize(ctx: &Arc<Context>) -> HandlerResult {
    ctx.desk.replace(Settings::fresh(settings::new_id())).await?;
    ctx.remote.reset();
    Ok(answer::ok(&Value::Null))
}
