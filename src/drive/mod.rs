//! DOING, in real time: the control cycle, the step loop, the rings between them, the stop line.
//!
//! - [`control`]: 1000 times a second: see, decide, plan; [`executor`]: its planning half
//! - [`step_loop`]: chunks to edges; [`player`]: through one chunk, event by event; [`late`]: what to do about late ones;
//!   [`debounce`]: when an input is believed
//! - [`chunk`], [`rings`], [`status`], [`stop_line`], [`host_line`]: how the two talk, and others to them, without ever waiting
//! - [`rehearsal`]: both loops in one thread, on virtual time; [`cycle_trace`]: what a watcher sees of them
//! - [`realtime`]: what their threads need from the host, and whether it gives that
//! - [`threads`]: both loops in their threads; [`bridge`]: from them to the tokio side
//!
//! The two loops never allocate, lock, log or touch the disk once they run.

pub mod bridge;
pub mod chunk;
pub mod control;
pub mod cycle_trace;
pub mod debounce;
pub mod executor;
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

/// What threads share memory with. The models of tests/models put loom's in its place.
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

/// Whether the motor driver should be powered: the control cycle decides, the step loop owns the pin.
#[derive(Debug, Clone, Default)]
pub struct PowerRequest(Arc<AtomicBool>);

impl PowerRequest {
    /// The decision.
    pub fn set(&self, on: bool) {
        self.0.store(on, Ordering::Release);
    }

    /// What was decided last.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
