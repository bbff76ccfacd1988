//! Signal handling: graceful shutdown, and signals that are ignored.
//!
//! SIGTERM, Ctrl-C, a closed terminal and a dropped ssh end the process in order, after the axis has come to rest.
//! Every other signal that would end or suspend the process by default is ignored, as it would cut a motion without a
//! ramp; Ctrl-Z is one of them.

use std::fs;
use std::io;

use futures_util::future::select_all;
use libc::{c_int, sighandler_t};
use tokio::signal::unix::{SignalKind, signal};

/// Signals that ask the process to end.
const END: [c_int; 5] = [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGHUP, libc::SIGPWR];

/// Signals that end or suspend a process by default, and have no use here. (The standard library ignores SIGPIPE;
/// SIGKILL, SIGSTOP and the signals of failing instructions stay as they are.)
const IGNORED: [c_int; 12] = [
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGALRM,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGIO,
    libc::SIGSTKFLT,
    libc::SIGXCPU,
    // A file beyond its size limit is an error of the write.
    libc::SIGXFSZ,
    // Suspend a background process that writes to its terminal.
    libc::SIGTTOU,
    libc::SIGTTIN,
    libc::SIGTSTP,
];

/// Ignores the signals that would cut a motion.
///
/// # Errors
/// The system's.
pub fn ignore_others() -> io::Result<()> {
    IGNORED.into_iter().chain(libc::SIGRTMIN()..=libc::SIGRTMAX()).try_for_each(ignore)
}

#[allow(unsafe_code)]
fn ignore(signal: c_int) -> io::Result<()> {
    // SAFETY: no handler is installed, so no code of ours ever runs in the context of a signal; the call changes
    // nothing but what the kernel does with this signal.
    let before: sighandler_t = unsafe { libc::signal(signal, libc::SIG_IGN) };
    if before == libc::SIG_ERR { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Returns a future that completes on the first signal that asks the process to end. After the call these signals end
/// nothing by themselves, however often they come.
///
/// # Errors
/// The system's.
pub fn shutdown_requested() -> io::Result<impl Future<Output = ()>> {
    let ignored = ignored_at_start();
    // Under nohup SIGHUP was ignored at the start, and must not end the process.
    let heard = END.into_iter().filter(|number| *number != libc::SIGHUP || !has(ignored, *number));
    let mut signals =
        heard.map(|number| signal(SignalKind::from_raw(number))).collect::<io::Result<Vec<_>>>()?;
    Ok(async move {
        select_all(signals.iter_mut().map(|signal| Box::pin(signal.recv()))).await;
    })
}

/// Bit mask of the signals that were ignored when the process started.
fn ignored_at_start() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

fn has(mask: u64, signal: c_int) -> bool {
    mask >> (signal - 1) & 1 == 1
}
