//! Whoever moves the axis, behind the API's port.

use std::sync::Arc;

use tokio::sync::watch;

use super::simulated::Machine;
use crate::api::port::{BoxFuture, MachinePort, Mover};
use crate::drive::bridge::Link;
use crate::machine::{Accepted, Command, Reply, Snapshot};

/// The machine of this process.
struct Local(Link);

impl MachinePort for Local {
    fn mover(&self) -> Mover {
        Mover::Local
    }

    fn command(&self, command: Command) -> BoxFuture<'_, Reply> {
        Box::pin(self.0.command(command))
    }

    fn stop(&self) {
        self.0.stop();
    }

    fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.0.snapshots()
    }
}

/// A machine that hears commands from the stream `command_all` and decides for itself. Nothing is known of it but
/// what it says on the stream `status`, so the snapshot stays the one of the start: not homed.
struct Remote {
    unchanging: watch::Sender<Snapshot>,
}

impl MachinePort for Remote {
    fn mover(&self) -> Mover {
        Mover::Remote
    }

    fn command(&self, _command: Command) -> BoxFuture<'_, Reply> {
        Box::pin(async { Ok(Accepted::Now) })
    }

    /// The API announces STOP on the stream, which is all that reaches the machine.
    fn stop(&self) {}

    fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.unchanging.subscribe()
    }
}

/// The port of the machine of this process.
pub fn local(machine: &Machine) -> Arc<dyn MachinePort> {
    Arc::new(Local(machine.link()))
}

/// The port of a machine elsewhere.
pub fn remote() -> Arc<dyn MachinePort> {
    Arc::new(Remote { unchanging: watch::channel(Snapshot::at_power_on()).0 })
}
