//! `/api/stream/{name}`: becomes a WebSocket.

use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;

use crate::api::answer::{self, HandlerResult};
use crate::api::bus::{COMMANDS, STATUS};
use crate::api::charge::client::Client;
use crate::api::connection::Connection;
use crate::api::context::Context;
use crate::api::handshake;
use crate::api::problem::ProblemCode;
use crate::api::socket;
use crate::api::source::{self, MessageSource};
use crate::auth::Right;

/// Answers the handshake and leaves the socket to a task.
///
/// # Errors
/// 404 for a stream that there is not, 403 for one that is not for this role, 400 and 426 for a bad handshake, 503 when there are too
/// many sockets.
pub fn open(
    ctx: Arc<Context>,
    connection: Arc<Connection>,
    request: &mut Request<Incoming>,
    mut values: Vec<String>,
    client: Client,
) -> HandlerResult {
    let stream = values.pop().unwrap_or_default();
    if !source::STREAMS.contains(&stream.as_str()) {
        let why = format!("there is no stream of this name: {}", source::STREAMS.join(", "));
        return Err(answer::refuse(ProblemCode::UnknownStream, why));
    }
    if !client.caller.role.has(Right::Observe) && ![COMMANDS, STATUS].contains(&stream.as_str()) {
        return Err(answer::forbidden());
    }
    let (upgrade, slot, answer) = handshake::accept(&connection, request)?;
    // Subscribed before the client can know that it is connected: nothing that follows is missed.
    let source = MessageSource::of(&ctx, &stream);
    tokio::spawn(async move {
        socket::serve(ctx, upgrade, source, client, connection).await;
        drop(slot);
    });
    Ok(answer)
}
