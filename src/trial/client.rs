//! Simulated clients of the server on in-memory sockets: HTTP requests as browsers send them, and WebSockets.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use crate::api::charge::client::TAB;
use crate::api::server::{Door, Visitor};
use crate::units::Nanos;

/// Buffer of a socket in memory, in bytes.
const SOCKET_BYTES: usize = 32 * 1024;

/// Connects a client in memory to the server.
pub type MemoryConnector = mpsc::UnboundedSender<Visitor<DuplexStream>>;

/// Listener that accepts clients in memory.
pub struct MemoryListener(tokio::sync::Mutex<mpsc::UnboundedReceiver<Visitor<DuplexStream>>>);

impl MemoryListener {
    /// A connector and the listener that it leads to.
    pub fn new() -> (MemoryConnector, MemoryListener) {
        let (connector, visitors) = mpsc::unbounded_channel();
        (connector, MemoryListener(tokio::sync::Mutex::new(visitors)))
    }
}

impl Door for MemoryListener {
    type Socket = DuplexStream;

    async fn accept(&self) -> std::io::Result<Visitor<DuplexStream>> {
        match self.0.lock().await.recv().await {
            Some(visitor) => Ok(visitor),
            // Every connector is dropped, so no client can come any more.
            None => std::future::pending().await,
        }
    }
}

/// Kind of client: it decides address, `Host` and `User-Agent`, and with them the role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientKind {
    /// A page in a browser on this computer.
    Page,
    /// A program on this computer.
    Program,
    /// A device in the network, which has the role of a guest.
    Guest,
    /// A phone that was let in as an operator.
    Phone,
    /// Another one.
    OtherPhone,
    /// A phone that was let in as an admin.
    Admin,
    /// A device in the network that nobody let in, and that tries to get in.
    Stranger,
    /// A program on this computer that sends starts one after the other, whatever comes back.
    Feed,
    /// A program on this computer that sends T-Code.
    Player,
    /// Another one.
    OtherPlayer,
    /// The page on this computer on which a person sets what players may do.
    Desk,
}

impl ClientKind {
    const fn address(self) -> IpAddr {
        let last = match self {
            ClientKind::Page
            | ClientKind::Program
            | ClientKind::Feed
            | ClientKind::Player
            | ClientKind::OtherPlayer
            | ClientKind::Desk => {
                return IpAddr::V4(Ipv4Addr::LOCALHOST);
            }
            ClientKind::Guest => 20,
            ClientKind::Phone => 31,
            ClientKind::OtherPhone => 32,
            ClientKind::Admin => 33,
            ClientKind::Stranger => 66,
        };
        IpAddr::V4(Ipv4Addr::new(192, 168, 1, last))
    }

    const fn agent(self) -> &'static str {
        match self {
            ClientKind::Page => "a browser",
            ClientKind::Program => "a program",
            ClientKind::Feed => "a feed",
            ClientKind::Player | ClientKind::OtherPlayer => "a player",
            _ => "a telephone",
        }
    }

    /// The `Host` of its requests.
    pub const fn host(self) -> &'static str {
        if self.address().is_loopback() { "localhost" } else { "yep.local" }
    }

    /// The name of its tab, for a client of API v1.
    pub const fn tab(self) -> Option<&'static str> {
        match self {
            ClientKind::Phone => Some("phone"),
            ClientKind::OtherPhone => Some("other"),
            ClientKind::Admin => Some("admin"),
            ClientKind::Stranger => Some("stranger"),
            ClientKind::Desk => Some("desk"),
            ClientKind::Page
            | ClientKind::Program
            | ClientKind::Guest
            | ClientKind::Feed
            | ClientKind::Player
            | ClientKind::OtherPlayer => None,
        }
    }

    /// True for a program or page on this computer, which needs no token.
    pub const fn is_local(self) -> bool {
        self.address().is_loopback()
    }
}

/// An HTTP request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientRequest {
    /// The client that sends it.
    pub who: ClientKind,
    /// Its method.
    pub method: &'static str,
    /// Its path.
    pub path: String,
    /// Its body.
    pub body: Vec<u8>,
}

/// A request and the answer to it.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientAnswer {
    /// Number of the request, in the order of sending.
    pub number: u64,
    /// Instant of sending.
    pub asked_ns: Nanos,
    /// The request.
    pub call: ClientRequest,
    /// The HTTP status; `None` without an answer.
    pub status: Option<u16>,
    /// The body, if it is JSON.
    pub body: Value,
    /// The token that came with it as a cookie.
    pub token: Option<String>,
}

/// Answers in the order of arrival.
pub type AnswerLog = Arc<Mutex<Vec<ClientAnswer>>>;

/// The token of a `Set-Cookie` that gives one.
fn token_of(cookie: &str) -> Option<String> {
    let (name, rest) = cookie.split_once('=')?;
    let (token, _) = rest.split_once(';')?;
    (name.starts_with("yep_token") && !token.is_empty()).then(|| token.to_owned())
}

