//! WebSockets: one per client and stream.
//!
//! Two loops run beside each other for each socket. One speaks: what is published on the stream, and pings.
//! The other listens: a client may publish on any stream, whichever it opened. Neither waits for the other;
//! the first one that ends, ends the socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use hyper::Request;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::{self, CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::charge::client::{Client, Sign};
use super::close_reason::CloseReason;
use super::connection::Connection;
use super::context::Context;
use super::limits::ServerLimits;
use super::publisher::Publisher;
use super::source::MessageSource;

type Io = TokioIo<hyper::upgrade::Upgraded>;
/// A WebSocket, on the server's side.
pub(super) type Socket = WebSocketStream<Io>;

/// How long a client that is told to leave may take to hear it.
const GOODBYE_TIME: Duration = Duration::from_secs(1);
/// What is read and thrown away of a client that keeps sending meanwhile.
const DRAINED_BYTES: usize = 1024 * 1024;
/// A publisher takes a short breath after this many frames, so that the subscribers' queues can drain: it is
/// the one who floods that waits, never the one who listens.
const FRAMES_A_BREATH: u32 = 16;
const BREATH: Duration = Duration::from_millis(1);

/// The server's side of an upgraded connection.
pub(super) async fn server_side(upgraded: hyper::upgrade::Upgraded, limits: &ServerLimits) -> Socket {
    let config = WebSocketConfig::default()
        // The default of 128 KiB a socket is more than all of its messages together.
        .read_buffer_size(4 * 1024)
        .max_message_size(Some(limits.frame_bytes))
        .max_frame_size(Some(limits.frame_bytes));
    Socket::from_raw_socket(TokioIo::new(upgraded), protocol::Role::Server, Some(config)).await
}

/// The text of a frame, or none for a frame without one.
///
/// # Errors
/// Why the socket ends.
pub(super) fn text_of(frame: Option<Result<Message, Error>>) -> Result<Option<Utf8Bytes>, CloseReason> {
    match frame {
        None => Err(CloseReason::Left),
        Some(Ok(Message::Text(text))) => Ok(Some(text)),
        Some(Ok(Message::Binary(_))) => Err(CloseReason::BadFrame),
        // The answer to a ping or a close goes out when the next frame is asked for.
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_) | Message::Close(_))) => Ok(None),
        Some(Err(Error::Capacity(_))) => Err(CloseReason::TooLarge),
        Some(Err(Error::Utf8(_))) => Err(CloseReason::NotText),
        Some(Err(Error::Protocol(wrong))) if wrong != ProtocolError::ResetWithoutClosingHandshake => {
            Err(CloseReason::Protocol)
        }
        Some(Err(_)) => Err(CloseReason::Left),
    }
}

/// The pace at which the frames of one client are taken, so that it holds nobody else up.
#[derive(Debug, Default)]
pub(super) struct ListenPace {
    since_breath: u32,
}

impl ListenPace {
    /// Lets the others have their turn.
    pub(super) async fn breathe(&mut self) {
        self.since_breath += 1;
        if self.since_breath < FRAMES_A_BREATH {
            tokio::task::yield_now().await;
        } else {
            self.since_breath = 0;
            tokio::time::sleep(BREATH).await;
        }
    }
}

/// Serves one socket from the 101 to its end.
pub async fn serve(
    ctx: Arc<Context>,
    upgrade: OnUpgrade,
    source: MessageSource,
    client: Client,
    connection: Arc<Connection>,
) {
    let Ok(upgraded) = upgrade.await else { return };
    let limits = &ctx.options.limits;
    let socket = server_side(upgraded, limits).await;
    let (mut sink, mut frames) = socket.split();
    let publisher = Publisher::new(&ctx, client.clone());
    let heard = AtomicBool::new(true);
    let end = tokio::select! {
        end = listen(&mut frames, publisher, (&ctx, &client), &heard) => end,
        end = speak(&mut sink, source, &ctx, &heard) => end,
        () = ctx.devices.until_unknown(&client) => CloseReason::Revoked,
        () = connection.closing() => CloseReason::Restarting,
    };
    tracing::debug!(?end, peer = %connection.peer, "a socket ends");
    leave(sink, frames, end).await;
}

async fn listen(
    frames: &mut SplitStream<Socket>,
    mut publisher: Publisher,
    (ctx, client): (&Context, &Client),
    heard: &AtomicBool,
) -> CloseReason {
    let mut pace = ListenPace::default();
    loop {
        let frame = frames.next().await;
        heard.store(true, Relaxed);
        // A farewell, and a connection that breaks, are no signs of life.
        if matches!(&frame, Some(Ok(said)) if !said.is_close()) {
            ctx.waves.hear(client, Sign::Frame);
        }
        let end = match text_of(frame) {
            Ok(Some(text)) => publisher.take(text).await.err(),
            Ok(None) => None,
            Err(end) => Some(end),
        };
        if let Some(end) = end {
            return end;
        }
        pace.breathe().await;
    }
}

async fn speak(
    sink: &mut SplitSink<Socket, Message>,
    mut source: MessageSource,
    ctx: &Context,
    heard: &AtomicBool,
) -> CloseReason {
    let limits = &ctx.options.limits;
    let mut pings = interval_at(tokio::time::Instant::now() + limits.ping_time, limits.ping_time);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut silent = Duration::ZERO;
    loop {
        let message = tokio::select! {
            message = source.next() => match message {
                Some(text) => Message::Text(text),
                None => return CloseReason::TooSlow,
            },
            _ = pings.tick() => {
                silent = if heard.swap(false, Relaxed) { Duration::ZERO } else { silent + limits.ping_time };
                if silent >= limits.silent_time {
                    return CloseReason::TooSlow;
                }
                Message::Ping(bytes::Bytes::new())
            }
        };
        let sending = async {
            sink.feed(message).await?;
            // All that waits leaves together: one system call, and the queue is short again.
            while let Some(text) = source.waiting() {
                sink.feed(Message::Text(text)).await?;
            }
            sink.flush().await
        };
        match timeout(limits.send_time, sending).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return CloseReason::Left,
            Err(_) => return CloseReason::TooSlow,
        }
    }
}

/// Says why, and gives the client the time to hear it: a socket that is closed while its client still sends
/// is reset, and what was said last is lost.
pub(super) async fn leave(
    mut sink: SplitSink<Socket, Message>,
    frames: SplitStream<Socket>,
    end: CloseReason,
) {
    let goodbye = async {
        if let Some(code) = end.code() {
            let frame = CloseFrame { code, reason: end.reason().into() };
            sink.send(Message::Close(Some(frame))).await.ok()?;
        }
        let mut io = sink.reunite(frames).ok()?.into_inner();
        io.shutdown().await.ok()?;
        let (mut drained, mut buffer) = (0, [0; 1024]);
        while drained < DRAINED_BYTES {
            match io.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(count) => drained += count,
            }
        }
        Some(())
    };
    // Whoever takes longer is cut off.
    let _ = timeout(GOODBYE_TIME, goodbye).await;
}

/// Whether the request asks for a WebSocket.
#[must_use]
pub fn is_upgrade<B>(request: &Request<B>) -> bool {
    let says = |name, word: &str| {
        request
            .headers()
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.split(',').any(|token| token.trim().eq_ignore_ascii_case(word)))
    };
    says(hyper::header::CONNECTION, "upgrade") && says(hyper::header::UPGRADE, "websocket")
}
