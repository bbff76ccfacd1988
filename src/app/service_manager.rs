//! Notification of the service manager (systemd's sd_notify protocol): ready, alive, stopping.
//!
//! Each message is one datagram to the socket of the environment (sd_notify(3)); without a socket, none is sent.
//! *Alive* (`WATCHDOG=1`) means that both real-time loops have made a cycle since the last message, and that the front
//! thread, which takes STOP, and the main thread ran. When one of the four hangs, the manager ends the process, and
//! puts the pins into their safe level.

use std::env::{self, VarError};
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::drive::threads::Heartbeats;

/// Messages per watchdog timeout: one may be late, and one lost.
const MESSAGES_PER_TIMEOUT: u32 = 4;

/// The service manager; without a socket, messages are dropped.
pub struct ServiceManager(Option<NotifySocket>);

struct NotifySocket {
    socket: UnixDatagram,
    address: SocketAddr,
    /// Watchdog timeout of the manager, if it has one.
    timeout: Option<Duration>,
}

impl ServiceManager {
    /// The manager that started this process, from the environment.
    pub fn of_this_process() -> ServiceManager {
        let Some(name) = env::var_os("NOTIFY_SOCKET") else { return ServiceManager(None) };
        let timeout = timeout(env::var("WATCHDOG_USEC"), env::var("WATCHDOG_PID"), std::process::id());
        match open_socket(name.as_bytes(), timeout) {
            Ok(socket) => ServiceManager(Some(socket)),
            Err(error) => {
                tracing::warn!(%error, "the service manager cannot be told anything");
                ServiceManager(None)
            }
        }
    }

    /// Notifies that everything has started, and clients are answered.
    pub fn ready(&self, serving: &str) {
        self.notify(&format!("READY=1\nSTATUS={serving}"));
    }

    /// Notifies that the shutdown has begun.
    pub fn stopping(&self) {
        self.notify("STOPPING=1\nSTATUS=the axis comes to rest");
    }

    /// Feeds the manager's watchdog while the loops and the front thread are alive.
    pub async fn feed_watchdog(&self, loops: Option<Heartbeats>, front: Handle) {
        let Some(timeout) = self.0.as_ref().and_then(|socket| socket.timeout) else {
            return std::future::pending().await;
        };
        let mut ticks = tokio::time::interval(timeout / MESSAGES_PER_TIMEOUT);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut last = None;
        loop {
            ticks.tick().await;
            // Completes when the front thread has run it.
            let _ = front.spawn(async {}).await;
            // A process without a machine has no loops.
            let Some(counts) = loops.as_ref().map(Heartbeats::counts) else {
                self.notify("WATCHDOG=1");
                continue;
            };
            if last.is_none_or(|last: [u64; 2]| last.iter().zip(counts).all(|(last, count)| *last != count)) {
                self.notify("WATCHDOG=1");
                last = Some(counts);
            }
        }
    }

    fn notify(&self, what: &str) {
        let Some(to) = &self.0 else { return };
        if let Err(error) = to.socket.send_to_addr(what.as_bytes(), &to.address) {
            tracing::warn!(%error, what, "the service manager could not be told");
        }
    }
}

fn open_socket(name: &[u8], timeout: Option<Duration>) -> io::Result<NotifySocket> {
    let address = match name {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        path => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(path))?,
    };
    let socket = UnixDatagram::unbound()?;
    // A manager that does not read must not block this thread.
    socket.set_nonblocking(true)?;
    Ok(NotifySocket { socket, address, timeout })
}

/// Watchdog timeout of the manager, if it watches this very process.
fn timeout(
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
            assert_eq!(timeout(microseconds.clone(), waits_for.clone(), 7), expected, "{microseconds:?}");
        }
    }
}
