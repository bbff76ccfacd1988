//! `/api/v1/commissioning`: the first run.

use crate::api::answer::{self, HandlerResult};
use crate::api::context::Context;
use crate::api::documents::command::CommandAnswer;
use crate::api::documents::commissioning::NudgeRequest;
use crate::api::nudge;
use crate::api::request::RoutedRequest;

/// Begins a nudge.
///
/// # Errors
/// 400, 404 for a machine elsewhere, 415, 422, and 409 when the machine does not do it.
pub async fn nudge(ctx: &Context, request: RoutedRequest) -> HandlerResult {
    let nudge: NudgeRequest = request.body.typed()?;
    let accepted = nudge::begin(ctx, &request.client, nudge).await?;
    Ok(answer::ok(&CommandAnswer::from(accepted)))
}
