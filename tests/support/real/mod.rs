//! Harness for the real binary: its process, its sockets, its pulses. Everything here takes real time, so the tests
//! that use it run alone, one after the other (`scripts/test`).
//!
//! - [`process`]: a server with a state folder of its own, killed when its test ends
//! - [`fake_pi`]: a Raspberry Pi for it, whose registers the test reads and writes
//! - [`http`], [`socket`]: clients that send exactly the bytes of a test
//! - [`app`]: the requests of yep-app
//! - [`terminal`]: a terminal with a person at its keys
//! - [`pulses`]: the pulse log, as an oscilloscope at the pins would show it
//! - [`clock`]: instants of pulses on the clock of the test
//! - [`retries`]: bounded and counted retries
//! - [`shifts`]: shifts of the motion's time base by a busy host, from telemetry

#![allow(dead_code)] // Each test file uses a part of it.

pub mod app;
pub mod clock;
pub mod fake_pi;
pub mod http;
pub mod process;
pub mod pulses;
pub mod retries;
#[path = "../schema.rs"]
mod schema;
pub mod shifts;
pub mod socket;
pub mod terminal;

use std::time::{Duration, Instant};

pub use process::{Home, Yep};
pub use pulses::Pulse;
pub use socket::Socket;

/// Longest wait before a test counts as failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Polls until `poll` returns a value.
#[track_caller]
pub fn eventually<T>(what: &str, mut poll: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = poll() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
