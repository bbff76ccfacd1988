//! `/api/commands/run`: a command by its name.

use serde_json::Value;

use crate::api::answer::{self, HandlerResult};
use crate::api::coerce;
use crate::api::commands::{CommandService, STOP};
use crate::api::fields::FieldReader;
use crate::api::request::RoutedRequest;

/// True if a body gives the command STOP.
#[must_use]
pub fn is_stop(body: Option<&Value>) -> bool {
    body.is_some_and(|body| body.get("type").is_some_and(|name| name == STOP))
}

/// Gives the command. Guests may stop, and nothing else.
///
/// # Errors
/// 400, 422, 403 for a guest, and 409 when the machine does not do it.
pub async fn run(commands: &CommandService, request: RoutedRequest) -> HandlerResult {
    let body = request.body.json()?;
    let mut fields = FieldReader::of("data", body.as_ref()).map_err(|c| answer::unprocessable(&[c]))?;
    let Some(name) = fields.required("type", coerce::STRING) else {
        return Err(answer::unprocessable(&fields.complaints));
    };
    if name != STOP && !request.client.may_move() {
        return Err(answer::refuse_role(request.client.caller, &request.host));
    }
    commands.give(&request.client, &name).await?;
    Ok(answer::ok(&Value::Null))
}
