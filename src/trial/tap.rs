//! Tap on the machine port: records each call from the server to the machine, with its instant.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::api::port::{BoxFuture, MachineLocation, MachinePort, OperatorPort};
use crate::machine::{Command, CommandKind, CommandRefusal, FeedMessage, Reply, Snapshot};
use crate::units::Nanos;

/// A call of the API to the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PortRequest {
    /// A command.
    Command(CommandKind),
    /// STOP.
    Stop,
}

/// A recorded call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PortCall {
    /// Instant of the call.
    pub at_ns: Nanos,
    /// The call.
    pub request: PortRequest,
}

/// Record of the calls.
#[derive(Debug, Default)]
pub struct CallLog {
    now_ns: AtomicU64,
    calls: Mutex<Vec<(u64, PortCall)>>,
    number: AtomicU64,
}

impl CallLog {
    /// Sets the virtual time for the next calls.
    pub fn set_time(&self, now: Nanos) {
        self.now_ns.store(now, Ordering::Relaxed);
    }

    /// Takes the calls since the previous `take`.
    pub fn take(&self) -> Vec<PortCall> {
        self.lock().drain(..).map(|(_, calls)| calls).collect()
    }

    fn record(&self, request: PortRequest) -> u64 {
        let at_ns = self.now_ns.load(Ordering::Relaxed);
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        self.lock().push((number, PortCall { at_ns, request }));
        number
    }

    /// Removes a call that did not reach the machine.
    fn remove(&self, number: u64) {
        self.lock().retain(|(written, _)| *written != number);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(u64, PortCall)>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A machine port that records each call and passes it on.
pub struct Tap {
    /// The port that the calls go to.
    pub port: Arc<dyn MachinePort>,
    /// The record.
    pub log: Arc<CallLog>,
}

impl MachinePort for Tap {
    fn location(&self) -> MachineLocation {
        self.port.location()
    }

    fn command(&self, command: Command) -> BoxFuture<'_, Reply> {
        let number = self.log.record(PortRequest::Command(command.kind()));
        let decision = self.port.command(command);
        Box::pin(async move {
            let reply = decision.await;
            if reply == Err(CommandRefusal::QueueFull) {
                self.log.remove(number);
            }
            reply
        })
    }

    fn send_to_feed(&self, message: FeedMessage) -> bool {
        self.port.send_to_feed(message)
    }

    fn clock_ns(&self) -> Nanos {
        self.port.clock_ns()
    }

    fn stop(&self) {
        self.log.record(PortRequest::Stop);
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
