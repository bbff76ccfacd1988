//! API v1 around the first run.

use hyper::Method;

use super::of;
use crate::api::documents::command::CommandAnswer;
use crate::api::documents::commissioning::NudgeRequest;
use crate::api::resources::commissioning;
use crate::api::route::{Handler, Route};
use crate::auth::Right::Administer;

const POST: Method = Method::POST;

/// The rows.
pub(super) fn rows() -> Vec<Route> {
    vec![
        Route::act(
            POST,
            "/api/v1/commissioning/nudge",
            Administer,
            "Move 2 or 10 mm, slowly, while `alive` comes each 100 ms; only while not homed",
            answers!(|ctx, request| commissioning::nudge(&ctx, request).await),
        )
        .takes(of::<NudgeRequest>)
        .gives(of::<CommandAnswer>),
    ]
}
