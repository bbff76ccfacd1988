//! Listens between the server and the machine: what the API asked the machine for, and when.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::api::port::{BoxFuture, MachineLocation, MachinePort, OperatorPort};
use crate::machine::{Command, CommandKind, CommandRefusal, Reply, Snapshot};
use crate::units::Nanos;

/// What the API asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ask {
    /// A command.
    Command(CommandKind),
    /// STOP.
    Stop,
}

/// What the API asked for, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PortCall {
    /// When.
    pub at_ns: Nanos,
    /// What.
    pub what: Ask,
}

/// Where everything is written down that the API asks for.
#[derive(Debug, Default)]
pub struct CallLog {
    now_ns: AtomicU64,
    asked: Mutex<Vec<(u64, PortCall)>>,
    number: AtomicU64,
}

impl CallLog {
    /// It is `now`.
    pub fn pass_time(&self, now: Nanos) {
        self.now_ns.store(now, Ordering::Relaxed);
    }

    /// What was asked for since the last call.
    pub fn take(&self) -> Vec<PortCall> {
        self.lock().drain(..).map(|(_, asked)| asked).collect()
    }

    fn write(&self, what: Ask) -> u64 {
        let at_ns = self.now_ns.load(Ordering::Relaxed);
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        self.lock().push((number, PortCall { at_ns, what }));
        number
    }

    /// The machine never heard of it.
    fn strike(&self, number: u64) {
        self.lock().retain(|(written, _)| *written != number);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(u64, PortCall)>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A port that writes down what passes it.
pub struct Tap {
    /// The port behind it.
    pub port: Arc<dyn MachinePort>,
    /// Where it writes.
    pub log: Arc<CallLog>,
}

impl MachinePort for Tap {
    fn location(&self) -> MachineLocation {
        self.port.location()
    }

    fn command(&self, command: Command) -> BoxFuture<'_, Reply> {
        let number = self.log.write(Ask::Command(command.kind()));
        let decision = self.port.command(command);
        Box::pin(async move {
            let reply = decision.await;
            if reply == Err(CommandRefusal::QueueFull) {
                self.log.strike(number);
            }
            reply
        })
    }

    fn stop(&self) {
        self.log.write(Ask::Stop);
        self.port.stop();
    }

    fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.port.snapshots()
    }

    fn age(&self) -> Option<Duration> {
        self.port.age()
    }

    fn simulated_operator(&self) -> Option<&dyn OperatorPort> {
        self.port.simulated_operator()
    }
}
