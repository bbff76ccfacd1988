//! Machine port of the API, implemented for the machine of this process and for a remote one.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::machine::RunningMachine;
use super::recordings::RecordingsReader;
use crate::api::port::{self, BoxFuture, ForceSensorPort, MachineLocation, MachinePort, Recordings};
use crate::drive::bridge::MachineHandle;
use crate::hal::sim::{Mishap, Mishaps, SimulatedOperator};
use crate::machine::{Accepted, Command, FeedMessage, Reply, Snapshot};
use crate::sensor::service::SensorService;
use crate::units::Nanos;

/// Port of the machine of this process.
struct Local {
    link: MachineHandle,
    /// `None` for a real machine.
    operator: Option<SimulatedOperator>,
    recordings: Option<Arc<dyn Recordings>>,
    load_cell: Option<SensorService>,
}

impl MachinePort for Local {
    fn location(&self) -> MachineLocation {
        MachineLocation::Local
    }

    fn command(&self, command: Command) -> BoxFuture<'_, Reply> {
        Box::pin(self.link.command(command))
    }

    fn send_to_feed(&self, message: FeedMessage) -> bool {
        self.link.send_to_feed(message).is_ok()
    }

    fn clock_ns(&self) -> Nanos {
        self.link.clock_ns()
    }

    fn stop(&self) {
        self.link.stop();
    }

    fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.link.snapshots()
    }

    fn age(&self) -> Option<Duration> {
        Some(self.link.snapshot_age())
    }

    fn simulated_operator(&self) -> Option<&dyn port::OperatorPort> {
        self.operator.as_ref().map(|operator| operator as &dyn port::OperatorPort)
    }

    fn recordings(&self) -> Option<Arc<dyn Recordings>> {
        self.recordings.clone()
    }

    fn load_cell(&self) -> Option<&dyn ForceSensorPort> {
        self.load_cell.as_ref().map(|service| service as &dyn ForceSensorPort)
    }
}

impl port::OperatorPort for SimulatedOperator {
    fn known(&self) -> Vec<&'static str> {
        Mishap::ALL.map(Mishap::name).to_vec()
    }

    fn mishaps(&self) -> Vec<&'static str> {
        let on = self.mishaps();
        Mishap::ALL.into_iter().filter(|mishap| on.has(*mishap)).map(Mishap::name).collect()
    }

    fn set_mishaps(&self, names: &[String]) {
        let known = names.iter().filter_map(|name| Mishap::from_name(name));
        self.replace_mishaps(known.fold(Mishaps::default(), Mishaps::with));
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

/// Port of a machine on another host, which receives commands from the stream `command_all` and decides for itself.
///
/// Only its messages on the stream `status` are known, so the snapshot stays the one at power-on: not homed.
struct RemoteMachine {
    unchanging: watch::Sender<Snapshot>,
}

impl MachinePort for RemoteMachine {
    fn location(&self) -> MachineLocation {
        MachineLocation::Remote
    }

    fn command(&self, _command: Command) -> BoxFuture<'_, Reply> {
        Box::pin(async { Ok(Accepted::Now) })
    }

    /// Does nothing: the API announces STOP on the stream, which is all that reaches the machine.
    fn stop(&self) {}

    fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.unchanging.subscribe()
    }
}

/// The port of the machine of this process.
pub fn local(machine: &RunningMachine) -> Arc<dyn MachinePort> {
    let recordings = Some(RecordingsReader::of(machine.recordings()));
    let load_cell = machine.load_cell();
    Arc::new(Local { link: machine.link(), operator: machine.simulated_operator(), recordings, load_cell })
}

/// The port of a machine on virtual time, without recordings and force sensor.
pub fn on_virtual_time(link: MachineHandle, operator: SimulatedOperator) -> Arc<dyn MachinePort> {
    Arc::new(Local { link, operator: Some(operator), recordings: None, load_cell: None })
}

/// The port of a machine on another host.
pub fn remote() -> Arc<dyn MachinePort> {
    Arc::new(RemoteMachine { unchanging: watch::channel(Snapshot::at_power_on()).0 })
}
