//! The stop line: how urgently motion must end, and how often STOP was pressed, as one atomic word.
//!
//! Anybody may raise it, from any thread, without waiting for anything; both real-time loops look at it. Only the
//! control cycle lowers it, after the supervisor acted (house rule 3). So STOP works with a full queue and with a dead
//! supervisor: the step loop alone ramps down on it.
//!
//! Level and count share a word because lowering is a compare-and-swap on what was seen: a STOP that arrives between
//! the look and the lowering changes the count, so the line stays up and this STOP is heeded, too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::machine::StopLevel;

/// The line asks for a ramp.
const STOP: u64 = 1;
/// The line asks for a cut.
const HALT: u64 = 1 << 1;
/// The process is ending: the line stays up for good (S40).
const ENDING: u64 = 1 << 2;
/// And the axis has come to rest, with the driver off.
const ENDED: u64 = 1 << 3;
/// The upper half counts the presses.
const PRESS: u64 = 1 << 32;

/// A handle to the stop line; clones are handles to the same one.
#[derive(Debug, Clone, Default)]
pub struct StopLine(Arc<AtomicU64>);

/// The line at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopWord(u64);

impl StopWord {
    /// How urgently motion must end.
    #[must_use]
    pub fn level(self) -> StopLevel {
        match self.0 {
            word if word & HALT != 0 => StopLevel::Halt,
            word if word & (STOP | ENDING) != 0 => StopLevel::Stop,
            _ => StopLevel::None,
        }
    }

    /// The number of the newest STOP of a client, counted since the start; 0 before the first.
    #[must_use]
    pub fn presses(self) -> u32 {
        (self.0 / PRESS) as u32
    }

    /// Whether the process is ending.
    #[must_use]
    pub fn is_shutting_down(self) -> bool {
        self.0 & ENDING != 0
    }
}

impl StopLine {
    /// A client's STOP: counted, and raised to [`StopLevel::Stop`] if the line is not there or higher.
    pub fn press(&self) {
        let pressed = |word: u64| Some(word.wrapping_add(PRESS) | STOP);
        // The closure never declines, so this never fails.
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, pressed);
    }

    /// The machine's own reason to stop: raises the line to `level`, if it is not there or higher already.
    pub fn raise(&self, level: StopLevel) {
        let bits = match level {
            StopLevel::None => 0,
            StopLevel::Stop => STOP,
            StopLevel::Halt => HALT,
        };
        self.0.fetch_or(bits, Ordering::SeqCst);
    }

    /// The end of the process: STOP that nobody takes back, and from now on no command is obeyed (S40).
    pub fn begin_shutdown(&self) {
        self.0.fetch_or(ENDING, Ordering::SeqCst);
    }

    /// The process is ending, and nothing moves any more: the axis rests, and the driver is off.
    pub fn confirm_shutdown(&self) {
        self.0.fetch_or(ENDED, Ordering::SeqCst);
    }

    /// Whether motion is over for good.
    #[must_use]
    pub fn is_shut_down(&self) -> bool {
        self.read().0 & ENDED != 0
    }

    /// The line as it is.
    #[must_use]
    pub fn read(&self) -> StopWord {
        StopWord(self.0.load(Ordering::SeqCst))
    }

    /// Where the line is.
    #[must_use]
    pub fn level(&self) -> StopLevel {
        self.read().level()
    }

    /// Lowers the line from `seen`; if it was pressed or raised meanwhile, it stays up.
    pub fn lower(&self, seen: StopWord) {
        let lowered = seen.0 & !(STOP | HALT);
        let _ = self.0.compare_exchange(seen.0, lowered, Ordering::SeqCst, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_only_rises_until_it_is_lowered() {
        let line = StopLine::default();
        line.raise(StopLevel::Stop);
        let stopped = line.read();
        line.raise(StopLevel::Halt);
        line.raise(StopLevel::Stop);
        assert_eq!(line.level(), StopLevel::Halt);
        line.lower(stopped);
        assert_eq!(line.level(), StopLevel::Halt, "a rise between seeing and lowering must not be lost");
        line.lower(line.read());
        assert_eq!((line.level(), line.read().presses()), (StopLevel::None, 0));
    }

    #[test]
    fn a_second_stop_between_seeing_and_lowering_is_not_lost() {
        let line = StopLine::default();
        line.press();
        let first = line.read();
        line.press();
        line.lower(first);
        assert_eq!((line.level(), line.read().presses()), (StopLevel::Stop, 2));
        line.lower(line.read());
        assert_eq!((line.level(), line.read().presses()), (StopLevel::None, 2), "the count stays");
    }

    #[test]
    fn the_end_of_the_process_is_never_lowered_and_a_halt_still_rises_above_it() {
        let line = StopLine::default();
        line.begin_shutdown();
        line.lower(line.read());
        assert_eq!((line.level(), line.read().is_shutting_down()), (StopLevel::Stop, true));
        line.raise(StopLevel::Halt);
        assert_eq!(line.level(), StopLevel::Halt);
    }
}
