//! Heat strip: how fast a script is in each part of its time.

use super::{MAX_POS, Script};

/// Most parts of a strip: more than any screen has columns.
pub const MAX_BUCKETS: usize = 4_096;

/// Mean speed in each of `buckets` equal parts of the time from 0 to the last action, in windows per second. The axis rests
/// before the first action. Empty for no parts, and for a script without any time.
#[must_use]
pub fn heat(script: &Script, buckets: usize) -> Vec<f32> {
    let (buckets, duration_ms) = (buckets.min(MAX_BUCKETS), f64::from(script.duration_ms()));
    if buckets == 0 || duration_ms == 0.0 {
        return Vec::new();
    }
    let bucket_ms = duration_ms / buckets as f64;
    let mut travel = vec![0.0_f64; buckets];
    for pair in script.actions.windows(2) {
        let (from_ms, to_ms) = (f64::from(pair[0].at_ms), f64::from(pair[1].at_ms));
        let per_ms = f64::from((pair[1].pos - pair[0].pos).abs()) / (to_ms - from_ms);
        let first = ((from_ms / bucket_ms) as usize).min(buckets - 1);
        let last = ((to_ms / bucket_ms) as usize).min(buckets - 1);
        for (bucket, travel) in travel.iter_mut().enumerate().take(last + 1).skip(first) {
            let begin_ms = from_ms.max(bucket as f64 * bucket_ms);
            let end_ms = to_ms.min((bucket + 1) as f64 * bucket_ms);
            *travel += per_ms * (end_ms - begin_ms).max(0.0);
        }
    }
    let per_s = 1e3 / (bucket_ms * f64::from(MAX_POS));
    travel.into_iter().map(|travel| (travel * per_s) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    #[test]
    fn the_travel_of_each_part_is_divided_by_its_time() {
        // 100 % in the first second, rest in the next, 50 % in the last half of the third.
        let script = read(b"0,0\n1000,100\n2500,100\n3000,50").unwrap();
        assert_eq!(heat(&script, 3), [1.0, 0.0, 0.5]);
        assert_eq!(heat(&script, 1), [0.5]);
        assert_eq!(heat(&script, 6), [1.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(heat(&script, 0), [0.0; 0]);
        assert_eq!(heat(&script, usize::MAX).len(), MAX_BUCKETS);
        // Before the first action nothing moves; a single action has no time.
        assert_eq!(heat(&read(b"1000,0\n2000,100").unwrap(), 2), [0.0, 1.0]);
        assert_eq!(heat(&read(b"0,5").unwrap(), 4), [0.0; 0]);
        assert_eq!(heat(&read(b"10,5").unwrap(), 2), [0.0, 0.0]);
    }
}
