//! `tcode.local`: the name that programs for T-Code devices try first, beside the name of this computer.
//!
//! The system answers to the computer's own name, and knows one name only: the card's resolver cannot be given another one. So
//! this answers beside it, in its own socket. That is bound to the group of multicast DNS, so it takes no message that is
//! meant for the resolver. IPv4 only, as these programs ask for nothing else. If another device has the name, it keeps it.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockRef, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::door::OwnDoor;
use super::second_name::{self, NameMessage};
use crate::api::Context;
use crate::api::feeds::listeners::FeedDoor;

/// The name.
pub const NAME: &str = "tcode.local";

const GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 251), PORT);
const PORT: u16 = 5_353;
/// Multicast DNS asks for it, and stays in the local network all the same.
const HOPS: u32 = 255;
/// Whoever has the name may take so long to say so.
const OWNER_TIME: Duration = Duration::from_millis(750);
/// The same answer is not repeated sooner, as everybody has heard it.
const REPEAT: Duration = Duration::from_secs(1);
/// A network that comes later is noticed within this time.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How long a name that is taken is left alone.
const TRY_AGAIN: Duration = Duration::from_secs(30);
/// The system's network interfaces.
const INTERFACES: &str = "/sys/class/net";
/// Longest message; others have no question for a short name.
const MESSAGE_BYTES: usize = 1_500;

/// Answers to the name.
pub async fn answer(ctx: &Context) -> Infallible {
    let mut door = OwnDoor::new(ctx, FeedDoor::TcodeLocal, NAME);
    loop {
        let Err(error) = serve(&mut door).await;
        door.is_shut(error);
        sleep(TRY_AGAIN).await;
    }
}

async fn serve(door: &mut OwnDoor) -> io::Result<Infallible> {
    let socket = open()?;
    join(&socket);
    look_for_owner(&socket).await?;
    door.is_open();
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut message = [0; MESSAGE_BYTES];
    let mut told: Option<(Ipv4Addr, Instant)> = None;
    loop {
        let (length, from) = tokio::select! {
            received = socket.recv_from(&mut message) => received?,
            _ = looks.tick() => {
                join(&socket);
                continue;
            }
        };
        let IpAddr::V4(asker) = from.ip() else { continue };
        match second_name::read(&message[..length]) {
            Some(NameMessage::Has(address)) => keep(address)?,
            Some(NameMessage::Asks { id }) => {
                // A network that has just gone.
                let Ok(here) = address_toward(asker) else { continue };
                if from.port() != PORT {
                    let _ = socket.send_to(&second_name::legacy_answer(id, here), from).await;
                } else if told.is_none_or(|(network, at)| network != here || at.elapsed() >= REPEAT) {
                    told = Some((here, Instant::now()));
                    let _ = SockRef::from(&socket).set_multicast_if_v4(&here);
                    let _ = socket.send_to(&second_name::answer(here), GROUP).await;
                }
            }
            None => {}
        }
    }
}

/// A socket beside that of the system's resolver.
fn open() -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    socket.set_multicast_ttl_v4(HOPS)?;
    socket.bind(&SocketAddr::from(GROUP).into())?;
    UdpSocket::from_std(socket.into())
}

/// Joins the group in each network; in most it is in already.
fn join(socket: &UdpSocket) {
    for interface in fs::read_dir(INTERFACES).into_iter().flatten().flatten() {
        let index = fs::read_to_string(interface.path().join("ifindex")).unwrap_or_default();
        let Ok(index) = index.trim().parse() else { continue };
        let group = InterfaceIndexOrAddress::Index(index);
        let _ = SockRef::from(socket).join_multicast_v4_n(GROUP.ip(), &group);
    }
}

/// Asks whether another device has the name.
async fn look_for_owner(socket: &UdpSocket) -> io::Result<()> {
    // Without a network there is nobody.
    let _ = socket.send_to(&second_name::question(), GROUP).await;
    let mut message = [0; MESSAGE_BYTES];
    let listening = async {
        loop {
            let (length, _) = socket.recv_from(&mut message).await?;
            if let Some(NameMessage::Has(address)) = second_name::read(&message[..length]) {
                keep(address)?;
            }
        }
    };
    timeout(OWNER_TIME, listening).await.unwrap_or(Ok(()))
}

/// Somebody has the name with that address: an error, unless that is this computer.
fn keep(address: Ipv4Addr) -> io::Result<()> {
    if address_toward(address).is_ok_and(|here| here == address) {
        return Ok(());
    }
    let why = format!("another device has this name, {address}: switch one of them off");
    Err(io::Error::new(io::ErrorKind::AddrInUse, why))
}

/// The address of this computer in the network of another one.
fn address_toward(other: Ipv4Addr) -> io::Result<Ipv4Addr> {
    // Nothing is sent: connecting asks for the way.
    let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect((other, PORT))?;
    match socket.local_addr()?.ip() {
        IpAddr::V4(here) => Ok(here),
        IpAddr::V6(_) => Err(io::ErrorKind::AddrNotAvailable.into()),
    }
}
