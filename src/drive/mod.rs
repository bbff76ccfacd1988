//! Real-time loops: control cycle and step loop, the rings between them, the stop line, their threads.
//!
//! - [`control`]: control cycle, 1000 times a second: read, decide, plan; [`executor`]: its motion planning; `feed_plan`:
//!   that of a feed
//! - [`step_loop`]: makes step pulses of chunks; [`player`]: iterates over the events of one chunk; [`late`]: lateness
//!   policy; [`debounce`]: confirmation of inputs
//! - [`chunk`], [`rings`], [`status`], [`stop_line`], [`host_line`]: wait-free communication between the loops and with
//!   others
//! - [`rehearsal`]: both loops in one thread, on virtual time; [`cycle_trace`]: trace samples for observers
//! - [`realtime`]: demands of the threads on the host, and whether it meets them
//! - [`threads`]: both loops in their threads; [`bridge`]: from them to the tokio side
//!
//! Once they run, the two loops never allocate, lock, log or touch the disk.

pub mod bridge;
pub mod chunk;
pub mod control;
pub mod cycle_trace;
pub mod debounce;
pub mod executor;
mod feed_plan;
pub mod host_line;
pub mod late;
pub mod player;
pub mod realtime;
pub mod rehearsal;
pub mod rings;
pub mod status;
pub mod step_loop;
pub mod stop_line;
pub mod threads;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Primitives shared between threads. The models of tests/models put loom's in their place.
mod sync {
    pub use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU32, AtomicU64, Ordering};
}

pub use control::{Control, ControlOptions};
pub use cycle_trace::{CycleObserver, TraceSample};
pub use late::LatePolicy;
pub use rehearsal::{Rehearsal, RehearsalOptions};
pub use rings::Rings;
pub use status::StepStatus;
pub use step_loop::{PulseTiming, StepLoop};
pub use stop_line::StopLine;

/// Requested power of the motor driver: the control cycle decides, the step loop owns the pin.
#[derive(Debug, Clone, Default)]
pub struct PowerRequest(Arc<AtomicBool>);

impl PowerRequest {
    /// Requests power on or off.
    pub fn set(&self, on: bool) {
        self.0.store(on, Ordering::Release);
    }

    /// True if power is requested.
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
