//! The route table: every request that is understood, one row each. The router, the documentation and the tests know nothing
//! else of a route. A handler picks the parts of the [`Context`](super::Context) that its resource uses.

use hyper::Method;
use schemars::{Schema, SchemaGenerator};

use super::control::session as control;
use super::documents::backup::{RestoreResult, StoreDocument};
use super::documents::command::{CommandAnswer, MotionRequest, RunRequest};
use super::documents::faults::{RecordingDocument, RecordingList};
use super::documents::info::{HealthDocument, InfoDocument, StopAnswer};
use super::documents::limits::LimitsDocument;
use super::documents::machine::MachineDocument;
use super::documents::sensor::{
    CalibrateSensorRequest, ForceSensorDocument, ScaleResult, TareRequest, TareResult,
};
use super::documents::sessions::SessionsDocument;
use super::documents::settings as settings_document;
use super::documents::sim::{SimDocument, SimRequest};
use super::documents::success::SuccessDocument;
use super::documents::wave::{SavedWavesDocument, WaveBody, WavePreview};
use super::request::BodyType::{Json as LenientJson, JsonFile, Nothing};
use super::resources::contract::{commands, curve, settings as clients_settings, setup, stream, wave};
use super::resources::{
    backup, docs, faults, info, limits, machine, metrics, sensor, sessions, settings, sim, stop, waves,
};
use super::route::AnswerType::{Html, Json, JsonOrCsv, Metrics, Socket};
use super::route::{BodyLimit, Handler, Route, Urgency};
use crate::auth::Right::{Administer, Anyone, Machine, Observe, Operate};
use crate::store::BackupDocument;

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

