//! `/api/setup/initialize`: all settings back to their defaults, in a document with a new id.

use serde_json::Value;

use crate::api::answer::{self, HandlerResult};
use crate::api::context::Context;
use crate::api::request::RoutedRequest;
use crate::settings::new_id;

/// Begins anew; what calibration found is forgotten, and a yep-machine elsewhere counts as not homed. Nothing is announced, as
/// it always was.
///
/// # Errors
/// 409 while the axis moves, 503 when the new settings cannot be stored.
pub async fn initialize(ctx: &Context, request: &RoutedRequest) -> HandlerResult {
    ctx.commands.may_change(&request.client)?;
    ctx.settings.replace(ctx.settings.fresh(new_id())).await?;
    ctx.remote.reset();
    Ok(answer::ok(&Value::Null))
}
