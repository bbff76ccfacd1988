//! Histogram of durations with a fixed number of buckets: recording never allocates.

use crate::units::Nanos;

/// Buckets between a power of two and the next: the resolution is 1/8.
const PARTS_LOG2: u32 = 3;
const PARTS: usize = 1 << PARTS_LOG2;
/// Everything from 2³⁵ ns on, 34 s, is in the last bucket.
const BUCKETS: usize = (35 - PARTS_LOG2 as usize + 1) * PARTS;

/// Histogram of durations.
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: [u64; BUCKETS],
    total: u64,
    max_ns: Nanos,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram { counts: [0; BUCKETS], total: 0, max_ns: 0 }
    }
}

fn bucket(ns: Nanos) -> usize {
    if ns < PARTS as Nanos {
        return ns as usize;
    }
    let octave = ns.ilog2() - PARTS_LOG2;
    let part = (ns >> octave) as usize - PARTS;
    ((octave as usize + 1) * PARTS + part).min(BUCKETS - 1)
}

/// Largest duration in a bucket.
fn last_of(bucket: usize) -> Nanos {
    if bucket < PARTS {
        return bucket as Nanos;
    }
    let (octave, part) = (bucket / PARTS - 1, bucket % PARTS);
    (((PARTS + part + 1) as Nanos) << octave) - 1
}

impl Histogram {
    /// Records one duration.
    pub fn record(&mut self, ns: Nanos) {
        self.counts[bucket(ns)] += 1;
        self.total += 1;
        self.max_ns = self.max_ns.max(ns);
    }

    /// Number of recorded durations.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Longest recorded duration.
    pub fn max_ns(&self) -> Nanos {
        self.max_ns
    }

    /// Duration that a `share` (0 … 1) of the recorded ones did not exceed, rounded up by at most 1/8; 0 if there are
    /// none.
    pub fn quantile(&self, share: f64) -> Nanos {
        let wanted = (share * self.total as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return last_of(bucket).min(self.max_ns);
            }
        }
        self.max_ns
    }

    /// Number of durations longer than `ns`; exact if that is one less than a power of two, else to 1/8.
    pub fn count_above(&self, ns: Nanos) -> u64 {
        self.counts[bucket(ns) + 1..].iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bucket_holds_what_is_in_it(ns in 0u64..1 << 35) {
            let index = bucket(ns);
            prop_assert!(ns <= last_of(index));
            prop_assert!(index == 0 || ns > last_of(index - 1));
            prop_assert!(last_of(index) - ns <= ns / PARTS as u64);
        }
    }

    #[test]
    fn shares_of_a_known_set() {
        let mut histogram = Histogram::default();
        assert_eq!((histogram.quantile(0.5), histogram.max_ns()), (0, 0));
        (1..=1_000).for_each(|us| histogram.record(us * 1_000));
        assert_eq!(histogram.total(), 1_000);
        for (share, exact) in [(0.5, 500_000), (0.99, 990_000), (0.999, 999_000), (1.0, 1_000_000)] {
            let said = histogram.quantile(share);
            assert!((exact..=exact + exact / 8).contains(&said), "{share}: {said}");
        }
        assert_eq!(histogram.max_ns(), 1_000_000);
        assert_eq!(histogram.count_above((1 << 19) - 1), 1_000 - 524);
        assert!((900 - 900 / 8..=900).contains(&(1_000 - histogram.count_above(800_000))));
        histogram.record(Nanos::MAX);
        assert_eq!(histogram.max_ns(), Nanos::MAX);
    }
}
