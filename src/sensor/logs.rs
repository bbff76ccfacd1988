//! Log of the board, decoded from defmt and written into our log with its level, the board's time and the place in the
//! firmware.
//!
//! defmt keeps the texts in the firmware's ELF file and sends their numbers and arguments. So decoding needs the file
//! of exactly this firmware; frames that do not fit it are counted. A thread of its own decodes, behind a bounded queue
//! and a rate limit, so that a board that logs too much holds nothing up.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::firmware::{BoardLogLine, Firmware};
use super::report::SensorReport;
use crate::token_bucket::TokenBucket;

/// Length of the queue to the decoding thread; further frames are dropped and counted.
const WAITING: usize = 64;
/// Rate limit: burst, and lines per second in the long run. Warnings and errors have a limit of their own, so that
/// other lines cannot hide them.
const BURST: f64 = 50.0;
const LINES_PER_S: f64 = 20.0;
/// Interval of the warning about suppressed lines.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// Sender of log frames to the decoding thread.
#[derive(Debug, Clone)]
pub struct LogSink {
    report: SensorReport,
    reader: Option<SyncSender<Vec<u8>>>,
}

impl LogSink {
    /// Counts frames without decoding them, for lack of a firmware file.
    pub fn without_firmware(report: SensorReport) -> LogSink {
        LogSink { report, reader: None }
    }

    /// Starts a thread that decodes frames with the firmware's ELF file. If the file is missing or of no use, that is
    /// logged once.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn with_firmware(file: &Path, report: SensorReport) -> io::Result<LogSink> {
        let (sender, frames) = sync_channel(WAITING);
        let (file, status) = (file.to_owned(), report.clone());
        std::thread::Builder::new()
            .name("sensor-log".to_owned())
            .spawn(move || run(file, &frames, &status))?;
        Ok(LogSink { report, reader: Some(sender) })
    }

    /// Queues a frame. Never blocks.
    pub fn push(&self, frame: &[u8]) {
        match &self.reader {
            None => self.report.state().logs.undecoded += 1,
            Some(reader) => {
                if reader.try_send(frame.to_vec()).is_err() {
                    self.report.state().logs.suppressed += 1;
                }
            }
        }
    }
}

/// Decodes frames until the sink is dropped.
fn run(file: PathBuf, frames: &Receiver<Vec<u8>>, report: &SensorReport) {
    let firmware = Firmware::open(&file)
        .inspect_err(|error| {
            tracing::warn!("the log of the sensor's board cannot be read with {}: {error}", file.display());
        })
        .ok();
    let mut budgets = [TokenBucket::full(BURST, LINES_PER_S, Instant::now()); 2];
    let mut reported_at = None;
    let mut mismatch_reported = false;
    for frame in frames {
        let Some(line) = firmware.as_ref().and_then(|firmware| firmware.read(&frame)) else {
            if firmware.is_some() && !std::mem::replace(&mut mismatch_reported, true) {
                tracing::warn!("the sensor's board does not run the firmware of {}", file.display());
            }
            report.state().logs.undecoded += 1;
            continue;
        };
        let now = Instant::now();
        if budgets[usize::from(line.level <= tracing::Level::WARN)].take(now) {
            write_line(&line);
            report.state().logs.said += 1;
            continue;
        }
        report.state().logs.suppressed += 1;
        if reported_at.is_none_or(|at| now.saturating_duration_since(at) >= REPORT_EVERY) {
            reported_at = Some(now);
            let suppressed = report.state().logs.suppressed;
            tracing::warn!(suppressed, "the sensor's board says too much: some of it is left out");
        }
    }
}

fn write_line(line: &BoardLogLine) {
    macro_rules! log_at {
        ($level:ident) => {
            tracing::$level!(target: "yep::sensor::board", mcu_time = line.time, at = line.place, "{}", line.text)
        };
    }
    match line.level {
        tracing::Level::ERROR => log_at!(error),
        tracing::Level::WARN => log_at!(warn),
        tracing::Level::INFO => log_at!(info),
        tracing::Level::DEBUG => log_at!(debug),
        tracing::Level::TRACE => log_at!(trace),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_that_nobody_can_read_are_counted() {
        let report = SensorReport::default();
        LogSink::without_firmware(report.clone()).push(b"x");
        assert_eq!(report.state().logs.undecoded, 1);
        let sink = LogSink::with_firmware(Path::new("/nowhere/board.elf"), report.clone()).unwrap();
        sink.push(b"x");
        let began = Instant::now();
        while report.state().logs.undecoded < 2 {
            assert!(began.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
