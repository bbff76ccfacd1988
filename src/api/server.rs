//! The server: accepts connections, and ends them all in order.
//!
//! All connections live on the runtime that [`serve`] runs on. It reads requests and frames, answers STOP, and writes
//! answers; what takes longer is done on another one ([`Context::workers`]). So STOP waits for no other request.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};

use super::connection::Connection;
use super::context::Context;
use super::limiter::Limiter;
use super::read_deadline::TimedSocket;
use super::router;

/// What the kernel holds back of what a client does not read. With the default of megabytes a stalled client
/// would be noticed only after a long time.
const SEND_BUFFER_BYTES: u32 = 32 * 1024;
/// What is buffered of a connection in each direction.
const BUFFER_BYTES: usize = 64 * 1024;
/// Connections that wait to be accepted. The kernel drops what comes when so many wait, and the client tries again
/// after a second.
const BACKLOG: u32 = 1024;
/// When the process has no file descriptor left, one that was freed is there after this.
const ACCEPT_PAUSE: Duration = Duration::from_millis(2);

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
    let limiter = Limiter::new(&limits);
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
                limiter.make_room();
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let slot = limiter.enter(peer);
        let addresses = (peer, local);
        let connection =
            Connection::new(addresses, slot, Arc::clone(&limiter), closing.clone(), alive.clone());
        tokio::spawn(attend(socket, Arc::clone(&ctx), connection));
    }
    drop(door);
    drop(alive);
    close.send_replace(true);
    if tokio::time::timeout(limits.farewell_time, all_gone.recv()).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
}

/// Serves one connection to its end.
async fn attend(
    socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ctx: Arc<Context>,
    connection: Arc<Connection>,
) {
    let limits = &ctx.options.limits;
    let deadline = connection.slot.deadline.clone();
    let io = TokioIo::new(TimedSocket::new(socket, deadline.clone()));
    let service = service_fn(|request| {
        deadline.answering();
        let answering = router::answer(Arc::clone(&ctx), Arc::clone(&connection), request);
        let deadline = &deadline;
        async move {
            let answer = answering.await;
            deadline.resting();
            Ok::<_, Infallible>(answer)
        }
    });
    let mut http = http1::Builder::new();
    http.header_read_timeout(None).max_header_size(limits.header_bytes).max_buf_size(BUFFER_BYTES);
    let mut served = std::pin::pin!(http.serve_connection(io, service).with_upgrades());
    let ended = tokio::select! {
        // A request that has arrived comes before the deadline.
        biased;
        ended = &mut served => ended,
        () = deadline.too_slow(limits) => return,
        () = connection.closing() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, peer = %connection.peer, "a connection broke off");
    }
}
