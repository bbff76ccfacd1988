//! In-process server on a port of its own, in front of a fake machine and a fake store that a test scripts.
//!
//! Clients are real sockets. Every client comes from the loopback net, so that any host can run the tests; to the
//! server, a client from 127.0.0.N with N of 10 or more is 192.168.1.N.

#![allow(dead_code)] // Each test file uses a part of it.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[path = "schema.rs"]
mod schema;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::header::HeaderMap;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use yep::api::commissioning::CommissioningRules;
use yep::api::port::{BoxFuture, MachineLocation, MachinePort};
use yep::api::server::{Door, Visitor};
use yep::api::settings_service::SettingsStore;
use yep::api::{Context, ServerLimits, ServerOptions};
use yep::auth::{GateRules, HostNames, Token};
use yep::machine::{self, Accepted, Command, CommandRefusal, Reply, Snapshot, Why};
use yep::settings::{RailGeometry, Settings};
use yep::store::{
    CommissioningRecord, DeviceKind, DeviceRecord, DeviceRole, Recovery, StateChange, StoreError, StoredState,
};

/// Longest wait before a test counts as failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A fake machine port whose behaviour the test sets.
pub struct FakePort {
    location: MachineLocation,
    commands: Mutex<Vec<Command>>,
    replies: Mutex<VecDeque<Reply>>,
    refused_runs: Mutex<Option<CommandRefusal>>,
    held_runs: watch::Sender<bool>,
    stops: AtomicUsize,
    snapshots: watch::Sender<Snapshot>,
    held: watch::Sender<bool>,
}

impl FakePort {
    fn new(location: MachineLocation) -> Arc<FakePort> {
        Arc::new(FakePort {
            location,
            commands: Mutex::default(),
            replies: Mutex::default(),
            refused_runs: Mutex::default(),
            held_runs: watch::Sender::new(false),
            stops: AtomicUsize::new(0),
            snapshots: watch::Sender::new(snapshot(machine::State::Ready)),
            held: watch::Sender::new(false),
        })
    }

    /// Sets the replies to the next commands; all others are accepted.
    pub fn script_replies(&self, replies: impl IntoIterator<Item = Reply>) {
        self.replies.lock().unwrap().extend(replies);
    }

    /// Refuses every wave like this, or takes them again.
    pub fn refuse_runs(&self, refusal: Option<CommandRefusal>) {
        *self.refused_runs.lock().unwrap() = refusal;
    }

    /// Holds back the replies to waves, or sends them again.
    pub fn hold_runs(&self, held: bool) {
        self.held_runs.send_replace(held);
    }

    /// Takes the commands since the last call.
    pub fn commands(&self) -> Vec<Command> {
        std::mem::take(&mut self.commands.lock().unwrap())
    }

    /// Number of commands since the last `commands`.
    pub fn command_count(&self) -> usize {
        self.commands.lock().unwrap().len()
    }

    /// Number of STOPs.
    pub fn stop_count(&self) -> usize {
        self.stops.load(SeqCst)
    }

    /// Holds back the replies to all commands, or sends them again.
    pub fn hold_replies(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Publishes this snapshot.
    pub fn set_snapshot(&self, snapshot: Snapshot) {
        self.snapshots.send_replace(snapshot);
    }
}

impl MachinePort for FakePort {
    fn location(&self) -> MachineLocation {
        self.location
    }

    fn command(&self, command: Command) -> BoxFuture<'_, Reply> {
        Box::pin(async move {
            let is_run = matches!(command, Command::Run(_));
            self.commands.lock().unwrap().push(command);
            self.held.subscribe().wait_for(|held| !held).await.unwrap();
            if is_run {
                self.held_runs.subscribe().wait_for(|held| !held).await.unwrap();
                if let Some(refusal) = *self.refused_runs.lock().unwrap() {
                    return Err(refusal);
                }
            }
            self.replies.lock().unwrap().pop_front().unwrap_or(Ok(Accepted::Now))
        })
    }

    fn stop(&self) {
        self.stops.fetch_add(1, SeqCst);
    }

    fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.snapshots.subscribe()
    }
}

