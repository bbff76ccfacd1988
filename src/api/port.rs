//! Ports: the traits through which the API reaches the machine, the flight recorder, the force sensor and the simulated operator.
//!
//! `api` names neither `drive` nor `hal`; `app::machine_port` implements these traits, and so do tests.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use super::documents::faults::RecordingSummary;
use super::documents::sensor::{ForceSensorDocument, ScaleResult, TareResult};
use super::problem::ProblemCode;
use crate::machine::{Command, FeedMessage, Reply, Snapshot};
use crate::units::Nanos;

/// A boxed future, which a method of a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The process that owns the pins and decides about commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MachineLocation {
    /// This process, with real or simulated pins. It answers each command with its decision.
    Local,
    /// A yep-machine on another host, which listens to the stream `command_all`. It gets commands and sends no reply.
    Remote,
}

/// Simulated operator: a person at the simulated machine who presses switches, pulls cables and pushes the carriage.
/// Faults are given by the names of `hal::sim::Mishap`.
pub trait OperatorPort: Send + Sync {
    /// The name of every fault that can be injected.
    fn known(&self) -> Vec<&'static str>;

    /// The names of the faults that are injected now.
    fn mishaps(&self) -> Vec<&'static str>;

    /// Injects exactly these faults, all in the same instant. Unknown names have no effect.
    fn set_mishaps(&self, names: &[String]);

    /// The force on the carriage, in grams; negative is toward the back.
    fn pushed_g(&self) -> f64;

    /// Sets the force on the carriage, in grams; negative is toward the back.
    fn push_g(&self, force_g: f64);

    /// True position of the carriage, in mm from the point where the back switch closes.
    fn carriage_mm(&self) -> f64;
}

/// Output format of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordingFormat {
    /// JSON, for programs and charts.
    Json,
    /// CSV, one row for each control cycle.
    Csv,
}

/// The part of a recording that a client asks for; times are in seconds after the fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecordingSpan {
    /// Time of the first record.
    pub from_s: f64,
    /// Time of the last record.
    pub to_s: f64,
    /// Every n-th record only.
    pub every: usize,
}

/// The reason why a recording cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordingError {
    /// There is no recording with this number.
    Unknown,
    /// The file cannot be read or is damaged, with the reason.
    Unreadable(String),
    /// Too many recordings are being read; each takes megabytes of memory.
    Busy,
}

/// The recordings of faults that the flight recorder has kept.
pub trait Recordings: Send + Sync {
    /// A summary of each recording, the newest first. Does not block for long.
    fn list(&self) -> Vec<RecordingSummary>;

    /// Reads a part of the recording `id`. Blocks on the disk.
    ///
    /// # Errors
    /// [`RecordingError`].
    fn read(&self, id: u64, format: RecordingFormat, part: &RecordingSpan) -> Result<Bytes, RecordingError>;
}

/// The reason why the force sensor was not tared or calibrated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadCellRefusal {
    /// The reason.
    pub code: ProblemCode,
    /// The cause and the remedy, for people.
    pub why: String,
}

/// Force sensor: its status, tare and calibration.
pub trait ForceSensorPort: Send + Sync {
    /// State of the sensor.
    fn status(&self) -> ForceSensorDocument;

    /// Takes the present reading as zero. Without `confirmed` it is refused while there is a load, or may be one.
    fn tare(&self, confirmed: bool) -> BoxFuture<'_, Result<TareResult, LoadCellRefusal>>;

    /// Computes the scale factor from the present load, which weighs `weight_g` grams; positive pushes toward the front.
    fn calibrate(&self, weight_g: f64) -> BoxFuture<'_, Result<ScaleResult, LoadCellRefusal>>;

    /// The samples that were lost, by reason.
    fn lost_samples(&self) -> Vec<(&'static str, u64)>;

    /// Applies the stored scale again, after it was replaced in the store.
    fn reload_scale(&self);
}

/// The machine as the API sees it.
pub trait MachinePort: Send + Sync {
    /// The process that owns the pins.
    fn location(&self) -> MachineLocation;

    /// Sends the command and waits for the machine's decision.
    fn command(&self, command: Command) -> BoxFuture<'_, Reply>;

    /// Sends an item to a feed, which is on its way at once. False if it was dropped, as too many wait or there is no machine here.
    fn send_to_feed(&self, message: FeedMessage) -> bool {
        let _ = message;
        false
    }

    /// Time on the machine's clock, by which timed points are due; of a machine that has none here, that of its newest snapshot.
    fn clock_ns(&self) -> Nanos {
        self.snapshots().borrow().at_ns
    }

    /// Raises the stop line. Takes effect without a queue, in every state. Never blocks, never fails.
    fn stop(&self);

    /// A channel that holds the newest snapshot.
    fn snapshots(&self) -> watch::Receiver<Snapshot>;

    /// Age of the newest snapshot; `None` for a machine that sends no snapshots.
    fn age(&self) -> Option<Duration> {
        None
    }

    /// The simulated operator; `None` for a real machine.
    fn simulated_operator(&self) -> Option<&dyn OperatorPort> {
        None
    }

    /// The force sensor; `None` without one that can be tared.
    fn load_cell(&self) -> Option<&dyn ForceSensorPort> {
        None
    }

    /// The recordings of faults; `None` for a machine elsewhere, which keeps its own.
    fn recordings(&self) -> Option<Arc<dyn Recordings>> {
        None
    }
}
