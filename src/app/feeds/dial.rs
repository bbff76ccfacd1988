//! WebSocket of this program as the client.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::http::Uri;

use crate::api::feeds::sockets;

/// How long a name, a computer or its answer may take.
const DIAL_TIME: Duration = Duration::from_secs(3);
/// How long the other end may take to close.
const CLOSE_TIME: Duration = Duration::from_millis(500);

/// A connection that this program has opened.
pub type DialledSocket = WebSocketStream<TcpStream>;

/// Opens the WebSocket at an address `ws://host[:port][/path]`; the address of its other end.
///
/// # Errors
/// The system's, or what the other end says.
pub async fn dial(address: &str) -> io::Result<(DialledSocket, SocketAddr)> {
    let uri: Uri = address.parse().map_err(io::Error::other)?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = uri.port_u16().unwrap_or(80);
    let dialling = async {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let peer = stream.peer_addr()?;
        let handshake = tokio_tungstenite::client_async_with_config(uri, stream, Some(sockets::config()));
        let (socket, _) = handshake.await.map_err(io::Error::other)?;
        Ok((socket, peer))
    };
    timeout(DIAL_TIME, dialling).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Closes it in order: the other end has read the frame that says so, or had the time.
pub async fn hang_up(mut socket: DialledSocket) {
    let closing = async {
        if socket.close(None).await.is_ok() {
            // What is not read when it closes would take the frame back.
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    let _ = timeout(CLOSE_TIME, closing).await;
}
