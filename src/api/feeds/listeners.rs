//! Listeners: the addresses to which feeds come, and what is said of them and of the lines.
//!
//! Each listens on the loopback address; where an admin has switched its protocol on for other computers, on every address. A
//! port in use is said, tried again, and holds nothing else up.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;

use super::admission::{self, FeedProtocol};
use super::link::LinkOrigin;
use super::service::FeedService;
use super::{datagrams, sockets, streams};
use crate::auth::{GateRules, RequestFacts, Role, TokenBook};

/// How long a port in use is left alone.
const TRY_AGAIN: Duration = Duration::from_secs(5);
/// A client may take so long for the handshake of its WebSocket.
const HANDSHAKE_TIME: Duration = Duration::from_secs(3);
/// Most connections of one listener.
const CONNECTIONS: usize = 16;

/// What comes to a listener, or on a line or connection that this program opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedDoor {
    /// T-Code in datagrams.
    TcodeUdp,
    /// T-Code over TCP.
    TcodeTcp,
    /// WebSockets of clients of a Buttplug server.
    Buttplug,
    /// T-Code on a serial device.
    TcodeSerial,
    /// T-Code on a pseudo terminal.
    TcodePty,
    /// T-Code of an Intiface, to which this program goes as a device.
    Intiface,
    /// The name `tcode.local`, by which programs find the other doors.
    TcodeLocal,
}

impl FeedDoor {
    /// Name in the API and the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FeedDoor::TcodeUdp => "tcode_udp",
            FeedDoor::TcodeTcp => "tcode_tcp",
            FeedDoor::Buttplug => "buttplug",
            FeedDoor::TcodeSerial => "tcode_serial",
            FeedDoor::TcodePty => "tcode_pty",
            FeedDoor::Intiface => "intiface",
            FeedDoor::TcodeLocal => "tcode_local",
        }
    }

    /// How what comes there is carried, for people.
    #[must_use]
    pub const fn transport(self) -> &'static str {
        match self {
            FeedDoor::TcodeUdp | FeedDoor::TcodeLocal => "UDP",
            FeedDoor::TcodeTcp => "TCP",
            FeedDoor::Buttplug => "WebSocket",
            FeedDoor::TcodeSerial | FeedDoor::TcodePty => "serial",
            FeedDoor::Intiface => "Intiface",
        }
    }

    /// Its protocol.
    #[must_use]
    pub const fn protocol(self) -> FeedProtocol {
        match self {
            FeedDoor::Buttplug => FeedProtocol::Buttplug,
            FeedDoor::TcodeUdp
            | FeedDoor::TcodeTcp
            | FeedDoor::TcodeSerial
            | FeedDoor::TcodePty
            | FeedDoor::Intiface
            | FeedDoor::TcodeLocal => FeedProtocol::Tcode,
        }
    }
}

/// What is known of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoorState {
    /// Which one.
    pub door: FeedDoor,
    /// Its address, or the path of its line.
    pub address: String,
    /// Why it is not open; none if it is.
    pub trouble: Option<String>,
}

/// All listeners.
#[derive(Debug, Default)]
pub struct FeedListeners {
    states: Mutex<Vec<DoorState>>,
    /// Changed when an address may have to be another one.
    pub changes: watch::Sender<u64>,
}

impl FeedListeners {
    /// What is known of each.
    #[must_use]
    pub fn states(&self) -> Vec<DoorState> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says what is known of one.
    pub fn set(&self, state: DoorState) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        match states.iter_mut().find(|before| before.door == state.door) {
            Some(before) => *before = state,
            None => states.push(state),
        }
    }

    /// The switches have changed.
    pub fn look_again(&self) {
        self.changes.send_modify(|version| *version += 1);
    }
}

/// The gate for WebSockets of feeds.
pub struct FeedGate {
    /// Its rules.
    pub rules: GateRules,
    /// The tokens of devices.
    pub tokens: Arc<dyn TokenBook + Send + Sync>,
}

