//! Harness for video players: their processes, files to play, and the clock that follows them.
//!
//! - [`followed`]: the connection of the program under test, and its media clock
//! - [`mpv`], [`vlc`]: players, and their own word on their position
//! - [`headset`]: a program that speaks as HereSphere and DeoVR do
//! - [`media`]: files to play

#![allow(dead_code)] // Each test file uses a part of it.

pub mod followed;
pub mod headset;
pub mod media;
pub mod mpv;
pub mod vlc;

use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longest wait before a test counts as failed.
const PATIENCE: Duration = Duration::from_secs(15);

/// Polls until `poll` returns a value.
#[track_caller]
pub fn eventually<T>(what: &str, poll: impl FnMut() -> Option<T>) -> T {
    within(what, PATIENCE, poll)
}

/// The same, not longer than that.
#[track_caller]
pub fn within<T>(what: &str, patience: Duration, mut poll: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = poll() {
            return found;
        }
        assert!(began.elapsed() < patience, "{what}: not within {patience:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Until what was started a moment ago is met.
pub fn settle() {
    std::thread::sleep(Duration::from_millis(700));
}

/// True if that program is installed.
pub fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// A folder that every user may read.
pub fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    folder
}

/// Errors of a clock (s).
#[derive(Default)]
pub struct Errors(Vec<f64>);

impl Errors {
    pub fn add(&mut self, error_s: f64) {
        self.0.push(error_s);
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn mean_s(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }

    pub fn most_s(&self) -> f64 {
        self.0.iter().fold(0.0, |most, error| most.max(error.abs()))
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mean_ms, most_ms) = (self.mean_s() * 1_000.0, self.most_s() * 1_000.0);
        write!(f, "{} readings, mean error {mean_ms:.1} ms, at most {most_ms:.1} ms", self.count())
    }
}
