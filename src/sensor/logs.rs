//! The log of the board, in ours: each line with its level, the board's own time, and where in the firmware it was said.
//!
//! defmt leaves the texts in the firmware's ELF file; what comes over the line are their numbers and what differs. So
//! the file of exactly this firmware is needed, and what does not fit it is counted instead of guessed. Nothing else
//! depends on the log: it is read in a thread of its own, which is not waited for, and a board that says too much is
//! cut short.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::firmware::{BoardLogLine, Firmware};
use super::report::SensorReport;
use crate::token_bucket::TokenBucket;

/// Frames that wait for the reading thread; more are dropped.
const WAITING: usize = 64;
/// Lines that may come at once, and how many a second in the long run. Warnings and errors have as many of their own, so
/// that no chatter hides them.
const BURST: f64 = 50.0;
const LINES_PER_S: f64 = 20.0;
/// How often it is said that there were more.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Where frames of the board's log go.
#[derive(Debug, Clone)]
pub struct LogSink {
    report: SensorReport,
    reader: Option<SyncSender<Vec<u8>>>,
}

impl LogSink {
    /// Frames are counted: there is nothing to read them with.
    #[must_use]
    pub fn unread(report: SensorReport) -> LogSink {
        LogSink { report, reader: None }
    }

    /// Frames are read with the firmware's ELF file. One that is missing or of no use is said once.
    ///
    /// # Errors
    /// The system has no more threads.
    pub fn read_with(file: &Path, report: SensorReport) -> io::Result<LogSink> {
        let (sender, frames) = sync_channel(WAITING);
        let (file, told) = (file.to_owned(), report.clone());
        std::thread::Builder::new().name("sensor-log".to_owned()).spawn(move || run(file, &frames, &told))?;
        Ok(LogSink { report, reader: Some(sender) })
    }

    /// A frame came. Never waits.
    pub fn take(&self, frame: &[u8]) {
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

/// Until the sink is dropped.
fn run(file: PathBuf, frames: &Receiver<Vec<u8>>, report: &SensorReport) {
    let firmware = Firmware::open(&file)
        .inspect_err(|error| {
            tracing::warn!("the log of the sensor's board cannot be read with {}: {error}", file.display());
        })
        .ok();
    let mut budgets = [TokenBucket::full(BURST, LINES_PER_S, Instant::now()); 2];
    let mut told_at = None;
    let mut strange_is_said = false;
    for frame in frames {
        let Some(line) = firmware.as_ref().and_then(|firmware| firmware.read(&frame)) else {
            if firmware.is_some() && !std::mem::replace(&mut strange_is_said, true) {
                tracing::warn!("the sensor's board does not run the firmware of {}", file.display());
            }
            report.state().logs.undecoded += 1;
            continue;
        };
        let now = Instant::now();
        if budgets[usize::from(line.level <= tracing::Level::WARN)].take(now) {
            say(&line);
            report.state().logs.said += 1;
            continue;
        }
        report.state().logs.suppressed += 1;
        if told_at.is_none_or(|told| now.saturating_duration_since(told) >= TELL_EVERY) {
            told_at = Some(now);
            let suppressed = report.state().logs.suppressed;
            tracing::warn!(suppressed, "the sensor's board says too much: some of it is left out");
        }
    }
}

fn say(line: &BoardLogLine) {
    macro_rules! say_at {
        ($level:ident) => {
            tracing::$level!(target: "yep::sensor::board", mcu_time = line.time, at = line.place, "{}", line.text)
        };
    }
    match line.level {
        tracing::Level::ERROR => say_at!(error),
        tracing::Level::WARN => say_at!(warn),
        tracing::Level::INFO => say_at!(info),
        tracing::Level::DEBUG => say_at!(debug),
        tracing::Level::TRACE => say_at!(trace),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_that_nobody_can_read_are_counted() {
        let report = SensorReport::default();
        LogSink::unread(report.clone()).take(b"x");
        assert_eq!(report.state().logs.undecoded, 1);
        let sink = LogSink::read_with(Path::new("/nowhere/board.elf"), report.clone()).unwrap();
        sink.take(b"x");
        let began = Instant::now();
        while report.state().logs.undecoded < 2 {
            assert!(began.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
