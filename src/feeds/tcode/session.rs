//! T-Code session: one connection's bytes to targets, stops and answers.
//!
//! A line is executed when it ends, as in the firmwares: questions are answered in their order, and then the line moves
//! the axis at most once. Of several targets in a line the last one counts. `DSTOP` takes back the targets before it in
//! its line, and the rest of the line is not read: whoever writes a stop and a target together gets the stop. Lines
//! that come together in one datagram or frame are all told, in order; which of them still matters is the question of
//! whoever moves the axis, who knows the time.
//!
//! One session belongs to one connection, or to one sender of datagrams, as its unfinished line and its saved range do.

use super::answers::TcodeAnswer;
use super::lines::LineSplitter;
use super::words::{SavedRange, TcodeWord};
use crate::motion::feed::FeedTarget;

/// An event of a session.
#[derive(Debug, Clone, PartialEq)]
pub enum TcodeEvent {
    /// The axis is to go there. The time counts from now.
    Toward(FeedTarget),
    /// The axis is to stop, and may move again with the next target of the same sender.
    Stop,
    /// To be sent back.
    Answer(TcodeAnswer),
}

/// Counters of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcodeCounts {
    /// Lines that were read; empty ones do not count.
    pub lines: u64,
    /// Lines that were too long.
    pub dropped_lines: u64,
    /// Words that were not understood. Words for other axes are not among them.
    pub skipped_words: u64,
}

/// State of one connection.
#[derive(Debug, Clone, Default)]
pub struct TcodeSession {
    splitter: LineSplitter,
    reader: LineReader,
}

impl TcodeSession {
    /// Takes the next bytes; calls `on_event` for each event, in order.
    pub fn feed(&mut self, bytes: &[u8], mut on_event: impl FnMut(TcodeEvent)) {
        self.splitter.feed(bytes, |line| self.reader.read(line, &mut on_event));
    }

    /// Ends a datagram or a WebSocket frame, and with it the line in progress.
    pub fn end(&mut self, mut on_event: impl FnMut(TcodeEvent)) {
        self.splitter.end(|line| self.reader.read(line, &mut on_event));
    }

    /// Takes a whole datagram or WebSocket frame.
    pub fn feed_frame(&mut self, frame: &[u8], mut on_event: impl FnMut(TcodeEvent)) {
        self.feed(frame, &mut on_event);
        self.end(on_event);
    }

    /// Counters since the begin of the session.
    pub fn counts(&self) -> TcodeCounts {
        TcodeCounts {
            lines: self.reader.lines,
            dropped_lines: self.splitter.dropped(),
            skipped_words: self.reader.skipped_words,
        }
    }
}

/// Executes lines.
#[derive(Debug, Clone, Copy, Default)]
struct LineReader {
    saved: SavedRange,
    lines: u64,
    skipped_words: u64,
}

impl LineReader {
    fn read(&mut self, line: &[u8], on_event: &mut impl FnMut(TcodeEvent)) {
        self.lines += 1;
        let mut last_target = None;
        for word in line.split(|byte| *byte == b' ').filter(|word| !word.is_empty()) {
            match TcodeWord::parse(word) {
                TcodeWord::Target(target) => last_target = Some(target),
                TcodeWord::Stop => return on_event(TcodeEvent::Stop),
                TcodeWord::AskDevice => on_event(TcodeEvent::Answer(TcodeAnswer::device())),
                TcodeWord::AskVersion => on_event(TcodeEvent::Answer(TcodeAnswer::version())),
                TcodeWord::AskAxes => on_event(TcodeEvent::Answer(TcodeAnswer::axes(self.saved))),
                TcodeWord::Save(range) => self.saved = range,
                TcodeWord::MalformedSave => {
                    self.skipped_words += 1;
                    if let Some(echo) = TcodeAnswer::echo(word) {
                        on_event(TcodeEvent::Answer(echo));
                    }
                }
                TcodeWord::WithoutEffect => {}
                TcodeWord::Unknown => self.skipped_words += 1,
            }
        }
        if let Some(target) = last_target {
            on_event(TcodeEvent::Toward(target));
        }
    }
}

#[cfg(test)]
mod tests;
