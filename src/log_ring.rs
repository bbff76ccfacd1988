//! The newest lines of the program's own log, in a bounded ring of memory: for the page, and for whoever helps from far away.
//!
//! The log itself goes to the error stream. This ring ends with the process, and takes no more memory than [`RING_BYTES`] and its
//! table, however much is logged.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Lines that are kept.
const RING_LINES: usize = 2_000;
/// Bytes of their texts.
const RING_BYTES: usize = 256 << 10;
/// Longest text; longer ones are cut.
const LINE_BYTES: usize = 1_024;

/// How severe a line is, the severest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something is not as it should be.
    Warn,
    /// What happened.
    Info,
    /// For developers.
    Debug,
    /// For developers, and much of it.
    Trace,
}

impl LogLevel {
    /// Every level, the severest first.
    pub const ALL: [LogLevel; 5] =
        [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }

    /// The level of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<LogLevel> {
        LogLevel::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Number of the line, from 1 at the start of the program.
    pub number: u64,
    /// Wall clock, since 1970.
    pub at: Duration,
    /// Its level.
    pub level: LogLevel,
    /// The part of the program that says it.
    pub part: &'static str,
    /// What it says.
    pub text: String,
}

/// Which lines are wanted.
#[derive(Debug, Clone)]
pub struct LogSearch {
    /// Only lines behind the one of this number.
    pub since: u64,
    /// The least severe level.
    pub level: LogLevel,
    /// Only lines whose text or part has this in it, in whatever case; empty for all.
    pub search: String,
    /// The newest of these lines, at most so many.
    pub count: usize,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogExcerpt {
    /// The lines, the oldest first.
    pub lines: Vec<LogLine>,
    /// The number of the newest line that there is, wanted or not.
    pub newest: u64,
    /// The number of the oldest line that is still there.
    pub oldest: u64,
}

/// The ring.
#[derive(Debug, Default)]
pub struct LogRing(Mutex<RingContent>);

#[derive(Debug, Default)]
struct RingContent {
    lines: VecDeque<LogLine>,
    bytes: usize,
    /// Lines that were ever added.
    count: u64,
}

impl LogRing {
    /// Adds a line, which gets the next number; the oldest ones give way to it.
    pub fn add(&self, at: Duration, level: LogLevel, part: &'static str, text: String) {
        let text = cut(text);
        let mut ring = self.lock();
        ring.count += 1;
        ring.bytes += text.len();
        let number = ring.count;
        ring.lines.push_back(LogLine { number, at, level, part, text });
        while ring.lines.len() > RING_LINES || ring.bytes > RING_BYTES {
            let Some(oldest) = ring.lines.pop_front() else { break };
            ring.bytes -= oldest.text.len();
        }
    }

    /// The lines that are wanted.
    #[must_use]
    pub fn find(&self, wanted: &LogSearch) -> LogExcerpt {
        let search = wanted.search.to_lowercase();
        let ring = self.lock();
        let newest_first = ring.lines.iter().rev().take_while(|line| line.number > wanted.since);
        let fits = |line: &&LogLine| {
            line.level <= wanted.level
                && (search.is_empty()
                    || line.text.to_lowercase().contains(&search)
                    || line.part.contains(&search))
        };
        let mut lines: Vec<LogLine> = newest_first.filter(fits).take(wanted.count).cloned().collect();
        lines.reverse();
        let oldest = ring.lines.front().map_or(ring.count + 1, |line| line.number);
        LogExcerpt { lines, newest: ring.count, oldest }
    }

    fn lock(&self) -> MutexGuard<'_, RingContent> {
        // The sum of the bytes is right behind every statement that can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// At most [`LINE_BYTES`] of it, whole characters.
fn cut(mut text: String) -> String {
    if text.len() > LINE_BYTES {
        let end = (0..=LINE_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push_str(" ...");
    }
    // A string that was longer keeps its memory otherwise.
    text.shrink_to_fit();
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all() -> LogSearch {
        LogSearch { since: 0, level: LogLevel::Trace, search: String::new(), count: usize::MAX }
    }

    fn ring(lines: &[(LogLevel, &str)]) -> LogRing {
        let ring = LogRing::default();
        for (level, text) in lines {
            ring.add(Duration::from_secs(1), *level, "yep::test", (*text).to_owned());
        }
        ring
    }

    fn numbers(ring: &LogRing, wanted: &LogSearch) -> Vec<u64> {
        ring.find(wanted).lines.iter().map(|line| line.number).collect()
    }

    #[test]
    fn lines_are_found_by_level_text_number_and_count() {
        use LogLevel::{Debug, Error, Info, Warn};
        let ring = ring(&[
            (Info, "began"),
            (Warn, "The Belt slips"),
            (Debug, "x"),
            (Error, "belt torn"),
            (Info, "y"),
        ]);
        assert_eq!(numbers(&ring, &all()), [1, 2, 3, 4, 5]);
        assert_eq!(numbers(&ring, &LogSearch { level: Warn, ..all() }), [2, 4]);
        assert_eq!(numbers(&ring, &LogSearch { search: "bELt".into(), ..all() }), [2, 4]);
        assert_eq!(numbers(&ring, &LogSearch { search: "yep::test".into(), count: 2, ..all() }), [4, 5]);
        assert_eq!(numbers(&ring, &LogSearch { since: 3, ..all() }), [4, 5]);
        assert_eq!(numbers(&ring, &LogSearch { since: 9, ..all() }), [0; 0]);
        let found = ring.find(&LogSearch { search: "nowhere".into(), ..all() });
        assert_eq!((found.newest, found.oldest), (5, 1));
    }

    #[test]
    fn an_empty_ring_has_nothing_and_the_first_line_is_the_next_one() {
        let found = LogRing::default().find(&all());
        assert_eq!((found.lines.len(), found.newest, found.oldest), (0, 0, 1));
    }

    proptest! {
        #[test]
        fn whatever_is_logged_the_memory_is_bounded_and_the_newest_lines_are_there(
            texts in prop::collection::vec("(a|ž|🙂){0,1500}", 1..40),
            repeats in 1usize..120,
        ) {
            let ring = LogRing::default();
            let mut count = 0;
            for _ in 0..repeats {
                for text in &texts {
                    ring.add(Duration::ZERO, LogLevel::Info, "p", text.clone());
                    count += 1;
                }
            }
            let found = ring.find(&all());
            prop_assert_eq!(found.newest, count);
            prop_assert!(found.lines.len() <= RING_LINES);
            prop_assert!(found.lines.iter().map(|line| line.text.len()).sum::<usize>() <= RING_BYTES);
            prop_assert!(found.lines.iter().all(|line| line.text.len() <= LINE_BYTES + 4));
            // None is missing between the oldest and the newest.
            let expected: Vec<u64> = (found.oldest..=count).collect();
            prop_assert_eq!(found.lines.iter().map(|line| line.number).collect::<Vec<_>>(), expected);
        }
    }
}
