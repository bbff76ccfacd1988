//! The handshake of a WebSocket (RFC 6455). Extensions and subprotocols are not taken.

use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, StatusCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::answer::{self, Answer, Rejection};
use super::connection::Connection;
use super::limiter::SocketSlot;
use super::problem::ProblemCode;

/// The version of the protocol, the only one there ever was.
const VERSION: &str = "13";

/// What comes of the handshake: the connection behind it, the slot of the socket, and the answer.
///
/// # Errors
/// 400 and 426 for a bad handshake, 503 when there are too many sockets.
pub fn accept(
    connection: &Connection,
    request: &mut Request<Incoming>,
) -> Result<(OnUpgrade, SocketSlot, Answer), Rejection> {
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
    let mut answer = answer::empty(StatusCode::SWITCHING_PROTOCOLS);
    let said = answer.headers_mut();
    said.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    said.insert(UPGRADE, HeaderValue::from_static("websocket"));
    said.insert(SEC_WEBSOCKET_ACCEPT, accept);
    Ok((upgrade, slot, answer))
}
