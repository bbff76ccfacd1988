//! `/api/v1/name`: the name of the machine in the network.

use std::sync::Arc;

use crate::api::answer::{self, Answer, HandlerResult};
use crate::api::charge::client::Client;
use crate::api::context::Context;
use crate::api::documents::name::{NameChange, NameDocument};
use crate::api::fields::Complaint;
use crate::api::machine_name;
use crate::api::problem::ProblemCode;
use crate::api::request::RoutedRequest;
use crate::store::AuditAct;

/// What to do about two machines of one name.
const SHARED: &str = "Another machine of this network has this name, so it may open either of them. Give one of the two another name.";

/// The name, and where it comes from.
pub fn get(ctx: &Context) -> Answer {
    let name = &ctx.options.name;
    answer::ok(&NameDocument {
        name: name.current(),
        configured: name.configured(),
        is_chosen: name.is_chosen(),
        always: format!("yep-{}.local", ctx.options.machine_id),
        conflict: name.is_shared().then_some(SHARED),
    })
}

/// Gives the machine another name.
///
/// # Errors
/// 415, 422, 503 when it cannot be stored.
pub async fn change(ctx: &Context, request: RoutedRequest) -> HandlerResult {
    let client = request.client;
    let NameChange { name } = request.body.typed()?;
    let name = name.to_ascii_lowercase();
    if !machine_name::is_name(&name) {
        let why = "must be 1 to 63 letters of a to z, digits and hyphens, with no hyphen at its ends, and without .local";
        let place = vec!["body".into(), "data".into(), "name".into()];
        return Err(answer::unprocessable(&[Complaint::new(place, why, "value_error.name")]));
    }
    choose(ctx, &client, Some(name)).await
}

/// Gives the machine its configured name again.
///
/// # Errors
/// 503 when it cannot be stored.
pub async fn reset(ctx: &Context, request: RoutedRequest) -> HandlerResult {
    choose(ctx, &request.client, None).await
}

async fn choose(ctx: &Context, client: &Client, chosen: Option<String>) -> HandlerResult {
    let (before, name) = (ctx.options.name.current(), Arc::clone(&ctx.options.name));
    // It writes a file.
    let done = tokio::task::spawn_blocking(move || name.choose(chosen.as_deref())).await;
    done.unwrap_or_else(|error| Err(std::io::Error::other(error)))
        .map_err(|error| answer::refuse(ProblemCode::NotStored, format!("the name: {error}")))?;
    let detail = format!("the machine {before} is called {} now", ctx.options.name.current());
    ctx.devices.audit(AuditAct::Renamed, client, &detail).await;
    Ok(get(ctx))
}
