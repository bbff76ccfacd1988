//! `/api/v1/update`: takes updates in place, and starts one of the card's two systems.

use crate::api::answer::{self, HandlerResult, Rejection};
use crate::api::body_stream::BodyStream;
use crate::api::problem::ProblemCode;
use crate::api::query;
use crate::api::request::RoutedRequest;
use crate::api::route::QueryParameter;
use crate::api::update::service::{OtherSystem, TakenUpdate, UpdateService};

/// The parameters of the query.
pub const QUERY: &[QueryParameter] = &[
    QueryParameter {
        name: "check",
        summary: "With `true`, the update is only checked, and nothing is written. The first 4 MiB of the file are enough.",
        range: None,
        kind: "boolean",
        words: &[],
    },
    QueryParameter {
        name: "allow_older",
        summary: "With `true`, a version is taken that is older than what runs.",
        range: None,
        kind: "boolean",
        words: &[],
    },
];

/// The systems, the update that is being taken, and how the last one ended.
///
/// # Errors
/// 409 without a second system, 503 when nobody answers.
pub async fn get(updates: &UpdateService) -> HandlerResult {
    Ok(answer::ok(&updates.view().await?))
}

/// Takes the update in the body. The answer comes when it is written and verified.
///
/// # Errors
/// 408, 413, 415, 422 for what is wrong with it; 409 in motion, or while another one is taken; 503 when the card fails.
pub async fn take(updates: &UpdateService, request: RoutedRequest, body: BodyStream) -> HandlerResult {
    let asked = TakenUpdate {
        allow_older: query::flag(&request.query, "allow_older")?,
        check: query::flag(&request.query, "check")?,
    };
    updates.take(asked, body).await.map_err(|refusal| Rejection::from(refusal).closing())?;
    get(updates).await
}

/// Gives the update up that is being taken.
///
/// # Errors
/// 409 if there is none.
pub async fn cancel(updates: &UpdateService) -> HandlerResult {
    if !updates.cancel().await {
        return Err(answer::refuse(ProblemCode::Already, "no update is being taken"));
    }
    get(updates).await
}

/// Restarts the computer into that system.
///
/// # Errors
/// 409 in motion, or without such a system; 503 when nobody answers.
pub async fn start_other(updates: &UpdateService, system: OtherSystem) -> HandlerResult {
    updates.start_other(system).await?;
    get(updates).await
}