/// Listens on a port for as long as the process runs, for a door that has one.
pub async fn listen(
    door: FeedDoor,
    port: u16,
    service: Arc<FeedService>,
    listeners: Arc<FeedListeners>,
    gate: Arc<FeedGate>,
) -> Infallible {
    let mut changes = listeners.changes.subscribe();
    loop {
        let is_open = admission::is_open(&service.stored(), door.protocol());
        let host = if is_open { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
        let address = SocketAddr::from((host, port));
        let state = |trouble| DoorState { door, address: address.to_string(), trouble };
        let serving = async {
            match door {
                FeedDoor::TcodeUdp => match UdpSocket::bind(address).await {
                    Ok(socket) => {
                        listeners.set(state(None));
                        datagrams::read(socket, Arc::clone(&service)).await
                    }
                    Err(error) => error,
                },
                _ => match TcpListener::bind(address).await {
                    Ok(listener) => {
                        listeners.set(state(None));
                        accept(door, listener, &service, &gate).await
                    }
                    Err(error) => error,
                },
            }
        };
        tokio::select! {
            error = serving => {
                let trouble = trouble(&error, address);
                tracing::warn!("{}: {trouble}", door.name());
                listeners.set(state(Some(trouble)));
                tokio::select! {
                    () = tokio::time::sleep(TRY_AGAIN) => {}
                    () = switched(&mut changes, &service, door, is_open) => {}
                }
            }
            // Connections that are let in stay; the next ones come to the other address.
            () = switched(&mut changes, &service, door, is_open) => {}
        }
    }
}

/// Waits until the protocol is switched on for other computers, or off again.
async fn switched(changes: &mut watch::Receiver<u64>, service: &FeedService, door: FeedDoor, was_open: bool) {
    while admission::is_open(&service.stored(), door.protocol()) == was_open {
        // The sender lives as long as the process.
        let _ = changes.changed().await;
    }
}

fn trouble(error: &io::Error, address: SocketAddr) -> String {
    if error.kind() == io::ErrorKind::AddrInUse {
        format!(
            "another program uses port {} of this computer: end it, or choose another port in [feeds]",
            address.port()
        )
    } else {
        format!("{address}: {error}")
    }
}

async fn accept(
    door: FeedDoor,
    listener: TcpListener,
    service: &Arc<FeedService>,
    gate: &Arc<FeedGate>,
) -> io::Error {
    let places = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS));
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => return error,
        };
        // Whoever comes when all places are taken, or from where none may come, hears nothing.
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let _ = stream.set_nodelay(true);
        let (service, gate) = (Arc::clone(service), Arc::clone(gate));
        let origin = LinkOrigin { protocol: door.protocol(), transport: door.transport(), peer: Some(peer) };
        tokio::spawn(async move {
            match door {
                FeedDoor::Buttplug => serve_buttplug(stream, service, &gate, origin).await,
                _ => {
                    keep_alive(&stream);
                    streams::serve(stream, service, origin).await;
                }
            }
            drop(place);
        });
    }
}

/// A peer that vanished without a word is found within 5 s.
fn keep_alive(stream: &TcpStream) {
    let every = Duration::from_secs(1);
    let probes = socket2::TcpKeepalive::new().with_time(every * 2).with_interval(every).with_retries(3);
    let _ = socket2::SockRef::from(stream).set_tcp_keepalive(&probes);
}

async fn serve_buttplug(stream: TcpStream, service: Arc<FeedService>, gate: &FeedGate, origin: LinkOrigin) {
    let (Some(peer), Ok(local)) = (origin.peer, stream.local_addr()) else { return };
    // The type of the error is that of the library's callback.
    #[allow(clippy::result_large_err)]
    let judge = |request: &Request, response: Response| match judge(gate, &service, peer, local.ip(), request)
    {
        Ok(()) => Ok(response),
        Err(status) => {
            let mut refused = ErrorResponse::new(None);
            *refused.status_mut() = status;
            Err(refused)
        }
    };
    let handshake = tokio_tungstenite::accept_hdr_async_with_config(stream, judge, Some(sockets::config()));
    if let Ok(Ok(socket)) = tokio::time::timeout(HANDSHAKE_TIME, handshake).await {
        sockets::serve_buttplug(socket, service.open_for(origin)).await;
    }
}

/// The rules of the gate: names, foreign pages, tokens. Whoever comes in without a role needs the switch.
fn judge(
    gate: &FeedGate,
    service: &FeedService,
    peer: SocketAddr,
    local: IpAddr,
    request: &Request,
) -> Result<(), StatusCode> {
    let facts = RequestFacts {
        peer: peer.ip(),
        local,
        authority: None,
        headers: request.headers(),
        changes: true,
        is_v1: true,
    };
    let caller = gate.rules.judge(&facts, &*gate.tokens).map_err(|_| StatusCode::FORBIDDEN)?;
    let comes_in = caller.role == Role::Local || service.admits_guest(FeedProtocol::Buttplug, peer.ip());
    if comes_in { Ok(()) } else { Err(StatusCode::FORBIDDEN) }
}
