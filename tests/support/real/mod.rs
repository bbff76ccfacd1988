//! The real binary from outside: its process, its sockets, its pulses. Everything here takes real time, so the tests
//! that use it run alone, one after the other (`scripts/test`).
//!
//! - [`process`]: a server with a state folder of its own, killed when its test ends
//! - [`fake_pi`]: a Raspberry Pi for it, whose registers the test reads and writes
//! - [`http`], [`socket`]: clients that say exactly what a test wants said
//! - [`app`]: what yep-app sends
//! - [`pulses`]: the pulse log, what an oscilloscope at the pins would show
//! - [`clock`]: when a pulse was, on the clock of the test
//! - [`retries`]: how often something was tried again, with a bound
//! - [`shifts`]: by how much a busy host moved the time base of the motion, as telemetry tells

#![allow(dead_code)] // Each test file uses a part of it.

pub mod app;
pub mod clock;
pub mod fake_pi;
pub mod http;
pub mod process;
pub mod pulses;
pub mod retries;
pub mod shifts;
pub mod socket;

use std::time::{Duration, Instant};

pub use process::{Home, Yep};
pub use pulses::Pulse;
pub use socket::Socket;

/// What any wait in a test may take before it counts as failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Looks again and again until there is something.
#[track_caller]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
