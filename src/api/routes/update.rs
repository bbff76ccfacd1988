//! API v1 around updates in place.

use hyper::Method;

use super::of;
use crate::api::documents::update::UpdateDocument;
use crate::api::resources::update;
use crate::api::route::{Handler, Route};
use crate::api::update::service::OtherSystem::{Replaced, Waiting};
use crate::auth::Right::Administer;

const POST: Method = Method::POST;
const DELETE: Method = Method::DELETE;

/// The rows.
pub(super) fn rows() -> Vec<Route> {
    vec![
        Route::get(
            "/api/v1/update",
            Administer,
            "The two systems of the card, the update that is being taken, and how the last one ended",
            answers!(|ctx, request| update::get(&ctx.updates).await),
        )
        .gives(of::<UpdateDocument>),
        Route::act(
            POST,
            "/api/v1/update",
            Administer,
            "Take a signed update, written while it comes; at rest only, and nothing moves before it ends",
            Handler::Streams(|ctx, request, body| {
                Box::pin(async move { update::take(&ctx.updates, request, body).await })
            }),
        )
        .takes_stream()
        .with_query(update::QUERY)
        .gives(of::<UpdateDocument>),
        Route::act(
            DELETE,
            "/api/v1/update",
            Administer,
            "Give the update up that is being taken",
            answers!(|ctx, request| update::cancel(&ctx.updates).await),
        )
        .gives(of::<UpdateDocument>),
        Route::act(
            POST,
            "/api/v1/update/restart",
            Administer,
            "Restart the computer into the new system, which stays if it is healthy",
            answers!(|ctx, request| update::start_other(&ctx.updates, Waiting).await),
        )
        .gives(of::<UpdateDocument>),
        Route::act(
            POST,
            "/api/v1/update/back",
            Administer,
            "Restart the computer into the system that was replaced",
            answers!(|ctx, request| update::start_other(&ctx.updates, Replaced).await),
        )
        .gives(of::<UpdateDocument>),
    ]
}
