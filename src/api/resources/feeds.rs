//! `/api/v1/feeds`, and the WebSocket `/ws`: other programs that move the axis.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{CONTENT_DISPOSITION, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::{not_kept, senseless};
use crate::api::answer::{self, Answer, HandlerResult, Rejection};
use crate::api::charge::client::Client;
use crate::api::connection::Connection;
use crate::api::context::Context;
use crate::api::documents::feeds::{
    FeedLinkDocument, FeedListenerDocument, FeedMirrorDocument, FeedWindowDocument, FeedsChange,
    FeedsDocument, FeedsResume,
};
use crate::api::feeds::admission::FeedProtocol;
use crate::api::feeds::link::{LinkFigures, LinkNumber, LinkOrigin};
use crate::api::feeds::mirrors::MirrorState;
use crate::api::feeds::sockets;
use crate::api::fields::Complaint;
use crate::api::handshake;
use crate::api::problem::ProblemCode;
use crate::api::query;
use crate::api::request::RoutedRequest;
use crate::api::route::QueryParameter;
use crate::api::telemetry::FeedTelemetry;
use crate::auth::{Right, host};
use crate::feeds::tcode::wsdm::{self, DeviceConfigFormat};
use crate::store::FeedSettings;
use crate::store::feeds::StoredWindow;

/// The feeds.
pub fn get(ctx: &Context) -> Answer {
    answer::ok(&document(ctx))
}

fn document(ctx: &Context) -> FeedsDocument {
    let (stored, window) = (ctx.feeds.stored(), ctx.feeds.window());
    let (links, owner) = ctx.feeds.links();
    let motion = ctx.feeds.now().feed.map(FeedTelemetry::from);
    let listeners = ctx.feed_listeners.states().into_iter().map(|state| FeedListenerDocument {
        name: state.door.name().to_owned(),
        address: state.address,
        trouble: state.trouble,
    });
    let mirrors = ctx.feed_mirrors.states().into_iter();
    let mirrors = mirrors.map(|MirrorState { to, sent, trouble }| FeedMirrorDocument { to, sent, trouble });
    FeedsDocument {
        window: FeedWindowDocument { back_mm: window.back_mm, front_mm: window.front_mm },
        window_is_whole: stored.window.is_none(),
        vibration: stored.vibration,
        vibration_speed_share: stored.vibration_speed_share,
        tcode_beyond_loopback: stored.tcode_beyond_loopback,
        buttplug_beyond_loopback: stored.buttplug_beyond_loopback,
        allowed_hosts: stored.allowed_hosts,
        is_latched: ctx.feeds.is_latched(),
        links: links.iter().map(|(number, figures)| link(*number, figures, owner)).collect(),
        motion,
        listeners: listeners.collect(),
        mirrors: mirrors.collect(),
    }
}

fn link(number: LinkNumber, figures: &LinkFigures, owner: Option<LinkNumber>) -> FeedLinkDocument {
    let LinkOrigin { protocol, transport, peer } = &figures.origin;
    FeedLinkDocument {
        number,
        protocol: protocol.name().to_owned(),
        transport: (*transport).to_owned(),
        peer: peer.map(|peer| peer.to_string()),
        name: figures.client.name.to_string(),
        since_s: figures.since.elapsed().as_secs_f64(),
        is_owner: owner == Some(number),
        per_s: figures.per_s(),
        jitter_ms: figures.jitter_s() * 1e3,
        received: figures.received,
        refused: figures.refused,
        refusal: figures.refusal.as_ref().map(ToString::to_string),
        is_barred: figures.is_barred,
    }
}

/// Changes what feeds may do.
///
/// # Errors
/// 403 for what takes an admin, 415, 422, 503.
pub async fn change(ctx: &Context, request: RoutedRequest) -> HandlerResult {
    let client = request.client;
    let change: FeedsChange = request.body.typed()?;
    let opens = change.tcode_beyond_loopback.is_some()
        || change.buttplug_beyond_loopback.is_some()
        || change.allowed_hosts.is_some();
    if opens && !client.caller.role.has(Right::Administer) {
        return Err(answer::forbidden());
    }
    let settings = changed(ctx.feeds.stored(), change)?;
    ctx.feeds.change(settings).await.map_err(|error| not_kept("feeds", &error))?;
    ctx.player.window_changed().await;
    ctx.feed_listeners.look_again();
    Ok(get(ctx))
}

