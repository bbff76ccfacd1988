//! API v1 around the first run.

use hyper::Method;

use super::of;
use crate::api::documents::command::CommandAnswer;
use crate::api::documents::commissioning::{
    CommissioningDocument, ConfirmRequest, NudgeRequest, StepRequest,
};
use crate::api::resources::commissioning;
use crate::api::route::{Handler, Route};
use crate::auth::Right::{Administer, Observe};
use crate::settings::ProvenLimits;
use crate::store::WiringValues;

const POST: Method = Method::POST;
const PUT: Method = Method::PUT;

/// The rows.
pub(super) fn rows() -> Vec<Route> {
    vec![
        Route::get(
            "/api/v1/commissioning",
            Observe,
            "The first run: what is proven, and what is left",
            answers!(|ctx, request| Ok(commissioning::get(&ctx))),
        )
        .gives(of::<CommissioningDocument>),
        Route::act(
            POST,
            "/api/v1/commissioning/confirm",
            Administer,
            "Say whether a machine works that was in use before there was a first run, or was restored",
            answers!(|ctx, request| commissioning::confirm(&ctx, request).await),
        )
        .takes(of::<ConfirmRequest>)
        .gives(of::<CommissioningDocument>),
        Route::act(
            PUT,
            "/api/v1/commissioning/wiring",
            Administer,
            "Store what was found out about the wiring; the program starts anew with it",
            answers!(|ctx, request| commissioning::put_wiring(&ctx, request).await),
        )
        .takes(of::<WiringValues>)
        .gives(of::<CommissioningDocument>),
        Route::act(
            PUT,
            "/api/v1/commissioning/envelope",
            Administer,
            "Set the envelope; wider than it is, with presence at the machine only",
            answers!(|ctx, request| commissioning::put_envelope(&ctx, request).await),
        )
        .takes(of::<ProvenLimits>)
        .gives(of::<CommissioningDocument>),
        Route::act(
            POST,
            "/api/v1/commissioning/nudge",
            Administer,
            "Move 2 or 10 mm, slowly, while `alive` comes each 100 ms; only while not homed",
            answers!(|ctx, request| commissioning::nudge(&ctx, request).await),
        )
        .takes(of::<NudgeRequest>)
        .gives(of::<CommandAnswer>),
        Route::act(
            POST,
            "/api/v1/commissioning/steps/{step}",
            Administer,
            "Begin a step of the first run, answer it, or finish it",
            answers!(|ctx, request| commissioning::step(&ctx, request).await),
        )
        .takes(of::<StepRequest>)
        .gives(of::<CommissioningDocument>),
    ]
}
