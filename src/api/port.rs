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

/// A person at the simulated machine, who presses things and pulls cables. Mishaps go by their names.
pub trait Hands: Send + Sync {
    /// Everything that can go wrong.
    fn known(&self) -> Vec<&'static str>;

    /// What is wrong now.
    fn mishaps(&self) -> Vec<&'static str>;

    /// Makes exactly these happen, all in the same instant. Names that are not known do nothing.
    fn set_mishaps(&self, names: &[String]);

    /// How hard the carriage is pushed, in grams; negative is toward the back.
    fn pushed_g(&self) -> f64;

    /// Pushes the carriage.
    fn push_g(&self, force_g: f64);

    /// Where the carriage really stands, in mm from where the back switch closes.
    fn carriage_mm(&self) -> f64;
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

    /// The hands of a person at the machine; only a simulated one has some.
    fn hands(&self) -> Option<&dyn Hands> {
        None
    }
}
