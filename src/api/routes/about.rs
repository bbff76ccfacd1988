//! The documents of the API, figures, the log, and the control socket.

use hyper::Method;

use super::{ROUTES, of};
use crate::api::control::session as control;
use crate::api::documents::log::LogDocument;
use crate::api::documents::support::{SupportContents, SupportDocument};
use crate::api::request::BodyType::Nothing;
use crate::api::resources::{docs, log, metrics, support};
use crate::api::route::AnswerType::{Html, Metrics, Script, Socket};
use crate::api::route::{Handler, Route};
use crate::auth::Right::{Administer, Anyone, Observe};

const GET: Method = Method::GET;

/// The rows.
pub(super) fn rows() -> Vec<Route> {
    vec![
        Route::get(
            "/api/v1/openapi.json",
            Anyone,
            "These routes, for programs",
            answers!(|ctx, request| Ok(docs::openapi(&ROUTES))),
        )
        .rarely_changes(),
        Route::get(
            "/metrics",
            Observe,
            "Figures for Prometheus",
            answers!(|ctx, request| Ok(metrics::get(&ctx))),
        )
        .answers_with(Metrics),
        Route::get(
            "/api/v1/log",
            Administer,
            "The program's own log since its start, as far as it is kept",
            answers!(|ctx, request| log::get(&ctx.options.log, &request)),
        )
        .with_query(log::QUERY)
        .gives(of::<LogDocument>),
        Route::get(
            "/api/v1/support",
            Administer,
            "Everything that somebody needs to know who helps from far away, without secrets",
            answers!(|ctx, request| support::get(&ctx).await),
        )
        .gives(of::<SupportDocument>),
        Route::get(
            "/api/v1/support/contents",
            Administer,
            "What is in the support data, before it is made",
            answers!(|ctx, request| Ok(support::contents())),
        )
        .gives(of::<SupportContents>),
        Route::new(
            GET,
            "/api/v1/socket",
            Observe,
            Nothing,
            Socket,
            "WebSocket: commands, the state, live samples and events",
            Handler::Upgrades(control::open),
        ),
        Route::new(
            GET,
            "/api/v1/app-presence.js",
            Anyone,
            Nothing,
            Script,
            "A script for a page of the clients' old contract: says that the page is there",
            answers!(|ctx, request| Ok(docs::app_presence())),
        )
        .rarely_changes(),
        Route::new(
            GET,
            "/docs",
            Anyone,
            Nothing,
            Html,
            "These routes, for people",
            answers!(|ctx, request| Ok(docs::page(&ROUTES))),
        )
        .rarely_changes(),
        Route::new(
            GET,
            "/redoc",
            Anyone,
            Nothing,
            Html,
            "These routes, for people",
            answers!(|ctx, request| Ok(docs::page(&ROUTES))),
        ),
        Route::new(
            GET,
            "/docs/oauth2-redirect",
            Anyone,
            Nothing,
            Html,
            "These routes, for people",
            answers!(|ctx, request| Ok(docs::page(&ROUTES))),
        ),
    ]
}
