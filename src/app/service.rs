//! What the service manager is told: that the program is ready, that it is alive, that it ends.
//!
//! The protocol is one datagram a message to the socket that systemd names (sd_notify(3)); without one, nothing is
//! told. *Alive* means that both real-time loops have made a turn since the last time it was said, and that the thread
//! that takes STOP and the main thread got round to saying it: when one of the four hangs, the manager ends the process, and puts the
//! pins into their safe level.

use std::env::{self, VarError};
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::drive::threads::Heartbeats;

/// Messages in the time after which the manager gives up: one may be late, and one lost.
const MESSAGES_IN_TIME: u32 = 4;

/// The service manager, if there is one that listens.
pub struct Manager(Option<NotifySocket>);

struct NotifySocket {
    socket: UnixDatagram,
    address: SocketAddr,
    /// How long the manager waits for a sign of life.
    patience: Option<Duration>,
}

impl Manager {
    /// The one that has started this process.
    pub fn of_this_process() -> Manager {
        let Some(name) = env::var_os("NOTIFY_SOCKET") else { return Manager(None) };
        let patience = patience(env::var("WATCHDOG_USEC"), env::var("WATCHDOG_PID"), std::process::id());
        match listener(name.as_bytes(), patience) {
            Ok(listener) => Manager(Some(listener)),
            Err(error) => {
                tracing::warn!(%error, "the service manager cannot be told anything");
                Manager(None)
            }
        }
    }

    /// Everything has started, and clients are answered.
    pub fn ready(&self, serving: &str) {
        self.tell(&format!("READY=1\nSTATUS={serving}"));
    }

    /// The process was told to end.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=the axis comes to rest");
    }

    /// Says that the process is alive for as long as it is: its loops, and the thread that takes STOP.
    pub async fn feed(&self, loops: Option<Heartbeats>, front: Handle) {
        let Some(patience) = self.0.as_ref().and_then(|listener| listener.patience) else {
            return std::future::pending().await;
        };
        let mut ticks = tokio::time::interval(patience / MESSAGES_IN_TIME);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut last = None;
        loop {
            ticks.tick().await;
            // Returns when that thread got round to it.
            let _ = front.spawn(async {}).await;
            // A process that moves nothing has no loops.
            let Some(counts) = loops.as_ref().map(Heartbeats::counts) else {
                self.tell("WATCHDOG=1");
                continue;
            };
            if last.is_none_or(|last: [u64; 2]| last.iter().zip(counts).all(|(last, count)| *last != count)) {
                self.tell("WATCHDOG=1");
                last = Some(counts);
            }
        }
    }

    fn tell(&self, what: &str) {
        let Some(listener) = &self.0 else { return };
        if let Err(error) = listener.socket.send_to_addr(what.as_bytes(), &listener.address) {
            tracing::warn!(%error, what, "the service manager could not be told");
        }
    }
}

fn listener(name: &[u8], patience: Option<Duration>) -> io::Result<NotifySocket> {
    let address = match name {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        path => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(path))?,
    };
    let socket = UnixDatagram::unbound()?;
    // A manager that does not read must not hold up anything here.
    socket.set_nonblocking(true)?;
    Ok(NotifySocket { socket, address, patience })
}

/// How long the manager waits, if it waits for this very process.
fn patience(
    microseconds: Result<String, VarError>,
    waits_for: Result<String, VarError>,
    process: u32,
) -> Option<Duration> {
    let microseconds = microseconds.ok()?.parse().ok().filter(|microseconds| *microseconds > 0)?;
    let for_us = waits_for.is_err() || waits_for.is_ok_and(|id| id == process.to_string());
    for_us.then(|| Duration::from_micros(microseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_process_that_is_meant_is_waited_for() {
        let text = |text: &str| Ok(text.to_owned());
        let none = || Err(VarError::NotPresent);
        let two = Some(Duration::from_secs(2));
        for (microseconds, waits_for, expected) in [
            (text("2000000"), none(), two),
            (text("2000000"), text("7"), two),
            (text("2000000"), text("8"), None),
            (none(), text("7"), None),
            (text("0"), none(), None),
            (text("soon"), none(), None),
        ] {
            assert_eq!(patience(microseconds.clone(), waits_for.clone(), 7), expected, "{microseconds:?}");
        }
    }
}
