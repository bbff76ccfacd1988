//! T-Code on lines: a serial device, and a pseudo terminal.
//!
//! The end of a line is that of its link, which is a planned stop: a device that was unplugged, a program that has closed
//! the pseudo terminal. Whoever comes next is another link.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::door::OwnDoor;
use super::pty::LinkedPty;
use super::terminal::TerminalStream;
use crate::api::Context;
use crate::api::feeds::admission::FeedProtocol;
use crate::api::feeds::link::LinkOrigin;
use crate::api::feeds::listeners::FeedDoor;
use crate::api::feeds::streams;

/// How long a line that is not there is left alone.
const TRY_AGAIN: Duration = Duration::from_secs(2);
/// How often is looked whether some program has opened the pseudo terminal, as nothing tells that.
const LOOK_EVERY: Duration = Duration::from_millis(200);

const ORIGIN: LinkOrigin = LinkOrigin { protocol: FeedProtocol::Tcode, transport: "serial", peer: None };

/// Serves a serial device with that baud rate (bit/s), whenever it is there.
pub async fn serve_serial(device: &Path, baud: u32, ctx: &Context) -> Infallible {
    let mut door = OwnDoor::new(ctx, FeedDoor::TcodeSerial, device.display());
    loop {
        match TerminalStream::open(device, baud).await {
            Ok(stream) => {
                door.is_open();
                streams::serve(stream, Arc::clone(&ctx.feeds), ORIGIN).await;
                door.is_shut("the device is gone");
            }
            Err(error) => door.is_shut(error),
        }
        sleep(TRY_AGAIN).await;
    }
}

/// Makes a pseudo terminal with a link, and serves whichever program opens it.
pub async fn serve_pty(link: &Path, ctx: &Context) -> Infallible {
    let mut door = OwnDoor::new(ctx, FeedDoor::TcodePty, link.display());
    loop {
        let pty = LinkedPty::make(link, ctx.options.rules.trusts_local);
        let error = match &pty {
            Ok(pty) => {
                door.is_open();
                serve_visitors(pty, ctx).await
            }
            Err(error) => std::io::Error::new(error.kind(), error.to_string()),
        };
        door.is_shut(error);
        sleep(TRY_AGAIN).await;
    }
}

/// Serves one program after the other, until the pseudo terminal fails.
async fn serve_visitors(pty: &LinkedPty, ctx: &Context) -> std::io::Error {
    let visit = async || -> std::io::Result<()> {
        if pty.is_open()? {
            // The runtime keeps an end that it has seen, so each visitor has a stream of his own.
            let stream = TerminalStream::of(pty.near())?;
            streams::serve(stream, Arc::clone(&ctx.feeds), ORIGIN).await;
            pty.make_raw()?;
        }
        Ok(())
    };
    loop {
        if let Err(error) = visit().await {
            return error;
        }
        sleep(LOOK_EVERY).await;
    }
}
