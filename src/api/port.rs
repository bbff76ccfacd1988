//! What the API needs of the rest of the program, and no more: `api` names neither `drive` nor `hal`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
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
pub trait OperatorPort: Send + Sync {
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

/// How a recording is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For programs and charts.
    Json,
    /// One row a control cycle.
    Csv,
}

/// Which part of a recording is told; times are in seconds after the fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecordingSpan {
    /// Nothing earlier than this.
    pub from_s: f64,
    /// Nothing later than this.
    pub to_s: f64,
    /// Every n-th record only.
    pub every: usize,
}

/// Why a recording is not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Untold {
    /// There is none with this number.
    Unknown,
    /// It cannot be read, and why.
    Unreadable(String),
    /// Others are being told, and they take up much memory.
    Busy,
}

/// What the flight recorder kept of faults.
pub trait Recordings: Send + Sync {
    /// What is known about each, the newest first. Never blocks for long.
    fn list(&self) -> Vec<Value>;

    /// A part of one of them. Blocks while it is read.
    ///
    /// # Errors
    /// [`Untold`].
    fn tell(&self, id: u64, form: Form, part: &RecordingSpan) -> Result<Bytes, Untold>;
}

/// Why the load cell was not tared or calibrated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadCellRefusal {
    /// A stable word for programs.
    pub code: &'static str,
    /// What is so, and what to do.
    pub why: String,
}

/// The force sensor, as a person deals with it.
pub trait ForceSensorPort: Send + Sync {
    /// How it gets on.
    fn status(&self) -> Value;

    /// Makes the present reading the one of no force; a load that is there, or may be, needs the user's word.
    fn tare(&self, confirmed: bool) -> BoxFuture<'_, Result<Value, LoadCellRefusal>>;

    /// Takes the present load for this weight, in grams; positive pushes toward the front.
    fn calibrate(&self, weight_g: f64) -> BoxFuture<'_, Result<Value, LoadCellRefusal>>;

    /// What is remembered of it was replaced, and counts from now on.
    fn scale_replaced(&self);
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

    /// How long ago the newest snapshot came; nothing of a machine that sends none.
    fn age(&self) -> Option<Duration> {
        None
    }

    /// The hands of a person at the machine; only a simulated one has some.
    fn hands(&self) -> Option<&dyn OperatorPort> {
        None
    }

    /// The force sensor, where one is that can be tared.
    fn load_cell(&self) -> Option<&dyn ForceSensorPort> {
        None
    }

    /// The recordings of faults; a machine elsewhere keeps its own.
    fn recordings(&self) -> Option<Arc<dyn Recordings>> {
        None
    }
}
