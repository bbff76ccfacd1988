//! Stop levels: how urgently motion must end.
//!
//! The type lives below `machine` because the step loop acts on it and may not name `machine`. The level that holds at an
//! instant is in `drive::stop_line`.

/// Urgency with which motion must end, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum StopLevel {
    /// No stop is asked for.
    #[default]
    None = 0,
    /// Controlled stop by the firm ramp; the position is kept.
    Stop = 1,
    /// Immediate halt without a ramp: no further edge; the position is lost.
    Halt = 2,
}
