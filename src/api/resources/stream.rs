//! `/api/stream/{name}`: becomes a WebSocket.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::{Request, StatusCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::api::answer::{self, HandlerResult};
use crate::api::bus::{COMMANDS, STATUS};
use crate::api::client::Client;
use crate::api::connection::Connection;
use crate::api::context::Context;
use crate::api::problem::ProblemCode;
use crate::api::socket;
use crate::api::source::{self, MessageSource};
use crate::auth::Role;

/// The version of the protocol, the only one there ever was.
const VERSION: &str = "13";

/// Answers the handshake and leaves the socket to a task. Extensions and subprotocols are not taken.
///
/// # Errors
/// 404 for a stream that there is not, 403 for one that is not for this role, 400 and 426 for a bad handshake, 503 when there are too
/// many sockets.
pub fn open(
    ctx: Arc<Context>,
    connection: Arc<Connection>,
    request: &mut Request<Incoming>,
    mut values: Vec<String>,
    role: Role,
    client: Client,
) -> HandlerResult {
    let stream = values.pop().unwrap_or_default();
    if !source::STREAMS.contains(&stream.as_str()) {
        let why = format!("there is no stream of this name: {}", source::STREAMS.join(", "));
        return Err(answer::refuse(ProblemCode::UnknownStream, why));
    }
    if role < Role::Local && ![COMMANDS, STATUS].contains(&stream.as_str()) {
        return Err(answer::forbidden());
    }
    let headers = request.headers();
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != VERSION) {
        let refusal = answer::refuse(ProblemCode::WebSocketVersion, "only WebSocket version 13 is spoken");
        return Err(refusal.with(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION)));
    }
    let Some(key) = headers.get(SEC_WEBSOCKET_KEY) else {
        return Err(answer::refuse(ProblemCode::BadHandshake, "the WebSocket key is missing"));
    };
    let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) else {
        return Err(answer::refuse(ProblemCode::BadHandshake, "the WebSocket key is not usable"));
    };
    let Some(slot) = connection.take_socket() else {
        return Err(answer::refuse(ProblemCode::TooManySockets, "too many sockets are open"));
    };
    let upgrade = hyper::upgrade::on(request);
    // Subscribed before the client can know that it is connected: nothing that follows is missed.
    let source = MessageSource::of(&ctx, &stream);
    tokio::spawn(async move {
        socket::serve(ctx, upgrade, source, (role, client), connection).await;
        drop(slot);
    });
    let mut answer = answer::empty(StatusCode::SWITCHING_PROTOCOLS);
    let said = answer.headers_mut();
    said.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    said.insert(UPGRADE, HeaderValue::from_static("websocket"));
    said.insert(SEC_WEBSOCKET_ACCEPT, accept);
    Ok(answer)
}
