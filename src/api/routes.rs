//! The route table: every request that is understood, one row each. The router, the documentation and the tests know nothing
//! else of a route. A handler picks the parts of the [`Context`](super::Context) that its resource uses.

use hyper::Method;

use super::request::BodyType::{DeclaredJson, Json as LenientJson, JsonFile, Nothing};
use super::resources::{
    backup, commands, curve, docs, faults, health, motion, sensor, sessions, settings, setup, sim, status,
    stop, stream, wave, waves,
};
use super::route::AnswerType::{Html, Json, JsonOrCsv, Socket};
use super::route::{BodyLimit, Handler, Route, Urgency};
use crate::auth::Role::{Guest, Local, Machine};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

/// A handler that answers a request: `answers!(|ctx, request| answer)`, where `answer` may wait.
macro_rules! answers {
    (|$ctx:ident, $request:ident| $answer:expr) => {
        Handler::Answers(|$ctx, $request| {
            Box::pin(async move {
                let _ = (&$ctx, &$request);
                $answer
            })
        })
    };
}

/// Every route.
pub const ROUTES: &[Route] = &[
    Route::new(
        POST,
        "/api/stop",
        Guest,
        Nothing,
        Json,
        "Stop: the fastest controlled stop, in every state",
        answers!(|ctx, request| Ok(stop::answer())),
    )
    .urgent(Urgency::Stop),
    Route::new(
        GET,
        "/api/health",
        Guest,
        Nothing,
        Json,
        "Whether the server answers",
        answers!(|ctx, request| Ok(health::get())),
    ),
    // Below Local only the command `stop` is taken; only the body says which one it is.
    Route::new(
        POST,
        "/api/commands/run",
        Guest,
        LenientJson,
        Json,
        "Give a command by its name",
        answers!(|ctx, request| commands::run(&ctx.commands, request).await),
    )
    .urgent(Urgency::MayStop),
    Route::new(
        POST,
        "/api/wave/get",
        Local,
        LenientJson,
        Json,
        "The points of a wave, for drawing it: type and duration, and what docs/WAVES.md lists",
        answers!(|ctx, request| wave::get(&ctx.wave_requests, &ctx.workers, request).await),
    )
    .limited(BodyLimit::Wave),
    Route::new(
        POST,
        "/api/wave/run",
        Local,
        LenientJson,
        Json,
        "Run a wave until END or STOP; while one runs, go over to it smoothly",
        answers!(|ctx, request| wave::run(&ctx.wave_requests, request).await),
    )
    .limited(BodyLimit::Wave),
    Route::new(
        POST,
        "/api/settings/{model}",
        Local,
        Nothing,
        Json,
        "Refused: there is one settings document",
        answers!(|ctx, request| settings::create()),
    ),
    Route::new(
        GET,
        "/api/settings/{model}/{id}",
        Machine,
        Nothing,
        Json,
        "The settings",
        answers!(|ctx, request| settings::get(&ctx.settings, &request)),
    ),
    Route::new(
        PUT,
        "/api/settings/{model}/{id}",
        Machine,
        LenientJson,
        Json,
        "Change some of the settings",
        answers!(|ctx, request| settings::put(&ctx.settings, &ctx.remote, &ctx.bus, request).await),
    ),
    Route::new(
        POST,
        "/api/curve",
        Machine,
        LenientJson,
        Json,
        "The force curve through ten points",
        answers!(|ctx, request| curve::make(request.body).await),
    ),
    Route::new(
        POST,
        "/api/setup/initialize",
        Local,
        Nothing,
        Json,
        "Put all settings back to their defaults",
        answers!(|ctx, request| setup::initialize(&ctx.settings, &ctx.remote).await),
    ),
    Route::new(
        GET,
        "/api/status",
        Local,
        Nothing,
        Json,
        "The newest snapshot of the machine",
        answers!(|ctx, request| Ok(status::get(&*ctx.port))),
    ),
    Route::new(
        GET,
        "/api/motion/limits",
        Local,
        Nothing,
        Json,
        "Speed, acceleration and jerk limits",
        answers!(|ctx, request| Ok(motion::get(&ctx.settings))),
    ),
    Route::new(
        PUT,
        "/api/motion/limits",
        Local,
        DeclaredJson,
        Json,
        "Change some of the motion limits",
        answers!(|ctx, request| motion::put(&ctx.settings, &ctx.bus, request.body).await),
    ),
    Route::new(
        GET,
        "/api/sim",
        Local,
        Nothing,
        Json,
        "What is wrong with the simulated machine",
        answers!(|ctx, request| sim::get(ctx.port.simulated_operator())),
    ),
    Route::new(
        PUT,
        "/api/sim",
        Local,
        DeclaredJson,
        Json,
        "Make something go wrong with the simulated machine",
        answers!(|ctx, request| sim::put(ctx.port.simulated_operator(), request.body)),
    ),
    Route::new(
        GET,
        "/api/faults",
        Local,
        Nothing,
        Json,
        "What the flight recorder kept of faults",
        answers!(|ctx, request| faults::list(ctx.port.recordings())),
    ),
    Route::new(
        GET,
        "/api/faults/{id}",
        Local,
        Nothing,
        JsonOrCsv,
        "One of its recordings, as JSON or as CSV",
        answers!(|ctx, request| faults::get(ctx.port.recordings(), &request).await),
    ),
    Route::new(
        GET,
        "/api/sensor",
        Local,
        Nothing,
        Json,
        "How the force sensor gets on",
        answers!(|ctx, request| sensor::get(ctx.port.load_cell())),
    ),
    Route::new(
        POST,
        "/api/sensor/tare",
        Local,
        DeclaredJson,
        Json,
        "Make the present reading the one of no force",
        answers!(|ctx, request| sensor::tare(ctx.port.load_cell(), request.body).await),
    ),
    Route::new(
        POST,
        "/api/sensor/calibrate",
        Local,
        DeclaredJson,
        Json,
        "Take the present load for a known weight",
        answers!(|ctx, request| sensor::calibrate(ctx.port.load_cell(), request.body).await),
    ),
    // A machine subscribes to `command_all` and `status`; only Local may have every stream.
    Route::new(
        GET,
        "/api/stream/{name}",
        Machine,
        Nothing,
        Socket,
        "WebSocket: a stream of messages",
        Handler::Upgrades(stream::open),
    ),
    Route::new(
        GET,
        "/api/waves",
        Local,
        Nothing,
        Json,
        "The saved waves",
        answers!(|ctx, request| Ok(waves::list(&*ctx.store))),
    ),
    Route::new(
        GET,
        "/api/waves/{name}",
        Local,
        Nothing,
        Json,
        "A saved wave",
        answers!(|ctx, request| waves::get(&*ctx.store, &request)),
    ),
    Route::new(
        PUT,
        "/api/waves/{name}",
        Local,
        DeclaredJson,
        Json,
        "Save a wave under a name",
        answers!(|ctx, request| waves::put(&*ctx.store, request).await),
    )
    .limited(BodyLimit::Wave),
    Route::new(
        DELETE,
        "/api/waves/{name}",
        Local,
        Nothing,
        Json,
        "Forget a saved wave",
        answers!(|ctx, request| waves::delete(&*ctx.store, &request).await),
    ),
    Route::new(
        POST,
        "/api/waves/{name}/run",
        Local,
        Nothing,
        Json,
        "Run a saved wave until END or STOP",
        answers!(|ctx, request| waves::run(&*ctx.store, &ctx.wave_requests, &request).await),
    ),
    Route::new(
        GET,
        "/api/sessions",
        Local,
        Nothing,
        Json,
        "When the machine moved, how far, and why it ended",
        answers!(|ctx, request| Ok(sessions::list(&*ctx.store))),
    ),
    Route::new(
        GET,
        "/api/backup",
        Local,
        Nothing,
        Json,
        "Everything that is remembered, as one document",
        answers!(|ctx, request| Ok(backup::get(&*ctx.store))),
    ),
    Route::new(
        POST,
        "/api/backup",
        Local,
        JsonFile,
        Json,
        "Replace everything by what a document says",
        answers!(|ctx, request| backup::post(&ctx.settings, &ctx.bus, request.body).await),
    )
    .limited(BodyLimit::Backup),
    Route::new(
        GET,
        "/api/state",
        Local,
        Nothing,
        Json,
        "How the store started, and what is in it",
        answers!(|ctx, request| Ok(backup::state(&*ctx.store, &ctx.settings.current()))),
    ),
    Route::new(
        GET,
        "/api/openapi.json",
        Local,
        Nothing,
        Json,
        "These routes, for programs",
        answers!(|ctx, request| Ok(docs::openapi(ROUTES))),
    ),
    Route::new(
        GET,
        "/docs",
        Local,
        Nothing,
        Html,
        "These routes, for people",
        answers!(|ctx, request| Ok(docs::page(ROUTES))),
    ),
    Route::new(
        GET,
        "/redoc",
        Local,
        Nothing,
        Html,
        "These routes, for people",
        answers!(|ctx, request| Ok(docs::page(ROUTES))),
    ),
    Route::new(
        GET,
        "/docs/oauth2-redirect",
        Local,
        Nothing,
        Html,
        "These routes, for people",
        answers!(|ctx, request| Ok(docs::page(ROUTES))),
    ),
];
