//! API v1 around what is stored, the force sensor, and the simulated machine.

use hyper::Method;

use super::of;
use crate::api::documents::backup::{RestoreResult, StoreDocument};
use crate::api::documents::faults::{RecordingDocument, RecordingList};
use crate::api::documents::sensor::{
    CalibrateSensorRequest, ForceSensorDocument, ScaleResult, TareRequest, TareResult,
};
use crate::api::documents::sessions::SessionsDocument;
use crate::api::documents::settings as settings_document;
use crate::api::documents::sim::{SimDocument, SimRequest};
use crate::api::documents::success::SuccessDocument;
use crate::api::documents::wave::{SavedWavesDocument, WaveBody, WavePreview};
use crate::api::request::BodyType::JsonFile;
use crate::api::resources::{backup, faults, sensor, sessions, settings, sim, waves};
use crate::api::route::AnswerType::JsonOrCsv;
use crate::api::route::{BodyLimit, Handler, Route};
use crate::auth::Right::{Administer, Observe, Operate};
use crate::store::BackupDocument;

const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

/// The rows.
pub(super) fn rows() -> Vec<Route> {
    vec![
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
            answers!(|ctx, request| settings::put(&ctx, request).await),
        )
        .takes(settings_document::change_schema)
        .gives(settings_document::schema),
        Route::act(
            POST,
            "/api/v1/settings/reset",
            Administer,
            "Put all settings back to their defaults",
            answers!(|ctx, request| settings::reset(&ctx, &request).await),
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
            answers!(|ctx, request| Ok(sessions::list(&*ctx.store, &ctx.options.session))),
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
            answers!(|ctx, request| backup::post(&ctx, request).await),
        )
        .takes(of::<BackupDocument<'static>>)
        .gives(of::<RestoreResult>)
        .with_body(JsonFile)
        .with_query(backup::QUERY)
        .limited(BodyLimit::File),
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
    ]
}
