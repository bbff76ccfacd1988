//! Clients of the server, on sockets in memory: requests as browsers make them, and WebSockets.

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

use crate::api::server::{Door, Visitor};
use crate::units::Nanos;

/// What a socket in memory holds back, in bytes.
const SOCKET_BYTES: usize = 32 * 1024;

/// The way to the server.
pub type Street = mpsc::UnboundedSender<Visitor<DuplexStream>>;

/// The door of a server whose clients are in memory.
pub struct Hall(tokio::sync::Mutex<mpsc::UnboundedReceiver<Visitor<DuplexStream>>>);

impl Hall {
    /// A door, and the way to it.
    #[must_use]
    pub fn new() -> (Street, Hall) {
        let (street, visitors) = mpsc::unbounded_channel();
        (street, Hall(tokio::sync::Mutex::new(visitors)))
    }
}

impl Door for Hall {
    type Socket = DuplexStream;

    async fn accept(&self) -> std::io::Result<Visitor<DuplexStream>> {
        match self.0.lock().await.recv().await {
            Some(visitor) => Ok(visitor),
            // Nobody can come any more.
            None => std::future::pending().await,
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// The page on this computer.
    Page,
    /// A program on this computer.
    Program,
    /// Somebody in the network: a guest.
    Guest,
}

impl Who {
    const fn address(self) -> IpAddr {
        match self {
            Who::Page | Who::Program => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Who::Guest => IpAddr::V4(Ipv4Addr::new(192, 168, 1, 20)),
        }
    }

    const fn agent(self) -> &'static str {
        match self {
            Who::Page => "a browser",
            Who::Program => "a program",
            Who::Guest => "a telephone",
        }
    }

    const fn host(self) -> &'static str {
        match self {
            Who::Page | Who::Program => "localhost",
            Who::Guest => "yep.local",
        }
    }
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientRequest {
    /// Whose.
    pub who: Who,
    /// Its method.
    pub method: &'static str,
    /// Its path.
    pub path: String,
    /// Its body.
    pub body: Vec<u8>,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientAnswer {
    /// The how manieth request it was.
    pub number: u64,
    /// When it was made.
    pub asked_ns: Nanos,
    /// The request.
    pub call: ClientRequest,
    /// The status; none when there was no answer.
    pub status: Option<u16>,
    /// The body, if it is JSON.
    pub body: Value,
}

/// Where answers are put.
pub type Answers = Arc<Mutex<Vec<ClientAnswer>>>;

fn connect(street: &Street, who: Who) -> Option<DuplexStream> {
    let (ours, theirs) = tokio::io::duplex(SOCKET_BYTES);
    let local = match who {
        Who::Page | Who::Program => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Who::Guest => IpAddr::V4(Ipv4Addr::new(192, 168, 1, 10)),
    };
    street.send(Visitor { socket: theirs, peer: who.address(), local }).ok()?;
    Some(ours)
}

/// Makes a request on a connection of its own, and puts down what came of it.
pub async fn request(
    street: Street,
    (number, asked_ns): (u64, Nanos),
    call: ClientRequest,
    answers: Answers,
) {
    let (status, body) = match exchange(&street, &call).await {
        Some((status, body)) => (Some(status), body),
        None => (None, Value::Null),
    };
    answers.lock().unwrap_or_else(PoisonError::into_inner).push(ClientAnswer {
        number,
        asked_ns,
        call,
        status,
        body,
    });
}

async fn exchange(street: &Street, call: &ClientRequest) -> Option<(u16, Value)> {
    let io = TokioIo::new(connect(street, call.who)?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.ok()?;
    let driving = tokio::spawn(connection);
    let request = Request::builder()
        .method(call.method)
        .uri(&call.path)
        .header("host", call.who.host())
        .header("user-agent", call.who.agent())
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(call.body.clone())))
        .ok()?;
    let answer = sender.send_request(request).await.ok()?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.ok()?.to_bytes();
    driving.abort();
    Some((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

/// What a socket is told to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tell {
    /// Send this.
    Send(String),
    /// Neither read nor write any more, and stay.
    Hang,
}

/// A client with a WebSocket; it leaves when this is dropped.
#[derive(Debug)]
pub struct ClientSocket {
    tell: mpsc::UnboundedSender<Tell>,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl ClientSocket {
    /// Tells it something.
    pub fn tell(&self, tell: Tell) {
        // It may have been closed.
        let _ = self.tell.send(tell);
    }

    /// The messages that it has heard since the last call, of a stream of status or commands.
    #[must_use]
    pub fn heard(&self) -> Vec<Value> {
        core::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the server has not closed it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.tell.is_closed()
    }
}

/// Opens a socket; what becomes of it happens in the task that is returned.
pub fn socket(
    street: Street,
    who: Who,
    stream: &'static str,
) -> (ClientSocket, impl Future<Output = ()> + Send) {
    let (tell, told) = mpsc::unbounded_channel();
    let heard = Arc::default();
    let hears = Arc::clone(&heard);
    let task = async move {
        // Whoever is refused has no socket; that shows.
        let _ = serve(&street, (who, stream), told, &hears).await;
    };
    (ClientSocket { tell, heard }, task)
}

/// The stream that nobody needs to remember.
const TELEMETRY: &str = "telemetry";

/// A message is a list of one object.
fn keep(heard: &Mutex<Vec<Value>>, text: &str) {
    if let Ok(Value::Array(messages)) = serde_json::from_str(text) {
        heard.lock().unwrap_or_else(PoisonError::into_inner).extend(messages);
    }
}

async fn serve(
    street: &Street,
    (who, stream): (Who, &str),
    mut told: mpsc::UnboundedReceiver<Tell>,
    heard: &Mutex<Vec<Value>>,
) -> Option<()> {
    let request = Request::builder()
        .uri(format!("ws://localhost/api/stream/{stream}"))
        .header("host", who.host())
        .header("user-agent", who.agent())
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(())
        .ok()?;
    let (mut socket, _) = tokio_tungstenite::client_async(request, connect(street, who)?).await.ok()?;
    loop {
        tokio::select! {
            biased;
            frame = socket.next() => match frame {
                Some(Ok(Message::Text(text))) if stream != TELEMETRY => keep(heard, &text),
                Some(Ok(_)) => {}
                _ => return None,
            },
            tell = told.recv() => match tell {
                Some(Tell::Send(text)) => socket.send(Message::text(text)).await.ok()?,
                Some(Tell::Hang) => break,
                None => return None,
            },
        }
    }
    // As a computer whose cable was pulled: whatever is told to it now is not heard.
    while told.recv().await.is_some() {}
    Some(())
}
