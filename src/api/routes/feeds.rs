//! API v1 around other programs that move the axis, and their WebSocket.

use hyper::Method;

use super::of;
use crate::api::documents::feeds::{FeedsChange, FeedsDocument, FeedsResume};
use crate::api::request::BodyType::Nothing;
use crate::api::resources::feeds;
use crate::api::route::AnswerType::Socket;
use crate::api::route::{Handler, Route};
use crate::auth::Right::{Anyone, Observe, Operate};

/// The rows.
pub(super) fn rows() -> Vec<Route> {
    let tcode = |path| {
        let summary = "WebSocket: T-Code, each frame one or more lines";
        Route::new(Method::GET, path, Anyone, Nothing, Socket, summary, Handler::Upgrades(feeds::open))
    };
    vec![
        Route::get(
            "/api/v1/feeds",
            Observe,
            "Other programs that move the axis, and what they may do",
            answers!(|ctx, request| Ok(feeds::get(&ctx))),
        )
        .gives(of::<FeedsDocument>),
        Route::act(
            Method::PATCH,
            "/api/v1/feeds",
            Operate,
            "Change what other programs may do; to switch them on for other computers takes an admin",
            answers!(|ctx, request| feeds::change(&ctx, request).await),
        )
        .takes(of::<FeedsChange>)
        .gives(of::<FeedsDocument>),
        Route::act(
            Method::POST,
            "/api/v1/feeds/resume",
            Operate,
            "Let other programs move the axis again, behind a STOP",
            answers!(|ctx, request| feeds::resume(&ctx, request)),
        )
        .takes(of::<FeedsResume>)
        .gives(of::<FeedsDocument>),
        Route::get(
            "/api/v1/feeds/intiface-config",
            Observe,
            "File for Intiface, with which it knows this axis as a device",
            answers!(|ctx, request| feeds::intiface_config(&request.query)),
        )
        .with_query(feeds::INTIFACE_QUERY),
        // As players expect it of a device.
        tcode("/ws"),
        tcode("/tcode"),
    ]
}
