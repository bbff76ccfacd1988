//! Intiface: this axis as a device of its device WebSocket server.
//!
//! Intiface remembers a device that vanished without a word, and does not announce it anew. So a connection always ends
//! with a frame that says so, at the end of the process too.

use std::fs;
use std::io;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::Ending;
use super::dial::{DialledSocket, dial, hang_up};
use super::door::OwnDoor;
use crate::api::Context;
use crate::api::feeds::admission::FeedProtocol;
use crate::api::feeds::link::{FeedLink, LinkOrigin};
use crate::api::feeds::listeners::FeedDoor;
use crate::api::feeds::streams::TcodeCommands;
use crate::feeds::tcode::TcodeSession;
use crate::feeds::tcode::wsdm;

/// How long an Intiface that is not there is left alone.
const TRY_AGAIN: Duration = Duration::from_secs(10);
/// As each socket of a feed: it is alive by its answers, also while nothing is to be said.
const PING_EVERY: Duration = Duration::from_secs(1);
const SILENT: Duration = Duration::from_secs(3);
/// An Intiface that does not take a frame for so long has gone.
const SEND_TIME: Duration = Duration::from_secs(1);
/// Serial number of the computer, where it has one.
const SERIAL: &str = "/proc/device-tree/serial-number";

/// Presents the axis to the Intiface at that address, until the end comes.
pub async fn present(address: &str, ctx: &Context, mut ending: Ending) {
    let mut door = OwnDoor::new(ctx, FeedDoor::Intiface, address);
    let handshake = wsdm::handshake(&serial(&ctx.options.rules.names.own.current()));
    loop {
        let dialled = tokio::select! {
            dialled = dial(address) => dialled,
            () = ending.comes() => return,
        };
        match dialled {
            Ok((socket, peer)) => {
                door.is_open();
                let origin = LinkOrigin {
                    protocol: FeedProtocol::Tcode,
                    transport: FeedDoor::Intiface.transport(),
                    peer: Some(peer),
                };
                // This program went there by itself, so no switch keeps it away.
                let link = ctx.feeds.open_for(origin);
                let Some(why) = serve(socket, &handshake, &link, &mut ending).await else { return };
                door.is_shut(why);
            }
            Err(error) => door.is_shut(error),
        }
        tokio::select! {
            () = tokio::time::sleep(TRY_AGAIN) => {}
            () = ending.comes() => return,
        }
    }
}

/// Serves a connection to its end; why it ended, unless this program ends.
async fn serve(
    mut socket: DialledSocket,
    handshake: &str,
    link: &FeedLink,
    ending: &mut Ending,
) -> Option<io::Error> {
    let why = tokio::select! {
        why = take_commands(&mut socket, handshake, link) => Some(why),
        () = ending.comes() => None,
    };
    // The axis does not wait for that.
    link.stop().await;
    hang_up(socket).await;
    why
}

/// Takes what it sends until it is gone; how that was noticed.
async fn take_commands(socket: &mut DialledSocket, handshake: &str, link: &FeedLink) -> io::Error {
    if let Err(error) = send(socket, Message::text(handshake)).await {
        return error;
    }
    let mut session = TcodeSession::default();
    let mut heard = Instant::now();
    let mut pings = interval(PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            frame = socket.next() => {
                heard = Instant::now();
                let bytes = match frame {
                    None | Some(Ok(Message::Close(_))) => return io::Error::other("it has closed the connection"),
                    Some(Ok(Message::Binary(bytes))) => bytes,
                    Some(Ok(Message::Text(text))) => text.into(),
                    Some(Ok(_)) => continue,
                    Some(Err(error)) => return io::Error::other(error),
                };
                let mut commands = TcodeCommands::default();
                session.feed_frame(&bytes, |event| commands.add(event));
                // Intiface expects no answers, and would pass them on as readings of the device.
                commands.carry_out(link).await;
            }
            _ = pings.tick() => {
                if heard.elapsed() >= SILENT {
                    return io::Error::other("it does not answer any more");
                }
                link.is_alive();
                if let Err(error) = send(socket, Message::Ping(Vec::new().into())).await {
                    return error;
                }
            }
        }
    }
}

async fn send(socket: &mut DialledSocket, frame: Message) -> io::Result<()> {
    match timeout(SEND_TIME, socket.send(frame)).await {
        Ok(sent) => sent.map_err(io::Error::other),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// What tells this machine from others: the number of its computer, or the name.
fn serial(hostname: &str) -> String {
    let number = fs::read_to_string(SERIAL).unwrap_or_default();
    let number = number.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    if number.is_empty() { hostname.to_owned() } else { number.to_owned() }
}
