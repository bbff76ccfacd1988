//! Clock synchronisation: converts the board's time stamps to the machine's monotonic clock by a minimum-delay offset
//! filter.
//!
//! Each message carries its time of sending on the board's clock, and arrives after a delay of line, driver and
//! scheduler that has a lower bound. So the smallest difference between arrival and sending is the best estimate of the
//! offset. The estimate may rise slowly (`DRIFT`), since the two clocks drift. A message that a busy host reads late
//! keeps its true age. If the board's clock drifts more than that, samples look older than they are, which is the safe
//! side.

use crate::units::Nanos;

/// Inverse of the allowed drift between the clocks: 1000 ppm, ten times that of cheap crystals.
const DRIFT: u64 = 1_000;
const MICROSECOND_NS: Nanos = 1_000;

/// Offset estimator for one board.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClockSync {
    known: Option<ClockMapping>,
}

#[derive(Debug, Clone, Copy)]
struct ClockMapping {
    /// Time stamp of the last message, on the board's clock.
    sent_us: u32,
    /// The same without wrapping (ns since the first message).
    board_ns: Nanos,
    /// Its arrival on the machine's clock.
    heard: Nanos,
    /// Machine's clock minus the board's (ns).
    offset_ns: i128,
}

impl ClockSync {
    /// Instant on the machine's clock at which a message with the time stamp `sent_us` was sent, if it arrived at
    /// `heard`. Never later than `heard`.
    pub fn to_machine_time(&mut self, sent_us: u32, heard: Nanos) -> Nanos {
        let known = match self.known {
            None => ClockMapping { sent_us, board_ns: 0, heard, offset_ns: i128::from(heard) },
            Some(before) => {
                let passed_ns = Nanos::from(sent_us.wrapping_sub(before.sent_us)) * MICROSECOND_NS;
                let board_ns = before.board_ns + passed_ns;
                let drifted = before.offset_ns + i128::from(heard.saturating_sub(before.heard) / DRIFT);
                let offset_ns = drifted.min(i128::from(heard) - i128::from(board_ns));
                ClockMapping { sent_us, board_ns, heard, offset_ns }
            }
        };
        self.known = Some(known);
        Nanos::try_from(i128::from(known.board_ns) + known.offset_ns).unwrap_or(0)
    }

    /// Forgets the offset, after a restart of the board and its clock.
    pub fn reset(&mut self) {
        self.known = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{MILLISECOND_NS, SECOND_NS};

    /// Messages every 8 ms from a board whose clock runs faster by `drift_ppm`, each received after its own delay; the
    /// error of each place, in ns, behind the first second.
    fn errors(drift_ppm: i64, delay_ns: impl Fn(u64) -> Nanos) -> Vec<i128> {
        let mut clock_sync = ClockSync::default();
        let mut errors = Vec::new();
        let mut heard_last = 0;
        for index in 0..2_000u64 {
            let sent = SECOND_NS + index * 8 * MILLISECOND_NS;
            let board_us = sent as i64 / 1_000 * (1_000_000 + drift_ppm) / 1_000_000;
            // Nothing overtakes on a line.
            heard_last = (sent + delay_ns(index)).max(heard_last);
            let placed =
                clock_sync.to_machine_time((board_us as u32).wrapping_add(u32::MAX - 2_000_000), heard_last);
            assert!(placed <= heard_last);
            if index > 125 {
                errors.push(i128::from(placed) - i128::from(sent));
            }
        }
        errors
    }

    #[test]
    fn a_message_that_is_heard_late_keeps_its_age() {
        // Every fifth of a second the host reads nothing for 160 ms.
        let stalled =
            |index: u64| if index % 25 < 20 { (20 - index % 25) * 8 * MILLISECOND_NS } else { 500_000 };
        for drift_ppm in [0, 100, -100] {
            for error in errors(drift_ppm, stalled) {
                assert!(
                    (-200_000..2 * MILLISECOND_NS as i128).contains(&error),
                    "{error} ns at {drift_ppm} ppm"
                );
            }
        }
    }

    #[test]
    fn a_clock_that_drifts_too_much_makes_samples_older_not_younger() {
        let slow = errors(-5_000, |_| 0);
        assert!(slow.iter().all(|error| *error <= 0), "{:?}", slow.iter().max());
        assert!(slow.last() < slow.first(), "they age");
    }
}