/// Connects this client to the server.
pub(super) fn connect(connector: &MemoryConnector, who: ClientKind) -> Option<DuplexStream> {
    let (ours, theirs) = tokio::io::duplex(SOCKET_BYTES);
    let local = if who.is_local() {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    } else {
        IpAddr::V4(Ipv4Addr::new(192, 168, 1, 10))
    };
    connector.send(Visitor { socket: theirs, peer: who.address(), local }).ok()?;
    Some(ours)
}

/// Sends a request on a connection of its own, with that token, and appends the answer to `answers`.
pub async fn request(
    connector: MemoryConnector,
    (number, asked_ns): (u64, Nanos),
    (call, token): (ClientRequest, Option<String>),
    answers: AnswerLog,
) {
    let (status, body, token) = match exchange(&connector, &call, token).await {
        Some((status, body, token)) => (Some(status), body, token),
        None => (None, Value::Null, None),
    };
    answers.lock().unwrap_or_else(PoisonError::into_inner).push(ClientAnswer {
        number,
        asked_ns,
        call,
        status,
        body,
        token,
    });
}

async fn exchange(
    connector: &MemoryConnector,
    call: &ClientRequest,
    token: Option<String>,
) -> Option<(u16, Value, Option<String>)> {
    let io = TokioIo::new(connect(connector, call.who)?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.ok()?;
    let driving = tokio::spawn(connection);
    let mut request = Request::builder()
        .method(call.method)
        .uri(&call.path)
        .header("host", call.who.host())
        .header("user-agent", call.who.agent())
        .header("content-type", "application/json");
    if let Some(tab) = call.who.tab() {
        request = request.header(TAB, tab);
    }
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Full::new(Bytes::from(call.body.clone()))).ok()?;
    let answer = sender.send_request(request).await.ok()?;
    let status = answer.status().as_u16();
    let cookies = answer.headers().get_all("set-cookie");
    let token = cookies.iter().find_map(|cookie| token_of(cookie.to_str().ok()?));
    let body = answer.into_body().collect().await.ok()?.to_bytes();
    driving.abort();
    Some((status, serde_json::from_slice(&body).unwrap_or(Value::Null), token))
}

/// An action of a client with a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketAction {
    /// Send this text frame.
    Send(String),
    /// Stop reading and writing, and keep the connection open.
    Hang,
}

/// Handle of a client with a WebSocket; the connection is closed when it is dropped.
#[derive(Debug)]
pub struct ClientSocket {
    actions: mpsc::UnboundedSender<SocketAction>,
    messages: Arc<Mutex<Vec<Value>>>,
}

impl ClientSocket {
    /// Queues an action of the client.
    pub fn act(&self, action: SocketAction) {
        // The socket may be closed already.
        let _ = self.actions.send(action);
    }

    /// Takes the messages of the streams `status` and `command_all` that have arrived since the last call.
    pub fn take_messages(&self) -> Vec<Value> {
        core::mem::take(&mut *self.messages.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// True while the server has not closed the socket.
    pub fn is_open(&self) -> bool {
        !self.actions.is_closed()
    }
}

/// Opens a WebSocket at that path. The returned task drives it.
pub fn open_socket(
    connector: MemoryConnector,
    who: ClientKind,
    path: String,
) -> (ClientSocket, impl Future<Output = ()> + Send) {
    let (actions, queued) = mpsc::unbounded_channel();
    let messages = Arc::default();
    let received = Arc::clone(&messages);
    let task = async move {
        // A client that is refused has no socket: `is_open` says so.
        let _ = drive_socket(&connector, (who, &path), queued, &received).await;
    };
    (ClientSocket { actions, messages }, task)
}

/// The path of the stream whose messages are dropped.
const TELEMETRY: &str = "/api/stream/telemetry";

/// Appends the objects of a frame, which is a list of one object.
fn store_messages(received: &Mutex<Vec<Value>>, text: &str) {
    if let Ok(Value::Array(messages)) = serde_json::from_str(text) {
        received.lock().unwrap_or_else(PoisonError::into_inner).extend(messages);
    }
}

async fn drive_socket(
    connector: &MemoryConnector,
    (who, path): (ClientKind, &str),
    mut actions: mpsc::UnboundedReceiver<SocketAction>,
    messages: &Mutex<Vec<Value>>,
) -> Option<()> {
    let request = Request::builder()
        .uri(format!("ws://localhost{path}"))
        .header("host", who.host())
        .header("user-agent", who.agent())
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(())
        .ok()?;
    let (mut socket, _) = tokio_tungstenite::client_async(request, connect(connector, who)?).await.ok()?;
    loop {
        tokio::select! {
            biased;
            frame = socket.next() => match frame {
                Some(Ok(Message::Text(text))) if path != TELEMETRY => store_messages(messages, &text),
                Some(Ok(_)) => {}
                _ => return None,
            },
            action = actions.recv() => match action {
                Some(SocketAction::Send(text)) => socket.send(Message::text(text)).await.ok()?,
                Some(SocketAction::Hang) => break,
                None => return None,
            },
        }
    }
    // Half-open TCP, as a computer whose cable was pulled: further actions are ignored.
    while actions.recv().await.is_some() {}
    Some(())
}
