//! WebSockets of feeds: T-Code in frames, and messages for a Buttplug server.
//!
//! A ping each second that nobody answers for 3 s ends the socket, as a dead connection says nothing.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::link::FeedLink;
use super::service::FeedService;
use super::streams::TcodeCommands;
use crate::feeds::buttplug::{
    ButtplugAct, ButtplugOutcome, ButtplugReading, ButtplugSession, ButtplugStep, ReadingKind,
};
use crate::feeds::tcode::TcodeSession;

/// Longest frame.
const FRAME_BYTES: usize = 64 * 1024;
const PING_EVERY: Duration = Duration::from_secs(1);
const SILENT: Duration = Duration::from_secs(3);
/// A client that does not take a frame for so long has gone.
const SEND_TIME: Duration = Duration::from_secs(1);
/// How often a client that has subscribed hears a reading.
const READING_EVERY: Duration = Duration::from_millis(100);

/// The limits of a feed's socket.
#[must_use]
pub fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4 * 1024)
        .max_message_size(Some(FRAME_BYTES))
        .max_frame_size(Some(FRAME_BYTES))
}

/// One socket with its pings.
struct FeedSocket<S> {
    socket: WebSocketStream<S>,
    heard: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> FeedSocket<S> {
    fn new(socket: WebSocketStream<S>) -> FeedSocket<S> {
        FeedSocket { socket, heard: Instant::now() }
    }

    /// Sends a frame; false if the client has gone.
    async fn send(&mut self, frame: Message) -> bool {
        matches!(timeout(SEND_TIME, self.socket.send(frame)).await, Ok(Ok(())))
    }

    /// A ping is due; false if nobody answers.
    async fn ping(&mut self, link: &FeedLink) -> bool {
        if self.heard.elapsed() >= SILENT {
            return false;
        }
        link.is_alive();
        self.send(Message::Ping(Vec::new().into())).await
    }

    /// The next frame with content; none at the end.
    async fn next(&mut self) -> Option<Message> {
        let frame = self.socket.next().await?.ok()?;
        self.heard = Instant::now();
        (!frame.is_close()).then_some(frame)
    }

    async fn close(mut self) {
        let _ = timeout(SEND_TIME, self.socket.close(None)).await;
    }
}

/// Serves T-Code to the end of the socket.
pub async fn serve_tcode<S: AsyncRead + AsyncWrite + Unpin>(socket: WebSocketStream<S>, link: FeedLink) {
    let mut socket = FeedSocket::new(socket);
    let mut session = TcodeSession::default();
    let mut pings = interval(PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let frame = tokio::select! {
            frame = socket.next() => frame,
            _ = pings.tick() => {
                if !socket.ping(&link).await {
                    break;
                }
                continue;
            }
        };
        let (bytes, is_text) = match frame {
            None => break,
            Some(Message::Text(text)) => (bytes::Bytes::from(text), true),
            Some(Message::Binary(bytes)) => (bytes, false),
            Some(_) => continue,
        };
        let mut commands = TcodeCommands::default();
        session.feed_frame(&bytes, |event| commands.add(event));
        for answer in commands.carry_out(&link).await {
            let frame = if is_text {
                Message::text(answer.text_frame())
            } else {
                Message::binary(answer.line().into_bytes())
            };
            if !socket.send(frame).await {
                return;
            }
        }
    }
    socket.close().await;
}

/// Serves a client of a Buttplug server to the end of the socket.
pub async fn serve_buttplug<S: AsyncRead + AsyncWrite + Unpin>(socket: WebSocketStream<S>, link: FeedLink) {
    let service = Arc::clone(link.service());
    let mut socket = FeedSocket::new(socket);
    let session = ButtplugSession::new();
    let mut session = if service.stored().vibration { session.offering_vibration() } else { session };
    let (mut pings, mut readings) = (interval(PING_EVERY), interval(READING_EVERY));
    for ticks in [&mut pings, &mut readings] {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    loop {
        let text = tokio::select! {
            frame = socket.next() => match frame {
                None => break,
                Some(Message::Text(text)) => text,
                Some(_) => continue,
            },
            _ = pings.tick() => {
                if !socket.ping(&link).await {
                    break;
                }
                continue;
            }
            _ = readings.tick() => {
                if !send_readings(&mut socket, &session, &service).await {
                    break;
                }
                continue;
            }
        };
        let knew_name = session.client_name().is_some();
        for step in session.read(&text) {
            let (answer, leaves) = match step {
                ButtplugStep::Answer(answer) => (answer, false),
                ButtplugStep::Ask { id, act } => {
                    let outcome = carry_out(act, &link, &service).await;
                    (session.answer(id, outcome), act == ButtplugAct::Leave)
                }
            };
            if !socket.send(Message::text(answer)).await {
                return;
            }
            if leaves {
                return socket.close().await;
            }
        }
        if let (false, Some(name)) = (knew_name, session.client_name()) {
            link.rename(name);
        }
    }
    socket.close().await;
}

async fn carry_out(
    act: ButtplugAct,
    link: &FeedLink,
    service: &FeedService,
) -> Result<ButtplugOutcome, String> {
    let done = match act {
        ButtplugAct::Toward(target) => link.toward(target).await,
        ButtplugAct::Oscillate { share } => link.stroke(share).await,
        ButtplugAct::Vibrate { share } => link.vibrate(share).await,
        ButtplugAct::Stop | ButtplugAct::Leave => {
            link.stop().await;
            Ok(())
        }
        ButtplugAct::Read(kind) => return reading(kind, service).map(ButtplugOutcome::Reading),
        ButtplugAct::Subscribe(kind) => return reading(kind, service).map(|_| ButtplugOutcome::Done),
        ButtplugAct::Unsubscribe(_) => Ok(()),
    };
    done.map(|()| ButtplugOutcome::Done).map_err(|refusal| refusal.to_string())
}

/// A reading now, or why there is none.
fn reading(kind: ReadingKind, service: &FeedService) -> Result<ButtplugReading, String> {
    let now = service.now();
    match kind {
        ReadingKind::Position => now
            .position_mm
            .map(|position_mm| ButtplugReading::Position { share: service.window().share(position_mm) })
            .ok_or_else(|| "the position is not known: calibrate on the machine's page".to_owned()),
        ReadingKind::Pressure => now
            .force_g
            .map(|force_g| ButtplugReading::Pressure { force_g })
            .ok_or_else(|| "this machine has no force sensor that answers".to_owned()),
    }
}

async fn send_readings<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut FeedSocket<S>,
    session: &ButtplugSession,
    service: &FeedService,
) -> bool {
    for kind in [ReadingKind::Position, ReadingKind::Pressure] {
        if !session.is_subscribed(kind) {
            continue;
        }
        let frame = reading(kind, service).ok().and_then(|reading| session.reading(reading));
        if let Some(frame) = frame
            && !socket.send(Message::text(frame)).await
        {
            return false;
        }
    }
    true
}
