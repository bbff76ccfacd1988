//! `/api/commands/run`: a command by its name.

use std::sync::Arc;

use serde_json::Value;

use super::RoutedRequest;
use crate::api::answer::{self, HandlerResult};
use crate::api::body;
use crate::api::coerce;
use crate::api::context::Context;
use crate::api::fields::FieldReader;
use crate::api::orders::STOP;
use crate::auth::Standing;

/// Whether a body says STOP.
#[must_use]
pub fn is_stop(body: &[u8]) -> bool {
    let body = body::json(body).ok().flatten();
    body.is_some_and(|body| body.get("type").is_some_and(|name| name == STOP))
}

/// Gives the command. Guests may stop, and nothing else.
///
/// # Errors
/// 400, 422, 403 for a guest, and 409 when the machine does not do it.
pub async fn run(ctx: &Arc<Context>, call: &RoutedRequest) -> HandlerResult {
    let body = call.json()?;
    let mut fields = FieldReader::of("data", body.as_ref()).map_err(|c| answer::unprocessable(&[c]))?;
    let Some(name) = fields.required("type", coerce::string) else {
        return Err(answer::unprocessable(&fields.complaints));
    };
    if call.standing < Standing::Local && name != STOP {
        return Err(answer::forbidden());
    }
    ctx.order(&call.client, &name).await?;
    Ok(answer::ok(&Value::Null))
}
