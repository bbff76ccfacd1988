//! Sample error: why a reading of the load cell is no sample of the force.

/// Why a sample was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SampleError {
    /// Not a number.
    NotFinite,
    /// Beyond the range of the cell.
    OutOfRange,
    /// Too far from the sample before, and alone with it.
    TooFast,
    /// The same to the last bit for a second.
    Stuck,
    /// At an end of the converter's range.
    Saturated,
    /// Nobody has said yet what readings mean.
    Unscaled,
    /// The converter gives no results, or the bus no answer.
    Silent,
    /// The board sends the same conversion again and again.
    Frozen,
    /// The board speaks another version, or started anew.
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
    #[must_use]
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
