//! Wire: the way to a device that follows the axis, over each transport.

use std::io;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::dial::{DialledSocket, dial, hang_up};
use super::terminal::TerminalStream;
use crate::options::MirrorTarget;

/// A device that does not take a line for so long is not there.
const SEND_TIME: Duration = Duration::from_secs(1);

/// An open way to a device.
pub enum MirrorWire {
    /// Datagrams, each a line.
    Udp(UdpSocket),
    /// Text frames, each a line.
    WebSocket(Box<DialledSocket>),
    /// A serial line.
    Serial(TerminalStream),
}

impl MirrorWire {
    /// Opens it; a serial device at that baud rate (bit/s).
    ///
    /// # Errors
    /// The system's, or what the other end says.
    pub async fn open(to: &MirrorTarget, baud: u32) -> io::Result<MirrorWire> {
        match to {
            MirrorTarget::Udp(address) => udp(address).await.map(MirrorWire::Udp),
            MirrorTarget::WebSocket(address) => {
                dial(address).await.map(|(socket, _)| MirrorWire::WebSocket(Box::new(socket)))
            }
            MirrorTarget::Serial(device) => TerminalStream::open(device, baud).await.map(MirrorWire::Serial),
        }
    }

    /// Sends a line, with its end.
    ///
    /// # Errors
    /// The device is not there.
    pub async fn send(&mut self, line: &str) -> io::Result<()> {
        let sending = async {
            match self {
                MirrorWire::Udp(socket) => socket.send(line.as_bytes()).await.map(drop),
                MirrorWire::WebSocket(socket) => {
                    socket.send(Message::text(line)).await.map_err(io::Error::other)
                }
                MirrorWire::Serial(stream) => stream.write_all(line.as_bytes()).await,
            }
        };
        timeout(SEND_TIME, sending).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Reads what the device says, which has no meaning here, and answers its pings. Comes back when it is gone.
    pub async fn hear(&mut self) -> io::Error {
        let mut bytes = [0; 256];
        loop {
            let heard = match self {
                MirrorWire::Udp(socket) => socket.recv(&mut bytes).await.map(|_| true),
                MirrorWire::WebSocket(socket) => match socket.next().await {
                    Some(frame) => frame.map(|frame| !frame.is_close()).map_err(io::Error::other),
                    None => Ok(false),
                },
                MirrorWire::Serial(stream) => stream.read(&mut bytes).await.map(|count| count > 0),
            };
            match heard {
                Ok(true) => {}
                Ok(false) => return io::Error::other("the device has gone"),
                Err(error) => return error,
            }
        }
    }

    /// Closes it in order.
    pub async fn close(self) {
        if let MirrorWire::WebSocket(socket) = self {
            hang_up(*socket).await;
        }
    }
}

/// A socket for one other end only, so that it is told when nobody listens there.
async fn udp(address: &str) -> io::Result<UdpSocket> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for to in tokio::net::lookup_host(address).await? {
        let here = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(here).await?;
        match socket.connect(to).await {
            Ok(()) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}
