//! `/api/status`: the newest snapshot of the machine.

use crate::api::answer::{self, Answer};
use crate::api::port::MachinePort;
use crate::api::telemetry;

/// The object that the stream `telemetry` repeats.
pub fn get(port: &dyn MachinePort) -> Answer {
    answer::ok(&telemetry::now(port))
}