/// A snapshot in that state, of a machine at rest in the middle of its range.
pub fn snapshot(state: machine::State) -> Snapshot {
    Snapshot {
        at_ns: 2_000_000_000,
        state,
        why: Why::Calibrated,
        since_ns: 500_000_000,
        position_mm: Some(72.5),
        range_mm: Some(145.0),
        ..Snapshot::at_power_on()
    }
}

/// A fake store in memory that a test can make fail.
pub struct FakeStore {
    /// The saved settings, in order.
    pub kept: Mutex<Vec<Settings>>,
    /// The whole stored state.
    pub state: Mutex<Arc<StoredState>>,
    /// True if saves fail.
    pub broken: AtomicBool,
    /// Duration of a save.
    pub takes: Mutex<Duration>,
}

struct FakeStoreHandle(Arc<FakeStore>);

impl SettingsStore for FakeStoreHandle {
    fn keep(&self, change: StateChange) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let takes = *self.0.takes.lock().unwrap();
            tokio::time::sleep(takes).await;
            if self.0.broken.load(SeqCst) {
                return Err(StoreError::Write("the disk is full".into()));
            }
            let mut state = self.0.state.lock().unwrap();
            let mut next = (**state).clone();
            next.apply(change).map_err(StoreError::NoRoom)?;
            if next.settings != state.settings {
                self.0.kept.lock().unwrap().push(next.settings.clone());
            }
            *state = Arc::new(next);
            Ok(())
        })
    }

    fn kept(&self) -> (Arc<StoredState>, u64) {
        (Arc::clone(&self.0.state.lock().unwrap()), self.0.kept.lock().unwrap().len() as u64)
    }

    fn recovery(&self) -> &Recovery {
        &Recovery::Clean
    }
}

/// Options of a test server.
pub struct Setup {
    pub location: MachineLocation,
    pub limits: ServerLimits,
    pub rules: GateRules,
    pub settings: Settings,
    pub presence: yep::api::Presence,
    pub pages: yep::api::Pages,
    /// What the configuration says of the first run, and what the store has of it.
    pub commissioning: CommissioningRules,
    pub commissioned: CommissioningRecord,
    /// Paired devices.
    pub devices: Vec<(u32, DeviceRole)>,
    /// The scripts that are kept.
    pub scripts: yep::api::playback::shelf::ScriptShelf,
    /// The socket of the helper that writes updates.
    pub update_socket: Option<std::path::PathBuf>,
    /// Runtime of the requests, if it is not that of the connections.
    pub workers: Option<tokio::runtime::Handle>,
}

/// The devices of [`Setup::with_devices`], by their numbers.
pub const DEVICES: [(u32, DeviceRole); 3] =
    [(1, DeviceRole::Observer), (2, DeviceRole::Operator), (3, DeviceRole::Admin)];

/// The token of the device with this number.
pub fn token(number: u32) -> Token {
    Token::new([u8::try_from(number).unwrap(); 32])
}

/// The header with which the device with this number shows who it is.
pub fn bearer(number: u32) -> String {
    format!("Bearer {}", token(number).text())
}

