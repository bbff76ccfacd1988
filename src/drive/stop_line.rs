//! The stop line: how urgently motion must end, as one atomic that only rises.
//!
//! Anybody may raise it, from any thread, without waiting for anything; both real-time loops look at it. Only the
//! supervisor lowers it, after it acted (house rule 3). So STOP works with a full queue and with a dead supervisor:
//! the step loop alone ramps down on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::machine::StopLevel;

/// A handle to the stop line; clones are handles to the same one.
#[derive(Debug, Clone, Default)]
pub struct StopLine(Arc<AtomicU8>);

impl StopLine {
    /// Raises the line to `level`, if it is not there or higher already.
    pub fn raise(&self, level: StopLevel) {
        self.0.fetch_max(level as u8, Ordering::SeqCst);
    }

    /// Where the line is.
    #[must_use]
    pub fn level(&self) -> StopLevel {
        match self.0.load(Ordering::SeqCst) {
            0 => StopLevel::None,
            1 => StopLevel::Stop,
            _ => StopLevel::Halt,
        }
    }

    /// Lowers the line from `seen`; if it rose meanwhile, it stays up.
    pub fn lower(&self, seen: StopLevel) {
        let _ =
            self.0.compare_exchange(seen as u8, StopLevel::None as u8, Ordering::SeqCst, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_only_rises_until_it_is_lowered() {
        let line = StopLine::default();
        line.raise(StopLevel::Halt);
        line.raise(StopLevel::Stop);
        assert_eq!(line.level(), StopLevel::Halt);
        line.lower(StopLevel::Stop);
        assert_eq!(line.level(), StopLevel::Halt, "a rise between seeing and lowering must not be lost");
        line.lower(StopLevel::Halt);
        assert_eq!(line.level(), StopLevel::None);
    }
}
