//! Whoever moves the axis, behind the API's port.

use std::sync::Arc;

use tokio::sync::watch;

use crate::api::port::{self, BoxFuture, MachinePort, Mover, Recordings};
use crate::drive::bridge::Link;
use crate::hal::sim::{Hands, Mishap, Mishaps};
use crate::machine::{Accepted, Command, Reply, Snapshot};

/// The machine of this process.
struct Local {
    link: Link,
    /// Of the simulated machine.
    hands: Option<Hands>,
    recordings: Option<Arc<dyn Recordings>>,
}

impl MachinePort for Local {
    fn mover(&self) -> Mover {
        Mover::Local
    }

    fn command(&self, command: Command) -> BoxFuture<'_, Reply> {
        Box::pin(self.link.command(command))
    }

    fn stop(&self) {
        self.link.stop();
    }

    fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.link.snapshots()
    }

    fn hands(&self) -> Option<&dyn port::Hands> {
        self.hands.as_ref().map(|hands| hands as &dyn port::Hands)
    }

    fn recordings(&self) -> Option<Arc<dyn Recordings>> {
        self.recordings.clone()
    }
}

impl port::Hands for Hands {
    fn known(&self) -> Vec<&'static str> {
        Mishap::ALL.map(Mishap::name).to_vec()
    }

    fn mishaps(&self) -> Vec<&'static str> {
        let on = self.mishaps();
        Mishap::ALL.into_iter().filter(|mishap| on.has(*mishap)).map(Mishap::name).collect()
    }

    fn set_mishaps(&self, names: &[String]) {
        let known = names.iter().filter_map(|name| Mishap::from_name(name));
        self.set_all(known.fold(Mishaps::default(), Mishaps::with));
    }

    fn pushed_g(&self) -> f64 {
        self.pushed_g()
    }

    fn push_g(&self, force_g: f64) {
        self.push_g(force_g);
    }

    fn carriage_mm(&self) -> f64 {
        self.carriage_mm()
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
#[must_use]
pub fn local(
    link: Link,
    hands: Option<Hands>,
    recordings: Option<Arc<dyn Recordings>>,
) -> Arc<dyn MachinePort> {
    Arc::new(Local { link, hands, recordings })
}

/// The port of a machine elsewhere.
#[must_use]
pub fn remote() -> Arc<dyn MachinePort> {
    Arc::new(Remote { unchanging: watch::channel(Snapshot::at_power_on()).0 })
}
