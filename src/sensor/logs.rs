//! The log of the board.

use super::report::Report;

/// Where frames of the board's log go.
#[derive(Debug, Clone)]
pub struct LogSink {
    report: Report,
}

impl LogSink {
    /// Frames are counted, since nothing here can read them.
    #[must_use]
    pub fn unread(report: Report) -> LogSink {
        LogSink { report }
    }

    /// A frame came.
    pub fn take(&self, _frame: &[u8]) {
        self.report.state().logs.undecoded += 1;
    }
}
