//! API v1 around what the machine plays itself: patterns and scripts.

use hyper::Method;

use super::of;
use crate::api::documents::command::CommandAnswer;
use crate::api::documents::patterns::{PatternChange, PatternRequest, PatternsDocument};
use crate::api::documents::player::{
    ClockDocument, PlayRequest, PlayerChange, PlayerDocument, SourceRequest,
};
use crate::api::documents::scripts::{ScriptDocument, ScriptsDocument};
use crate::api::documents::success::SuccessDocument;
use crate::api::request::BodyType::Nothing;
use crate::api::resources::{patterns, player, scripts};
use crate::api::route::AnswerType::JsonOrCsv;
use crate::api::route::{Handler, Route};
use crate::auth::Right::{Administer, Observe, Operate};
use crate::store::PatternSettings;

/// The rows.
pub(super) fn rows() -> Vec<Route> {
    vec![
        Route::get(
            "/api/v1/patterns",
            Observe,
            "The patterns, those that are saved, and the one that runs",
            answers!(|ctx, request| Ok(patterns::get(&ctx))),
        )
        .gives(of::<PatternsDocument>),
        Route::act(
            Method::POST,
            "/api/v1/patterns/run",
            Operate,
            "Run a pattern; while one runs, go over to it",
            answers!(|ctx, request| patterns::run(&ctx, request).await),
        )
        .takes(of::<PatternRequest>)
        .gives(of::<CommandAnswer>),
        Route::act(
            Method::PATCH,
            "/api/v1/patterns/run",
            Operate,
            "Change the pattern that runs: its parameters, or a pause",
            answers!(|ctx, request| patterns::change(&ctx, request).await),
        )
        .takes(of::<PatternChange>)
        .gives(of::<PatternsDocument>),
        Route::act(
            Method::PUT,
            "/api/v1/patterns/saved/{name}",
            Operate,
            "Save a pattern under a name",
            answers!(|ctx, request| patterns::save(&ctx, request).await),
        )
        .takes(of::<PatternSettings>)
        .gives(of::<PatternsDocument>),
        Route::act(
            Method::DELETE,
            "/api/v1/patterns/saved/{name}",
            Operate,
            "Delete a saved pattern",
            answers!(|ctx, request| patterns::delete(&ctx, &request).await),
        )
        .gives(of::<SuccessDocument>),
        Route::get(
            "/api/v1/scripts",
            Observe,
            "The scripts that are kept",
            answers!(|ctx, request| scripts::list(&ctx).await),
        )
        .gives(of::<ScriptsDocument>),
        Route::get(
            "/api/v1/scripts/{name}",
            Observe,
            "A script, and what it asks of the axis",
            answers!(|ctx, request| scripts::get(&ctx, &request).await),
        )
        .with_query(scripts::QUERY)
        .gives(of::<ScriptDocument>),
        Route::act(
            Method::PUT,
            "/api/v1/scripts/{name}",
            Operate,
            "Put a script: a funscript, or lines of time and position",
            answers!(|ctx, request| scripts::put(&ctx, request).await),
        )
        .takes_file()
        .gives(of::<ScriptDocument>),
        Route::act(
            Method::DELETE,
            "/api/v1/scripts/{name}",
            Operate,
            "Remove a script",
            answers!(|ctx, request| scripts::remove(&ctx, &request).await),
        )
        .gives(of::<SuccessDocument>),
        Route::new(
            Method::GET,
            "/api/v1/scripts/{name}/file",
            Observe,
            Nothing,
            JsonOrCsv,
            "The file of a script, as it was put",
            answers!(|ctx, request| scripts::file(&ctx, &request).await),
        ),
        Route::get(
            "/api/v1/player",
            Observe,
            "The player of scripts",
            answers!(|ctx, request| Ok(player::get(&ctx))),
        )
        .gives(of::<PlayerDocument>),
        Route::act(
            Method::PATCH,
            "/api/v1/player",
            Operate,
            "Change what is played: pause, position, rate, offset, a part to repeat",
            answers!(|ctx, request| player::change(&ctx, request).await),
        )
        .takes(of::<PlayerChange>)
        .gives(of::<PlayerDocument>),
        Route::act(
            Method::POST,
            "/api/v1/player/play",
            Operate,
            "Play a script, a playlist, or what the video player plays",
            answers!(|ctx, request| player::play(&ctx, request).await),
        )
        .takes(of::<PlayRequest>)
        .gives(of::<PlayerDocument>),
        Route::act(
            Method::PUT,
            "/api/v1/player/source",
            Administer,
            "Set the video player that scripts are in step with",
            answers!(|ctx, request| player::set_source(&ctx, request).await),
        )
        .takes(of::<SourceRequest>)
        .gives(of::<PlayerDocument>),
        Route::get(
            "/api/v1/clock",
            Observe,
            "The server's clock, by which the position of a script can be given",
            answers!(|ctx, request| Ok(player::clock(&ctx))),
        )
        .gives(of::<ClockDocument>),
    ]
}