/// A request of the device with this number.
pub async fn by(server: &Server, number: u32, method: &str, path: &str, body: Value) -> HttpAnswer {
    let bearer = bearer(number);
    let headers =
        [("host", "yep.local"), ("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    server.request_from(10, method, path, &headers, body.as_bytes()).await
}

/// The code of a problem; empty without one.
pub fn code(answer: &HttpAnswer) -> String {
    answer.json()["code"].as_str().unwrap_or_default().to_owned()
}

/// The reply to a message with an id.
pub async fn ask(client: &mut Client, message: Value) -> Value {
    client.send(&message.to_string()).await;
    reply(client, &message["id"]).await
}

/// The reply to the message with that id.
pub async fn reply(client: &mut Client, id: &Value) -> Value {
    loop {
        let said: Value = serde_json::from_str(&client.text().await).unwrap();
        if said["type"] == "reply" && said["id"] == *id {
            return said;
        }
    }
}

fn device(number: u32, role: DeviceRole) -> DeviceRecord {
    DeviceRecord {
        name: role.name().to_owned(),
        role,
        kind: DeviceKind::Program,
        token_hash: token(number).hash().0,
        paired_unix_s: 0,
        last_seen_unix_s: 0,
        last_used_h: 0,
    }
}

impl Setup {
    /// With a paired device of each role.
    pub fn with_devices(mut self) -> Setup {
        self.devices = DEVICES.to_vec();
        self
    }

    pub fn new(location: MachineLocation) -> Setup {
        Setup {
            location,
            limits: ServerLimits::default(),
            rules: GateRules { names: HostNames::of("yep"), ..GateRules::default() },
            settings: Settings::fresh(yep::settings::new_id()),
            presence: yep::api::Presence::default(),
            pages: yep::api::Pages::default(),
            commissioning: CommissioningRules::default(),
            commissioned: CommissioningRecord::default(),
            devices: Vec::new(),
            scripts: yep::api::playback::shelf::ScriptShelf::default(),
            update_socket: None,
            workers: None,
        }
    }

    pub async fn start(self) -> Server {
        let port = FakePort::new(self.location);
        let mut state = StoredState::of(self.settings.clone());
        state.commissioning = self.commissioned;
        for (number, role) in self.devices {
            state.apply(StateChange::PutDevice(number, device(number, role))).unwrap();
        }
        let store = Arc::new(FakeStore {
            kept: Mutex::default(),
            state: Mutex::new(Arc::new(state)),
            broken: AtomicBool::new(false),
            takes: Mutex::default(),
        });
        let options = ServerOptions {
            rules: self.rules,
            limits: self.limits,
            presence: self.presence,
            pages: self.pages,
            commissioning: self.commissioning,
            scripts: self.scripts,
            update_socket: self.update_socket,
            ..ServerOptions::default()
        };
        let handle = FakeStoreHandle(Arc::clone(&store));
        let machine: Arc<dyn MachinePort> = Arc::clone(&port) as _;
        let ctx = {
            let _in = self.workers.as_ref().map(|workers| workers.enter());
            Context::new(machine, self.settings, handle, RailGeometry::default(), options)
        };
        let listener = yep::api::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, ended) = oneshot::channel::<()>();
        let serving = yep::api::serve(RemappedListener(listener), Arc::clone(&ctx), async {
            let _ = ended.await;
        });
        let task = tokio::spawn(serving);
        Server { address, ctx, port, store, shutdown: Some(shutdown), task }
    }
}

/// A listener that maps a part of the loopback net to another net.
struct RemappedListener(TcpListener);

impl Door for RemappedListener {
    type Socket = TcpStream;

    async fn accept(&self) -> io::Result<Visitor> {
        let mut visitor = Door::accept(&self.0).await?;
        if let IpAddr::V4(address) = visitor.peer
            && let [127, 0, 0, n @ (10..=255)] = address.octets()
        {
            visitor.peer = IpAddr::from([192, 168, 1, n]);
        }
        Ok(visitor)
    }
}

/// A running server.
pub struct Server {
    pub address: SocketAddr,
    pub ctx: Arc<Context>,
    pub port: Arc<FakePort>,
    pub store: Arc<FakeStore>,
    shutdown: Option<oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<()>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct HttpAnswer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl HttpAnswer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// The JSON of the body; null for another one.
    pub fn json_or_null(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub type Headers<'a> = &'a [(&'a str, &'a str)];

impl Server {
    /// Connects from 127.0.0.`host`.
    pub async fn connect_from(&self, host: u8) -> TcpStream {
        if host == 1 {
            // A port that was bound explicitly stays in use for a minute; a thousand of them are slow to find.
            return TcpStream::connect(self.address).await.unwrap();
        }
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, host], 0))).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    /// Sends a request on a connection of its own; Host is `localhost` unless the headers have another.
    pub async fn request_from(
        &self,
        host: u8,
        method: &str,
        path: &str,
        headers: Headers<'_>,
        body: &[u8],
    ) -> HttpAnswer {
        let io = TokioIo::new(self.connect_from(host).await);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        let driving = tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("Host", "localhost");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body))).unwrap();
        let answer = timeout(PATIENCE, sender.send_request(request)).await.expect("no answer").unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = timeout(PATIENCE, answer.into_body().collect()).await.unwrap().unwrap().to_bytes();
        driving.abort();
        let content_type = headers.get("content-type").and_then(|value| value.to_str().ok());
        if !headers.contains_key("content-encoding") {
            schema::check_answer(method, path, status, content_type, &body);
        }
        HttpAnswer { status, headers, body }
    }

    pub async fn request(&self, method: &str, path: &str, headers: Headers<'_>, body: &str) -> HttpAnswer {
        self.request_from(1, method, path, headers, body.as_bytes()).await
    }

    pub async fn get(&self, path: &str) -> HttpAnswer {
        self.request("GET", path, &[], "").await
    }

    pub async fn post(&self, path: &str, body: &str) -> HttpAnswer {
        self.request("POST", path, &[], body).await
    }

    pub async fn put(&self, path: &str, body: &str) -> HttpAnswer {
        self.request("PUT", path, &[("content-type", "application/json")], body).await
    }

    /// Opens a WebSocket; returns the status of the refusal if there is none.
    pub async fn socket_from(
        &self,
        host: u8,
        stream: &str,
        headers: Headers<'_>,
    ) -> Result<Client, StatusCode> {
        let path = format!("/api/stream/{stream}");
        self.upgrade_from(host, &path, headers).await
    }

    pub async fn upgrade_from(
        &self,
        host: u8,
        path: &str,
        headers: Headers<'_>,
    ) -> Result<Client, StatusCode> {
        let name = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
        let mut request = Request::builder()
            .uri(format!("ws://localhost{path}"))
            .header("Host", name.map_or("localhost", |(_, value)| value))
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        for (name, value) in headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("host")) {
            request = request.header(*name, *value);
        }
        let stream = self.connect_from(host).await;
        let handshake = tokio_tungstenite::client_async(request.body(()).unwrap(), stream);
        match timeout(PATIENCE, handshake).await.expect("no handshake") {
            Ok((socket, _)) => Ok(Client(socket)),
            Err(Error::Http(answer)) => Err(answer.status()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Opens a socket from the machine's own host.
    pub async fn socket(&self, stream: &str) -> Client {
        self.socket_from(1, stream, &[]).await.unwrap()
    }

    /// Shuts the server down, and waits for its end.
    pub async fn shut_down(mut self) {
        drop(self.shutdown.take());
        timeout(PATIENCE, self.task).await.expect("it does not end").unwrap();
    }
}

/// A client of a stream.
pub struct Client(pub WebSocketStream<TcpStream>);

impl Client {
    pub async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// The next frame that is no ping.
    pub async fn frame(&mut self) -> Message {
        loop {
            match timeout(PATIENCE, self.0.next())
                .await
                .expect("no frame")
                .expect("the socket ended")
                .unwrap()
            {
                Message::Ping(_) | Message::Pong(_) => {}
                frame => return frame,
            }
        }
    }

    /// The text of the next frame.
    pub async fn text(&mut self) -> String {
        match self.frame().await {
            Message::Text(text) => text.to_string(),
            frame => panic!("{frame:?}"),
        }
    }

    /// The message in the next frame.
    pub async fn message(&mut self) -> Value {
        let frame: Value = serde_json::from_str(&self.text().await).unwrap();
        let [message] = frame.as_array().unwrap().as_slice() else { panic!("{frame}") };
        message.clone()
    }

    /// The server's close code, `None` without one; drops the frames before it.
    pub async fn close_code(&mut self) -> Option<u16> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("it stays open") {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// Takes the frames that were published on this stream until now.
    pub async fn drain(&mut self, server: &Server, stream: &str) -> Vec<String> {
        server.ctx.bus.publish(stream, &[("marker", "")]);
        let mut frames = Vec::new();
        loop {
            let text = self.text().await;
            if text.contains("\"marker\"") {
                return frames;
            }
            frames.push(text);
        }
    }
}
