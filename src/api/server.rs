//! The server: accepts connections, and ends them all in order.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};

use super::connection::Connection;
use super::context::Context;
use super::pace::{Pace, Paced};
use super::router;
use super::slots::Slots;

/// What the kernel holds back of what a client does not read. With the default of megabytes a stalled client
/// would be noticed only after a long time.
const SEND_BUFFER_BYTES: u32 = 32 * 1024;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 128;
/// When the process has no file descriptor left, trying again at once would only burn time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where connections come from: a listener; in a test something that says who its clients are, or that has them in
/// memory.
pub trait Door {
    /// What bytes go through.
    type Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next visitor.
    fn accept(&self) -> impl Future<Output = io::Result<Visitor<Self::Socket>>> + Send;
}

/// An accepted connection.
#[derive(Debug)]
pub struct Visitor<S = TcpStream> {
    /// Its socket.
    pub socket: S,
    /// Who connected.
    pub peer: IpAddr,
    /// The address on which the connection came in.
    pub local: IpAddr,
}

impl Door for TcpListener {
    type Socket = TcpStream;

    async fn accept(&self) -> io::Result<Visitor> {
        let (socket, peer) = TcpListener::accept(self).await?;
        // Answers are written whole; waiting for more to send would only delay them.
        let _ = socket.set_nodelay(true);
        let local = socket.local_addr()?.ip();
        Ok(Visitor { socket, peer: peer.ip(), local })
    }
}

/// A listener as the server wants it.
///
/// # Errors
/// The address cannot be used.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    // Accepted sockets inherit it.
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `shutdown`; then lets the answers that are under way end, closes the sockets, and returns.
pub async fn serve(door: impl Door, ctx: Arc<Context>, shutdown: impl Future<Output = ()>) {
    let limits = ctx.options.limits.clone();
    let slots = Slots::new(&limits);
    let (close, closing) = watch::channel(false);
    let (alive, mut all_gone) = mpsc::channel(1);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = door.accept() => accepted,
            () = &mut shutdown => break,
        };
        let Visitor { socket, peer, local } = match accepted {
            Ok(visitor) => visitor,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(slot) = slots.take(peer) else {
            turn_away(socket);
            continue;
        };
        let addresses = (peer, local);
        let connection = Connection::new(addresses, slot, Arc::clone(&slots), closing.clone(), alive.clone());
        tokio::spawn(attend(socket, Arc::clone(&ctx), connection));
    }
    drop(door);
    drop(alive);
    close.send_replace(true);
    if tokio::time::timeout(limits.farewell_time, all_gone.recv()).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
}

/// Says why, as far as that goes without waiting, and closes.
fn turn_away(mut socket: impl AsyncWrite + Unpin) {
    let sorry = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let _ = socket.write(sorry).now_or_never();
}

/// Serves one connection to its end.
async fn attend(
    socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ctx: Arc<Context>,
    connection: Arc<Connection>,
) {
    let limits = &ctx.options.limits;
    let pace = Pace::new();
    let io = TokioIo::new(Paced::new(socket, pace.clone()));
    let service = service_fn(|request| {
        pace.answering();
        let answering = router::answer(Arc::clone(&ctx), Arc::clone(&connection), request);
        let pace = &pace;
        async move {
            let answer = answering.await;
            pace.resting();
            Ok::<_, Infallible>(answer)
        }
    });
    let mut http = http1::Builder::new();
    http.header_read_timeout(None).max_header_size(limits.header_bytes);
    let mut served = std::pin::pin!(http.serve_connection(io, service).with_upgrades());
    let ended = tokio::select! {
        ended = &mut served => ended,
        () = pace.too_slow(limits) => return,
        () = connection.closing() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, peer = %connection.peer, "a connection broke off");
    }
}
