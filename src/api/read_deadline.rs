//! Read deadline of a connection (slowloris guard), and since when it has stood still.
//!
//! The HTTP library has one timer for reading a header, which also runs while a kept-alive connection rests; here the
//! two are different: a header must come quickly, a rest may be long. [`TimedSocket`] sits between the socket and the library
//! and sees when bytes pass; the service says when a request is being read and answered. The
//! [connection limiter](super::limiter) closes first what has stood still longest.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::limits::ServerLimits;

/// What is written at once, and so is a segment of its own. Over loopback, whose segments may be larger than the send
/// buffer, a receiver would else acknowledge each of them after 40 ms only, as it waits for a second one.
const PART_BYTES: usize = 16 * 1024;
/// Buffers that are written together: a header and its content are two or three.
const PARTS: usize = 8;

/// What a connection is doing, with its beginning where that matters.
#[derive(Debug, Clone, Copy, PartialEq)]
enum ConnectionPhase {
    /// A header is on its way, or the first one is awaited.
    Header(Instant),
    /// The body of a request is on its way; [`ServerLimits::body_time`] holds here.
    Body(Instant),
    /// A handler is at work.
    Answering,
    /// The answer is handed over; since its last byte left, the connection rests.
    Resting(Instant),
    /// It is a WebSocket, which has rules of its own.
    Socket,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Doing {
    phase: ConnectionPhase,
    /// Its place was given to another connection: it ends then, unless it gets one again.
    closes: Option<Instant>,
}

/// What a connection is doing, and who waits for a change of it: the one task of the connection. A channel that many may wait on
/// costs ten times as much, four times a request.
#[derive(Debug)]
struct Shared {
    doing: Mutex<Doing>,
    changed: Notify,
}

/// The phase of one connection, shared by its socket, its service, its deadline and the limiter.
#[derive(Debug, Clone)]
pub struct ReadDeadline {
    shared: Arc<Shared>,
    /// For the first header.
    header_time: Duration,
}

impl ReadDeadline {
    /// Of a connection that begins now, and has `header_time` for its first request's header.
    #[must_use]
    pub fn new(header_time: Duration) -> ReadDeadline {
        let doing = Doing { phase: ConnectionPhase::Header(Instant::now()), closes: None };
        let shared = Arc::new(Shared { doing: Mutex::new(doing), changed: Notify::new() });
        ReadDeadline { shared, header_time }
    }

    /// A header is complete.
    pub fn answering(&self) {
        self.enter(ConnectionPhase::Answering);
    }

    /// A body is being read.
    pub fn reading_body(&self) {
        self.enter(ConnectionPhase::Body(Instant::now()));
    }

    /// The answer is handed over.
    pub fn resting(&self) {
        self.enter(ConnectionPhase::Resting(Instant::now()));
    }

    /// It becomes a WebSocket, for the rest of its life.
    pub fn socket(&self) {
        self.enter(ConnectionPhase::Socket);
    }

    fn doing(&self) -> MutexGuard<'_, Doing> {
        self.shared.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what it is doing; `change` says whether it did. A change while nobody waits is kept for who waits next.
    fn change(&self, change: impl FnOnce(&mut Doing) -> bool) {
        if change(&mut self.doing()) {
            self.shared.changed.notify_one();
        }
    }

    fn enter(&self, next: ConnectionPhase) {
        self.change(|doing| {
            let enters = doing.phase != ConnectionPhase::Socket;
            if enters {
                doing.phase = next;
            }
            enters
        });
    }

    /// Since when it has stood still; none while it is at work.
    #[must_use]
    pub fn idle_since(&self) -> Option<Instant> {
        match self.doing().phase {
            ConnectionPhase::Header(since)
            | ConnectionPhase::Body(since)
            | ConnectionPhase::Resting(since) => Some(since),
            ConnectionPhase::Answering | ConnectionPhase::Socket => None,
        }
    }

    /// Closes it after `grace`.
    pub fn evict(&self, grace: Duration) {
        self.change(|doing| {
            doing.closes = Some(Instant::now() + grace);
            true
        });
    }

    /// Closes it no more.
    pub fn readmit(&self) {
        self.change(|doing| doing.closes.take().is_some());
    }

    fn bytes_arrived(&self) {
        self.change(|doing| {
            let begins = matches!(doing.phase, ConnectionPhase::Resting(_));
            if begins {
                doing.phase = ConnectionPhase::Header(Instant::now());
            }
            begins
        });
    }

    /// A long answer to a slow reader is no rest.
    fn bytes_left(&self) {
        self.change(|doing| {
            let ConnectionPhase::Resting(since) = &mut doing.phase else { return false };
            *since = Instant::now();
            true
        });
    }

    /// Returns when the connection has dawdled for too long, or has lost its place.
    pub async fn too_slow(&self, limits: &ServerLimits) {
        let mut header_time = self.header_time;
        loop {
            let doing = *self.doing();
            let deadline = match doing.phase {
                ConnectionPhase::Header(since) => Some(since + header_time),
                ConnectionPhase::Resting(since) => Some(since + limits.idle_time),
                ConnectionPhase::Body(_) | ConnectionPhase::Answering | ConnectionPhase::Socket => None,
            };
            if matches!(doing.phase, ConnectionPhase::Answering) {
                header_time = limits.header_time;
            }
            let deadline = match (deadline, doing.phase, doing.closes) {
                // What was begun is ended.
                (None, ConnectionPhase::Answering | ConnectionPhase::Socket, _) => None,
                (None, _, closes) => closes,
                (Some(deadline), _, closes) => Some(closes.map_or(deadline, |closes| closes.min(deadline))),
            };
            let expired = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = expired => return,
                () = self.shared.changed.notified() => {}
            }
        }
    }
}

/// A socket that tells its [`ReadDeadline`] when bytes pass.
#[derive(Debug)]
pub struct TimedSocket<S> {
    socket: S,
    deadline: ReadDeadline,
}

impl<S> TimedSocket<S> {
    /// A socket and who is told.
    pub fn new(socket: S, deadline: ReadDeadline) -> TimedSocket<S> {
        TimedSocket { socket, deadline }
    }

    fn left(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.deadline.bytes_left();
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedSocket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            self.deadline.bytes_arrived();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedSocket<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let part = &buf[..buf.len().min(PART_BYTES)];
        let written = Pin::new(&mut self.socket).poll_write(cx, part);
        self.left(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let (mut parts, mut left) = ([io::IoSlice::new(&[]); PARTS], PART_BYTES);
        for (part, buf) in parts.iter_mut().zip(bufs) {
            *part = io::IoSlice::new(&buf[..buf.len().min(left)]);
            left -= part.len();
        }
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, &parts);
        self.left(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
