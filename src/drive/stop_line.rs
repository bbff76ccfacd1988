//! Stop line: the urgency with which motion must end, and the count of STOP presses, as one atomic word.
//!
//! Any thread may raise it without waiting; both real-time loops poll it. Only the control cycle lowers it, after the
//! supervisor has acted (rule 3 of docs/ARCHITECTURE.md). So STOP works with a full queue and with a dead supervisor:
//! the step loop alone ramps down on it.
//!
//! Level and count share a word because lowering is a compare-and-swap on the word that was read. A STOP that arrives
//! between reading and lowering changes the count, so the line stays up, and this STOP is handled, too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::machine::StopLevel;

/// Request for a ramp.
const STOP: u64 = 1;
/// Request for a cut.
const HALT: u64 = 1 << 1;
/// Shutdown of the process: the line stays up for good (S40).
const ENDING: u64 = 1 << 2;
/// Shutdown confirmed: the axis has come to rest, and the driver is off.
const ENDED: u64 = 1 << 3;
/// One press; the upper half counts them.
const PRESS: u64 = 1 << 32;

/// Handle to the stop line; clones share it.
#[derive(Debug, Clone, Default)]
pub struct StopLine(Arc<AtomicU64>);

/// The stop line at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopWord(u64);

impl StopWord {
    /// Urgency with which motion must end.
    pub fn level(self) -> StopLevel {
        match self.0 {
            word if word & HALT != 0 => StopLevel::Halt,
            word if word & (STOP | ENDING) != 0 => StopLevel::Stop,
            _ => StopLevel::None,
        }
    }

    /// Number of the newest STOP of a client, counted since the start; 0 before the first.
    pub fn presses(self) -> u32 {
        (self.0 / PRESS) as u32
    }

    /// True if the process is shutting down.
    pub fn is_shutting_down(self) -> bool {
        self.0 & ENDING != 0
    }
}

impl StopLine {
    /// Counts a client's STOP, and raises the line to [`StopLevel::Stop`] unless it is there or higher.
    pub fn press(&self) {
        let pressed = |word: u64| Some(word.wrapping_add(PRESS) | STOP);
        // The closure always returns a value, so this never fails.
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, pressed);
    }

    /// Raises the line to `level` for a reason of the machine's own, unless it is there or higher.
    pub fn raise(&self, level: StopLevel) {
        let bits = match level {
            StopLevel::None => 0,
            StopLevel::Stop => STOP,
            StopLevel::Halt => HALT,
        };
        self.0.fetch_or(bits, Ordering::SeqCst);
    }

    /// Begins the shutdown of the process: STOP that is never lowered, and no command is obeyed any more (S40).
    pub fn begin_shutdown(&self) {
        self.0.fetch_or(ENDING, Ordering::SeqCst);
    }

    /// Confirms the shutdown: the axis rests, and the driver is off.
    pub fn confirm_shutdown(&self) {
        self.0.fetch_or(ENDED, Ordering::SeqCst);
    }

    /// True if motion is over for good.
    pub fn is_shut_down(&self) -> bool {
        self.read().0 & ENDED != 0
    }

    /// Reads level and count.
    pub fn read(&self) -> StopWord {
        StopWord(self.0.load(Ordering::SeqCst))
    }

    /// Present level of the line.
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
