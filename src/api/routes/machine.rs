//! STOP, and API v1 around the motion of the machine.

use hyper::Method;

use super::of;
use crate::api::documents::command::{CommandAnswer, MotionRequest, RunRequest};
use crate::api::documents::info::{HealthDocument, InfoDocument, StopAnswer};
use crate::api::documents::limits::LimitsDocument;
use crate::api::documents::machine::MachineDocument;
use crate::api::documents::name::{NameChange, NameDocument};
use crate::api::documents::settings as settings_document;
use crate::api::resources::{info, limits, machine, name, stop};
use crate::api::route::AnswerType::JsonOrHtml;
use crate::api::route::{BodyLimit, Handler, Route, Urgency};
use crate::auth::Right::{Administer, Anyone, Observe, Operate};

const POST: Method = Method::POST;
const PUT: Method = Method::PUT;

/// The rows.
pub(super) fn rows() -> Vec<Route> {
    vec![
        // STOP, under both its paths for ever.
        Route::act(
            POST,
            "/api/stop",
            Anyone,
            "Stop: the fastest controlled stop, in every state",
            answers!(|ctx, request| Ok(stop::answer())),
        )
        .urgent(Urgency::Stop),
        Route::act(
            POST,
            "/api/v1/stop",
            Anyone,
            "Stop: the fastest controlled stop, in every state",
            answers!(|ctx, request| Ok(stop::answer())),
        )
        .gives(of::<StopAnswer>)
        .answers_with(JsonOrHtml)
        .urgent(Urgency::Stop),
        Route::get(
            "/api/health",
            Anyone,
            "Whether the server answers",
            answers!(|ctx, request| Ok(info::health())),
        ),
        // API v1.
        Route::get(
            "/api/v1/health",
            Anyone,
            "Whether the server answers",
            answers!(|ctx, request| Ok(info::health())),
        )
        .gives(of::<HealthDocument>),
        Route::get(
            "/api/v1/info",
            Anyone,
            "Name and version of this server",
            answers!(|ctx, request| Ok(info::get(&ctx))),
        )
        .gives(of::<InfoDocument>),
        Route::get(
            "/api/v1/name",
            Observe,
            "The name of the machine in the network",
            answers!(|ctx, request| Ok(name::get(&ctx))),
        )
        .gives(of::<NameDocument>),
        Route::act(
            PUT,
            "/api/v1/name",
            Administer,
            "Give the machine another name in the network; the former one is good until the next start",
            answers!(|ctx, request| name::change(&ctx, request).await),
        )
        .takes(of::<NameChange>)
        .gives(of::<NameDocument>),
        Route::act(
            Method::DELETE,
            "/api/v1/name",
            Administer,
            "Call the machine as its configuration or its system does",
            answers!(|ctx, request| name::reset(&ctx, request).await),
        )
        .gives(of::<NameDocument>),
        Route::get(
            "/api/v1/machine",
            Observe,
            "The state of the machine",
            answers!(|ctx, request| Ok(machine::get(&ctx, &request))),
        )
        .gives(of::<MachineDocument>),
        Route::act(
            POST,
            "/api/v1/machine/run",
            Operate,
            "Run a wave until END or STOP; while one runs, go over to it smoothly",
            answers!(|ctx, request| machine::run(&ctx.wave_requests, ctx.saved_waves(), request).await),
        )
        .takes(of::<RunRequest>)
        .gives(of::<CommandAnswer>)
        .limited(BodyLimit::Wave),
        Route::act(
            POST,
            "/api/v1/machine/end",
            Operate,
            "End the wave when its period is complete",
            answers!(|ctx, request| machine::give(&ctx.commands, "end", request).await),
        )
        .takes(of::<MotionRequest>)
        .gives(of::<CommandAnswer>),
        Route::act(
            POST,
            "/api/v1/machine/calibrate",
            Operate,
            "Find both ends of the rail",
            answers!(|ctx, request| machine::give(&ctx.commands, "calibrate", request).await),
        )
        .takes(of::<MotionRequest>)
        .gives(of::<CommandAnswer>),
        Route::act(
            POST,
            "/api/v1/machine/acknowledge",
            Operate,
            "Acknowledge the latched fault",
            answers!(|ctx, request| machine::give(&ctx.commands, "acknowledge", request).await),
        )
        .takes(of::<MotionRequest>)
        .gives(of::<CommandAnswer>),
        Route::act(
            POST,
            "/api/v1/machine/arm",
            Operate,
            "Unlock the axis after an acknowledged fault",
            answers!(|ctx, request| machine::give(&ctx.commands, "arm", request).await),
        )
        .takes(of::<MotionRequest>)
        .gives(of::<CommandAnswer>),
        Route::get(
            "/api/v1/limits",
            Observe,
            "Limits of motion: in force, asked for, and of the hardware",
            answers!(|ctx, request| Ok(limits::get(&ctx, &request))),
        )
        .rarely_changes()
        .gives(of::<LimitsDocument>),
        Route::act(
            PUT,
            "/api/v1/limits",
            Operate,
            "Change some of the limits of motion; an operator may narrow them",
            answers!(|ctx, request| limits::put(&ctx, request).await),
        )
        .takes(settings_document::limits_change_schema)
        .gives(of::<LimitsDocument>),
    ]
}