/// The schema of a type.
fn of<T: schemars::JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

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
        answers!(|ctx, request| Ok(info::get())),
    )
    .gives(of::<InfoDocument>),
    Route::get(
        "/api/v1/machine",
        Observe,
        "The state of the machine",
        answers!(|ctx, request| Ok(machine::get(&*ctx.port, &ctx.settings, &ctx.waves, &request))),
    )
    .gives(of::<MachineDocument>),
    Route::act(
        POST,
        "/api/v1/machine/run",
        Operate,
        "Run a wave until END or STOP; while one runs, go over to it smoothly",
        answers!(|ctx, request| {
            machine::run(&ctx.commands, &ctx.wave_requests, ctx.saved_waves(), request).await
        }),
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
        answers!(|ctx, request| Ok(limits::get(&*ctx.port, &ctx.settings))),
    )
    .rarely_changes()
    .gives(of::<LimitsDocument>),
    Route::act(
        PUT,
        "/api/v1/limits",
        Administer,
        "Change some of the limits of motion",
        answers!(|ctx, request| limits::put(&*ctx.port, &ctx.settings, &ctx.bus, request).await),
    )
    .takes(settings_document::limits_change_schema)
    .gives(of::<LimitsDocument>),
    Route::get(
        "/api/v1/settings",
        Administer,
        "The settings",
        answers!(|ctx, request| Ok(settings::get(&ctx.settings))),
    )
    .rarely_changes()
    .gives(settings_document::schema),
    Route::act(
        PUT,
        "/api/v1/settings",
        Administer,
        "Change some of the settings",
        answers!(|ctx, request| settings::put(&ctx.settings, &ctx.bus, request).await),
    )
    .takes(settings_document::change_schema)
    .gives(settings_document::schema),
    Route::act(
        POST,
        "/api/v1/settings/reset",
        Administer,
        "Put all settings back to their defaults",
        answers!(|ctx, request| settings::reset(&ctx.settings, &ctx.remote, &ctx.bus).await),
    )
    .gives(settings_document::schema),
    Route::get(
        "/api/v1/waves",
        Observe,
        "The saved waves",
        answers!(|ctx, request| Ok(ctx.saved_waves().list())),
    )
    .rarely_changes()
    .gives(of::<SavedWavesDocument>),
    Route::act(
        POST,
        "/api/v1/machine/preview",
        Observe,
        "The points of a wave, for drawing it",
        answers!(|ctx, request| waves::preview(&ctx.wave_requests, request).await),
    )
    .takes(of::<WaveBody>)
    .gives(of::<WavePreview>)
    .limited(BodyLimit::Wave),
    Route::get(
        "/api/v1/waves/{name}",
        Observe,
        "A saved wave",
        answers!(|ctx, request| ctx.saved_waves().get(&request)),
    )
    .rarely_changes()
    .gives(of::<WaveBody>),
    Route::act(
        PUT,
        "/api/v1/waves/{name}",
        Operate,
        "Save a wave under a name",
        answers!(|ctx, request| ctx.saved_waves().put(request).await),
    )
    .takes(of::<WaveBody>)
    .gives(of::<WaveBody>)
    .limited(BodyLimit::Wave),
    Route::act(
        DELETE,
        "/api/v1/waves/{name}",
        Operate,
        "Delete a saved wave",
        answers!(|ctx, request| ctx.saved_waves().delete(&request).await),
    )
    .gives(of::<SuccessDocument>),
    Route::get(
        "/api/v1/sensor",
        Observe,
        "The force sensor: its link, readings and scale",
        answers!(|ctx, request| sensor::get(ctx.port.load_cell())),
    )
    .gives(of::<ForceSensorDocument>),
    Route::act(
        POST,
        "/api/v1/sensor/tare",
        Operate,
        "Take the present reading as zero",
        answers!(|ctx, request| sensor::tare(ctx.port.load_cell(), request.body).await),
    )
    .takes(of::<TareRequest>)
    .gives(of::<TareResult>),
    Route::act(
        POST,
        "/api/v1/sensor/calibrate",
        Administer,
        "Compute the scale from a known weight",
        answers!(|ctx, request| sensor::calibrate(ctx.port.load_cell(), request.body).await),
    )
    .takes(of::<CalibrateSensorRequest>)
    .gives(of::<ScaleResult>),
    Route::get(
        "/api/v1/faults",
        Observe,
        "The recordings of faults, the newest first",
        answers!(|ctx, request| faults::list(ctx.port.recordings())),
    )
    .gives(of::<RecordingList>)
    .rarely_changes(),
    Route::get(
        "/api/v1/faults/{id}",
        Observe,
        "A recording, or a part of it, as JSON or as CSV",
        answers!(|ctx, request| faults::get(ctx.port.recordings(), &request).await),
    )
    .gives(of::<RecordingDocument>)
    .answers_with(JsonOrCsv)
    .with_query(faults::QUERY),
    Route::get(
        "/api/v1/sessions",
        Observe,
        "When the machine moved, how far, and why it ended",
        answers!(|ctx, request| Ok(sessions::list(&*ctx.store))),
    )
    .gives(of::<SessionsDocument>)
    .rarely_changes(),
    Route::get(
        "/api/v1/backup",
        Administer,
        "Everything that is stored, as one document",
        answers!(|ctx, request| Ok(backup::get(&*ctx.store))),
    )
    .gives(of::<BackupDocument<'static>>),
    Route::act(
        POST,
        "/api/v1/backup",
        Administer,
        "Replace everything that is stored by a backup",
        answers!(|ctx, request| backup::post(&ctx.settings, &ctx.bus, request).await),
    )
    .takes(of::<BackupDocument<'static>>)
    .gives(of::<RestoreResult>)
    .with_body(JsonFile)
    .with_query(backup::QUERY)
    .limited(BodyLimit::Backup),
    Route::get(
        "/api/v1/state",
        Observe,
        "How the store started, and what is in it",
        answers!(|ctx, request| Ok(backup::state(&*ctx.store, &ctx.settings.current()))),
    )
    .gives(of::<StoreDocument>),
    Route::get(
        "/api/v1/sim",
        Administer,
        "The faults that are injected into the simulated machine",
        answers!(|ctx, request| sim::get(ctx.port.simulated_operator())),
    )
    .gives(of::<SimDocument>),
    Route::act(
        PUT,
        "/api/v1/sim",
        Administer,
        "Inject faults into the simulated machine",
        answers!(|ctx, request| sim::put(ctx.port.simulated_operator(), request.body)),
    )
    .takes(of::<SimRequest>)
    .gives(of::<SimDocument>),
    Route::get(
        "/api/v1/openapi.json",
        Anyone,
        "These routes, for programs",
        answers!(|ctx, request| Ok(docs::openapi(ROUTES))),
    )
    .rarely_changes(),
    Route::get(
        "/metrics",
        Observe,
        "Figures for Prometheus",
        answers!(|ctx, request| Ok(metrics::get(&ctx))),
    )
    .answers_with(Metrics),
    Route::new(
        GET,
        "/api/v1/socket",
        Observe,
        Nothing,
        Socket,
        "WebSocket: commands, the state, live samples and events",
        Handler::Upgrades(control::open),
    ),
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
        Machine,
        "The settings",
        answers!(|ctx, request| clients_settings::get(&ctx.settings, &request)),
    ),
    Route::new(
        PUT,
        "/api/settings/{model}/{id}",
        Machine,
        LenientJson,
        Json,
        "Change some of the settings",
        answers!(|ctx, request| {
            clients_settings::put(&ctx.settings, &ctx.remote, &ctx.bus, request).await
        }),
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
    Route::act(
        POST,
        "/api/setup/initialize",
        Administer,
        "Put all settings back to their defaults",
        answers!(|ctx, request| setup::initialize(&ctx.settings, &ctx.remote).await),
    ),
    // A machine subscribes to `command_all` and `status`; only Observe may have every stream.
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
        "/docs",
        Anyone,
        Nothing,
        Html,
        "These routes, for people",
        answers!(|ctx, request| Ok(docs::page(ROUTES))),
    )
    .rarely_changes(),
    Route::new(
        GET,
        "/redoc",
        Anyone,
        Nothing,
        Html,
        "These routes, for people",
        answers!(|ctx, request| Ok(docs::page(ROUTES))),
    ),
    Route::new(
        GET,
        "/docs/oauth2-redirect",
        Anyone,
        Nothing,
        Html,
        "These routes, for people",
        answers!(|ctx, request| Ok(docs::page(ROUTES))),
    ),
];
