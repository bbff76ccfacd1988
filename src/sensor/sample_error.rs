//! Sample errors: the reasons why a reading of the load cell gives no force sample.

/// The reason why a sample was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SampleError {
    /// Not a number.
    NotFinite,
    /// Beyond the range of the cell.
    OutOfRange,
    /// Faster than the slew rate allows, and not confirmed by the next sample.
    TooFast,
    /// Reading unchanged to the last bit for a second.
    Stuck,
    /// Saturated: at an end of the converter's range.
    Saturated,
    /// Not tared or not calibrated yet.
    Unscaled,
    /// No result from the converter, or no answer on the bus.
    Silent,
    /// The board repeats the same conversion.
    Frozen,
    /// The board has another version, or restarted.
    Unknown,
}

impl SampleError {
    /// Every reason.
    pub const ALL: [SampleError; 9] = [
        SampleError::NotFinite,
        SampleError::OutOfRange,
        SampleError::TooFast,
        SampleError::Stuck,
        SampleError::Saturated,
        SampleError::Unscaled,
        SampleError::Silent,
        SampleError::Frozen,
        SampleError::Unknown,
    ];

    /// A stable word for programs.
    pub const fn name(self) -> &'static str {
        match self {
            SampleError::NotFinite => "not_finite",
            SampleError::OutOfRange => "out_of_range",
            SampleError::TooFast => "too_fast",
            SampleError::Stuck => "stuck",
            SampleError::Saturated => "saturated",
            SampleError::Unscaled => "unscaled",
            SampleError::Silent => "silent",
            SampleError::Frozen => "frozen",
            SampleError::Unknown => "unknown",
        }
    }
}
