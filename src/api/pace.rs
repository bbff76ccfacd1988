//! Notices a client that connects and then dawdles.
//!
//! The HTTP library has one timer for reading a header, which also runs while a kept-alive connection rests;
//! here the two are different: a header must come quickly, a rest may be long. [`Paced`] sits between the
//! socket and the library and sees when bytes arrive; the service says when a request is being answered.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::Instant;

use super::limits::Limits;

/// What a connection is doing, each with its beginning.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// A header is on its way, or the first one is awaited.
    Header(Instant),
    /// A request is read to its end and answered; other limits hold here.
    Answering,
    /// The answer is handed over; its bytes leave, then the connection rests.
    Resting(Instant),
}

/// The phase of one connection, shared by its socket, its service and its watcher.
#[derive(Debug, Clone)]
pub struct Pace(watch::Sender<Phase>);

impl Pace {
    /// Of a connection that begins now.
    #[must_use]
    pub fn new() -> Pace {
        Pace(watch::Sender::new(Phase::Header(Instant::now())))
    }

    /// A header is complete.
    pub fn answering(&self) {
        self.0.send_replace(Phase::Answering);
    }

    /// The answer is handed over.
    pub fn resting(&self) {
        self.0.send_replace(Phase::Resting(Instant::now()));
    }

    fn bytes_arrived(&self) {
        self.0.send_if_modified(|phase| {
            let begins = matches!(phase, Phase::Resting(_));
            if begins {
                *phase = Phase::Header(Instant::now());
            }
            begins
        });
    }

    /// Returns when the connection has dawdled for too long.
    pub async fn too_slow(&self, limits: &Limits) {
        let mut phases = self.0.subscribe();
        loop {
            let phase = *phases.borrow_and_update();
            let deadline = match phase {
                Phase::Header(since) => Some(since + limits.header_time),
                Phase::Resting(since) => Some(since + limits.idle_time),
                Phase::Answering => None,
            };
            let expired = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = expired => return,
                // `self` keeps a sender, so this never fails.
                _ = phases.changed() => {}
            }
        }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::new()
    }
}

/// A socket that tells its [`Pace`] when bytes arrive.
#[derive(Debug)]
pub struct Paced<S> {
    socket: S,
    pace: Pace,
}

impl<S> Paced<S> {
    /// A socket and who is told.
    pub fn new(socket: S, pace: Pace) -> Paced<S> {
        Paced { socket, pace }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            self.pace.bytes_arrived();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, bufs)
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
