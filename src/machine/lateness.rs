//! Lateness of the step loop since the start, with a histogram of the lateness of steps.

/// Lateness since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lateness {
    /// Steps so late that the time base moved: the rest of the motion was delayed with them.
    pub rebases: u32,
    /// Total shift of the time base, in ns.
    pub rebased_ns: u64,
    /// Greatest lateness of a step, in ns.
    pub worst_step_ns: u64,
    /// Number of times the control cycle missed the end of the motion queue.
    pub starvations: u32,
    /// Steps by their lateness, see [`lateness_bucket`].
    pub steps: [u32; LATENESS_BUCKETS],
}

impl Lateness {
    /// Nothing was late.
    pub const NONE: Lateness = Lateness {
        rebases: 0,
        rebased_ns: 0,
        worst_step_ns: 0,
        starvations: 0,
        steps: [0; LATENESS_BUCKETS],
    };
}

/// Buckets of the histogram of lateness.
pub const LATENESS_BUCKETS: usize = 8;

/// Upper bounds of all buckets but the last, in ns: each is four times the one before.
pub const LATENESS_BOUNDS_NS: [u64; LATENESS_BUCKETS - 1] =
    [1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304];

/// Bucket of a step that is so late.
#[must_use]
pub const fn lateness_bucket(late_ns: u64) -> usize {
    // The bounds are powers of four: a bucket is half the number of bits above the first one.
    let bits = (u64::BITS - (late_ns >> 10).leading_zeros()) as usize;
    let bucket = bits.div_ceil(2);
    if bucket < LATENESS_BUCKETS { bucket } else { LATENESS_BUCKETS - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_ends_at_its_bound() {
        for (bucket, bound_ns) in LATENESS_BOUNDS_NS.into_iter().enumerate() {
            assert_eq!((lateness_bucket(bound_ns - 1), lateness_bucket(bound_ns)), (bucket, bucket + 1));
        }
        assert_eq!((lateness_bucket(0), lateness_bucket(u64::MAX)), (0, LATENESS_BUCKETS - 1));
    }
}
