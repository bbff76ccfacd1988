//! Non-blocking log on the error stream, for a terminal or for journald, which adds the time itself and shows no
//! colours.
//!
//! A write may block on a stopped terminal, a pipe that is not read, or a frozen disk. So a log call puts its line into
//! a bounded queue, and a thread of its own writes. A line that does not fit is dropped and counted, and the log
//! reports the count as soon as it can write again. A [`rate limit`](super::log_budget) for each call site keeps a
//! flood of one message from filling the disk.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::log_budget::LogBudget;
use super::log_keeper::LogKeeper;
use crate::log_ring::LogRing;

/// Filter without RUST_LOG.
const DEFAULT_FILTER: &str = "info";
/// Length of the queue (lines).
const QUEUED_LINES: usize = 1024;
/// Longest line; longer ones are cut, which bounds the memory of the queue.
const LINE_BYTES: usize = 4096;
/// Timeout for a panic's own message, as the process may end after it.
const PANIC_TIME: Duration = Duration::from_millis(50);
/// Poll interval of a full queue.
const RETRY: Duration = Duration::from_millis(5);

enum LogEntry {
    Line(Vec<u8>),
    /// Answered when all entries before it are written.
    Flush(SyncSender<()>),
}

/// Writer of the log; clones share one queue.
#[derive(Clone)]
pub struct LogWriter {
    queue: SyncSender<LogEntry>,
    dropped: Arc<AtomicU64>,
    /// The newest lines, for the server.
    pub ring: Arc<LogRing>,
}

impl LogWriter {
    /// Starts a log thread that writes to `out`.
    fn to(out: impl Write + Send + 'static) -> io::Result<LogWriter> {
        let (queue, entries) = sync_channel(QUEUED_LINES);
        let dropped = Arc::new(AtomicU64::new(0));
        let lost = Arc::clone(&dropped);
        std::thread::Builder::new().name("log".into()).spawn(move || write_entries(&entries, &lost, out))?;
        Ok(LogWriter { queue, dropped, ring: Arc::default() })
    }

    /// Queues a line; drops it if the queue is full.
    fn push(&self, line: &[u8]) {
        let line = match line.get(..LINE_BYTES) {
            Some(cut) => [cut, b" ...\n"].concat(),
            None => line.to_vec(),
        };
        if self.queue.try_send(LogEntry::Line(line)).is_err() {
            self.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Waits until all queued lines are written, at most `within`; returns whether they were.
    pub fn flush(&self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        let (written, done) = sync_channel(1);
        let mut flush = LogEntry::Flush(written);
        while let Err(TrySendError::Full(back)) = self.queue.try_send(flush) {
            if Instant::now() >= deadline {
                return false;
            }
            flush = back;
            std::thread::sleep(RETRY);
        }
        done.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok()
    }
}

/// The log thread: writes until the process ends.
fn write_entries(entries: &Receiver<LogEntry>, dropped: &AtomicU64, mut out: impl Write) {
    while let Ok(entry) = entries.recv() {
        // A failed write does not end the log: a full disk may have room again later.
        match entry {
            LogEntry::Line(line) => {
                let _ = out.write_all(&line);
            }
            LogEntry::Flush(written) => {
                let _ = out.flush();
                let _ = written.try_send(());
            }
        }
        let lost = dropped.swap(0, Relaxed);
        if lost > 0 {
            let _ = writeln!(out, "WARN the log was not written fast enough: {lost} lines are missing here");
        }
    }
}

/// The subscriber writes one line per call.
impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LogWriter {
    type Writer = LogWriter;

    fn make_writer(&self) -> LogWriter {
        self.clone()
    }
}

/// Starts the log of the process, on the error stream.
///
/// # Errors
/// The thread cannot be started.
pub fn start() -> io::Result<LogWriter> {
    let wanted = std::env::var("RUST_LOG").ok();
    let (filter, refused) = match EnvFilter::try_new(wanted.as_deref().unwrap_or(DEFAULT_FILTER)) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(DEFAULT_FILTER), Some(error)),
    };
    let log = LogWriter::to(io::stderr())?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(log.clone());
    let budget = LogBudget::default();
    let keeper = LogKeeper(Arc::clone(&log.ring));
    if is_journal() {
        lines.without_time().with_ansi(false).finish().with(keeper).with(budget).init();
    } else {
        let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        lines.with_ansi(colours).finish().with(keeper).with(budget).init();
    }
    // The default hook writes to the error stream itself, which may block the thread that panics.
    let writer = log.clone();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        tracing::error!("the thread {} failed: {panic}", thread.name().unwrap_or("without a name"));
        writer.flush(PANIC_TIME);
    }));
    if let Some(error) = refused {
        tracing::warn!(%error, "RUST_LOG is not understood; {DEFAULT_FILTER} is used");
    }
    Ok(log)
}

/// Returns whether the error stream is the one that systemd connected to journald. The variable alone is not enough:
/// programs that a service starts inherit it, and may have redirected their output.
fn is_journal() -> bool {
    let Ok(said) = std::env::var("JOURNAL_STREAM") else { return false };
    fs::metadata("/proc/self/fd/2").is_ok_and(|stream| said == format!("{}:{}", stream.dev(), stream.ino()))
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, MutexGuard};

    use super::*;

    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<Vec<u8>>>);

    impl Disk {
        fn freeze(&self) -> MutexGuard<'_, Vec<u8>> {
            self.0.lock().unwrap()
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.freeze().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_that_cannot_be_written_drops_lines_counts_them_and_blocks_nobody() {
        let disk = Disk::default();
        let log = LogWriter::to(disk.clone()).unwrap();
        let frozen = disk.freeze();
        let long = "x".repeat(2 * LINE_BYTES);
        log.push(long.as_bytes());
        for line in 0..QUEUED_LINES + 100 {
            log.push(format!("{line}\n").as_bytes());
        }
        assert!(!log.flush(Duration::from_millis(20)));
        drop(frozen);
        while !log.flush(Duration::from_secs(1)) {}
        let written = String::from_utf8(disk.freeze().clone()).unwrap();
        let lines: Vec<&str> = written.lines().collect();
        assert!(lines[0].len() < LINE_BYTES + 10 && lines[0].ends_with("x ..."), "{}", lines[0]);
        // The thread may have taken one more out.
        let lost: usize = lines
            .iter()
            .find_map(|line| line.split_once("enough: ")?.1.split(' ').next()?.parse().ok())
            .unwrap();
        assert!((100..=101).contains(&lost), "{lost} of {}", lines.len());
        assert_eq!(lines.len() - 1 + lost, QUEUED_LINES + 101);
    }
}
