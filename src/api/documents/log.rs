//! Answer of `GET /api/v1/log`: lines of the program's own log.

use schemars::JsonSchema;
use serde::Serialize;

use super::fault::Word;
use crate::log_ring::{LogExcerpt, LogLevel, LogLine};

/// Lines of the log of this start.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LogDocument {
    /// The lines that fit, the oldest first.
    pub lines: Vec<LogLineDocument>,
    /// The number of the newest line, whether it fits or not: `since` of the next request.
    pub newest: u64,
    /// The number of the oldest line that is still kept; earlier ones gave way to later ones.
    pub oldest: u64,
}

/// A line of the log.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LogLineDocument {
    /// Number of the line, from 1 at the start of the program.
    #[schemars(range(min = 1))]
    pub number: u64,
    /// When it was written, in seconds since 1970 by the wall clock.
    pub unix_s: f64,
    /// How severe it is.
    #[schemars(extend("enum" = LogLevel::ALL.map(LogLevel::name)))]
    pub level: Word,
    /// The part of the program that says it.
    #[schemars(with = "String")]
    pub part: &'static str,
    /// What it says.
    pub text: String,
}

impl From<LogExcerpt> for LogDocument {
    fn from(LogExcerpt { lines, newest, oldest }: LogExcerpt) -> LogDocument {
        LogDocument { lines: lines.into_iter().map(LogLineDocument::from).collect(), newest, oldest }
    }
}

impl From<LogLine> for LogLineDocument {
    fn from(LogLine { number, at, level, part, text }: LogLine) -> LogLineDocument {
        LogLineDocument { number, unix_s: at.as_secs_f64(), level: level.name().into(), part, text }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::schema_keys::assert_schema_keys;
    use super::*;

    #[test]
    fn the_schema_has_the_keys_of_the_answer() {
        let at = Duration::from_millis(1_500);
        let line = LogLine { number: 1, at, level: LogLevel::Warn, part: "yep", text: "x".into() };
        assert_schema_keys(&LogDocument::from(LogExcerpt { lines: vec![line], newest: 1, oldest: 1 }));
    }
}
