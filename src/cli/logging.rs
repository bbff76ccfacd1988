//! The log: readable on a terminal, and in journald, which adds the time itself and shows no colours.

use std::fs;
use std::io::{self, IsTerminal};
use std::os::unix::fs::MetadataExt;

use tracing_subscriber::EnvFilter;

/// What is logged when RUST_LOG does not say.
const DEFAULT_FILTER: &str = "info";

/// Starts the log of the process, on the error stream.
pub fn start() {
    let wanted = std::env::var("RUST_LOG").ok();
    let (filter, refused) = match EnvFilter::try_new(wanted.as_deref().unwrap_or(DEFAULT_FILTER)) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(DEFAULT_FILTER), Some(error)),
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    if is_journal() {
        log.without_time().with_ansi(false).init();
    } else {
        let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        log.with_ansi(colours).init();
    }
    if let Some(error) = refused {
        tracing::warn!(%error, "RUST_LOG is not understood; {DEFAULT_FILTER} is used");
    }
}

/// Whether the error stream is the one that systemd connected to journald. The variable alone is not enough:
/// programs that a service starts inherit it, and may have redirected their output.
fn is_journal() -> bool {
    let Ok(said) = std::env::var("JOURNAL_STREAM") else { return false };
    fs::metadata("/proc/self/fd/2").is_ok_and(|stream| said == format!("{}:{}", stream.dev(), stream.ino()))
}
