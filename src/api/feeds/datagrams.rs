//! T-Code in datagrams: each is one or more lines of a sender, which is known by its address only.
//!
//! There is no connection that could end. A sender is forgotten 3 s after its last datagram, or after the end of the move that
//! it announced; the axis comes to rest then, if it does not rest already (S17).

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, interval};

use super::admission::FeedProtocol;
use super::link::{FeedLink, LinkOrigin};
use super::service::FeedService;
use super::streams::TcodeCommands;
use crate::feeds::tcode::TcodeSession;

/// Longest datagram: four times the longest that a known sender makes.
const DATAGRAM_BYTES: usize = 2048;
/// Most senders that are known at a time; each has a buffer of a kilobyte.
const SENDERS: usize = 16;
/// A sender of whom nothing is heard for so long is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(3);
/// How often that is looked at, and signs of life are given for announced moves.
const LOOK_EVERY: Duration = Duration::from_millis(500);

struct Sender {
    link: FeedLink,
    session: TcodeSession,
    heard: Instant,
}

/// Reads datagrams until the socket fails.
pub async fn read(socket: UdpSocket, service: Arc<FeedService>) -> io::Error {
    let mut senders: HashMap<SocketAddr, Sender> = HashMap::new();
    let mut datagram = vec![0; DATAGRAM_BYTES];
    let mut looks = interval(LOOK_EVERY);
    loop {
        tokio::select! {
            received = socket.recv_from(&mut datagram) => match received {
                Ok((length, from)) => take(&socket, &service, &mut senders, &datagram[..length], from).await,
                // An answer that nobody took comes back as an error of the next read.
                Err(error) if is_answer_refused(&error) => {}
                Err(error) => return error,
            },
            _ = looks.tick() => senders.retain(|_, sender| is_there(sender)),
        }
    }
}

fn is_answer_refused(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset)
}

/// True if a sender is not forgotten yet. A move that it has announced is its sign of life.
fn is_there(sender: &Sender) -> bool {
    let last = sender.link.moves_until().map_or(sender.heard, |until| until.max(sender.heard));
    let is_there = last.elapsed() < FORGOTTEN;
    if is_there {
        sender.link.is_alive();
    }
    is_there
}

async fn take(
    socket: &UdpSocket,
    service: &Arc<FeedService>,
    senders: &mut HashMap<SocketAddr, Sender>,
    datagram: &[u8],
    from: SocketAddr,
) {
    if !senders.contains_key(&from) {
        let origin = LinkOrigin { protocol: FeedProtocol::Tcode, transport: "UDP", peer: Some(from) };
        let Some(link) = service.open(origin) else { return };
        if senders.len() >= SENDERS {
            let oldest = senders.iter().min_by_key(|(_, sender)| sender.heard).map(|(address, _)| *address);
            oldest.map(|address| senders.remove(&address));
        }
        senders.insert(from, Sender { link, session: TcodeSession::default(), heard: Instant::now() });
    }
    let Some(sender) = senders.get_mut(&from) else { return };
    sender.heard = Instant::now();
    let mut commands = TcodeCommands::default();
    sender.session.feed_frame(datagram, |event| commands.add(event));
    for answer in commands.carry_out(&sender.link).await {
        let _ = socket.send_to(answer.line().as_bytes(), from).await;
    }
}
