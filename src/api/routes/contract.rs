//! The clients' old contract: docs/CONTRACT.md.

use hyper::Method;

use crate::api::request::BodyType::{Json as LenientJson, Nothing};
use crate::api::resources::contract::{commands, curve, settings as clients_settings, setup, stream, wave};
use crate::api::route::AnswerType::{Json, Socket};
use crate::api::route::{BodyLimit, Handler, Route, Urgency};
use crate::auth::Right::{Administer, Anyone, Follow, Observe, Operate, Report};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;

/// The rows.
pub(super) fn rows() -> Vec<Route> {
    vec![
        // The clients' old contract: docs/CONTRACT.md.
        // Below Operate only the command `stop` is taken; only the body says which one it is.
        Route::new(
            POST,
            "/api/commands/run",
            Anyone,
            LenientJson,
            Json,
            "Give a command by its name",
            answers!(|ctx, request| commands::run(&ctx.commands, request).await),
        )
        .urgent(Urgency::MayStop),
        Route::new(
            POST,
            "/api/wave/get",
            Observe,
            LenientJson,
            Json,
            "The points of a wave, for drawing it: type and duration, and what docs/WAVES.md lists",
            answers!(|ctx, request| wave::get(&ctx.wave_requests, &ctx.workers, request).await),
        )
        .limited(BodyLimit::Wave),
        Route::new(
            POST,
            "/api/wave/run",
            Operate,
            LenientJson,
            Json,
            "Run a wave until END or STOP; while one runs, go over to it smoothly",
            answers!(|ctx, request| wave::run(&ctx.wave_requests, request).await),
        )
        .limited(BodyLimit::Wave),
        Route::act(
            POST,
            "/api/settings/{model}",
            Administer,
            "Refused: there is one settings document",
            answers!(|ctx, request| clients_settings::create()),
        ),
        Route::get(
            "/api/settings/{model}/{id}",
            Follow,
            "The settings",
            answers!(|ctx, request| clients_settings::get(&ctx.settings, &request)),
        ),
        Route::new(
            PUT,
            "/api/settings/{model}/{id}",
            Report,
            LenientJson,
            Json,
            "Change some of the settings",
            answers!(|ctx, request| clients_settings::put(&ctx, request).await),
        ),
        Route::new(
            POST,
            "/api/curve",
            Follow,
            LenientJson,
            Json,
            "The force curve through ten points",
            answers!(|ctx, request| curve::make(request.body).await),
        ),
        Route::act(
            POST,
            "/api/setup/initialize",
            Administer,
            "Put all settings back to their defaults",
            answers!(|ctx, request| setup::initialize(&ctx, &request).await),
        ),
        // A machine subscribes to `command_all` and `status`; only Observe may have every stream.
        Route::new(
            GET,
            "/api/stream/{name}",
            Follow,
            Nothing,
            Socket,
            "WebSocket: a stream of messages",
            Handler::Upgrades(stream::open),
        ),
    ]
}