fn changed(mut settings: FeedSettings, change: FeedsChange) -> Result<FeedSettings, Rejection> {
    let FeedsChange {
        window,
        whole_window,
        vibration,
        vibration_speed_share,
        tcode_beyond_loopback,
        buttplug_beyond_loopback,
        allowed_hosts,
    } = change;
    if whole_window == Some(true) {
        settings.window = None;
    }
    if let Some(FeedWindowDocument { back_mm, front_mm }) = window {
        settings.window = Some(StoredWindow { back_mm, front_mm });
    }
    settings.vibration = vibration.unwrap_or(settings.vibration);
    settings.vibration_speed_share = vibration_speed_share.unwrap_or(settings.vibration_speed_share);
    settings.tcode_beyond_loopback = tcode_beyond_loopback.unwrap_or(settings.tcode_beyond_loopback);
    settings.buttplug_beyond_loopback = buttplug_beyond_loopback.unwrap_or(settings.buttplug_beyond_loopback);
    settings.allowed_hosts = allowed_hosts.unwrap_or(settings.allowed_hosts);
    match settings.check() {
        Ok(()) => Ok(settings),
        Err(why) => {
            let complaint: Complaint = senseless("body", "feeds", why);
            Err(answer::unprocessable(&[complaint]))
        }
    }
}

/// Lets feeds move the axis again, for a person who has seen the newest STOP.
///
/// # Errors
/// 409 if another STOP came since, 415, 422.
pub fn resume(ctx: &Context, request: RoutedRequest) -> HandlerResult {
    let FeedsResume { after_stop } = request.body.typed()?;
    if ctx.feeds.resume(after_stop) {
        return Ok(get(ctx));
    }
    Err(answer::refuse(
        ProblemCode::Stopped,
        "another STOP came since: look at the machine, then let programs go on",
    ))
}

/// The parameters of the query for Intiface's file.
pub const INTIFACE_QUERY: &[QueryParameter] = &[QueryParameter {
    name: "major",
    summary: "Format of the file: 5, or 4 for an Intiface that refuses it as too new. 5 if left out.",
    range: Some((4.0, 5.0)),
    kind: "integer",
    words: &[],
}];

/// The user device configuration of Intiface, as a file to download.
///
/// # Errors
/// 422 for another format.
pub fn intiface_config(query: &str) -> HandlerResult {
    let format = match query::last(query, "major").as_deref() {
        None | Some("5") => DeviceConfigFormat::V5,
        Some("4") => DeviceConfigFormat::V4,
        Some(_) => {
            let complaint = senseless("query", "major", "must be 4 or 5");
            return Err(answer::unprocessable(&[complaint]));
        }
    };
    let mut answer = answer::typed(StatusCode::OK, "application/json", wsdm::device_config(format));
    let name = format!("attachment; filename=\"{}\"", wsdm::DEVICE_CONFIG_NAME);
    if let Ok(name) = HeaderValue::from_str(&name) {
        answer.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    Ok(answer)
}

/// T-Code in the frames of a WebSocket on the server's own port.
///
/// # Errors
/// 400 and 426 for a bad handshake, 403 for who may not move the axis, 503 when there are too many sockets.
pub fn open(
    ctx: Arc<Context>,
    connection: Arc<Connection>,
    request: &mut Request<Incoming>,
    _: Vec<String>,
    client: Client,
) -> HandlerResult {
    let may_move = client.caller.role.has(Right::Operate);
    if !may_move && !ctx.feeds.admits_guest(FeedProtocol::Tcode, connection.peer) {
        let sent = host::sent(request.headers()).unwrap_or_default();
        return Err(answer::refuse_role(client.caller, sent));
    }
    let (upgrade, slot, answer) = handshake::accept(&connection, request)?;
    let peer = Some(SocketAddr::from((connection.peer, 0)));
    let origin = LinkOrigin { protocol: FeedProtocol::Tcode, transport: "WebSocket", peer };
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            let io = TokioIo::new(upgraded);
            let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(sockets::config())).await;
            let link = ctx.feeds.open_for(origin);
            tokio::select! {
                () = sockets::serve_tcode(socket, link) => {}
                () = connection.closing() => {}
            }
        }
        drop(slot);
    });
    Ok(answer)
}
