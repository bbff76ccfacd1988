//! What the API needs of the rest of the program, and no more: `api` names neither `drive` nor `hal`.

use std::future::Future;
use std::pin::Pin;

use tokio::sync::watch;

use crate::machine::{Command, Reply, Snapshot};

/// A future that a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who moves the axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mover {
    /// This process, through its own pins or the simulated ones: it decides and says no.
    Local,
    /// A yep-machine on another host, which listens to the stream `command_all`: it is told, never asked.
    Remote,
}

/// The machine as the API sees it.
pub trait MachinePort: Send + Sync {
    /// Who moves the axis.
    fn mover(&self) -> Mover;

    /// Hands the command over and waits for the machine's decision.
    fn command(&self, command: Command) -> BoxFuture<'_, Reply>;

    /// Raises the stop line: takes effect without any queue, in every state. Never blocks, never fails.
    fn stop(&self);

    /// The newest snapshot, and notice of newer ones.
    fn snapshots(&self) -> watch::Receiver<Snapshot>;
}
