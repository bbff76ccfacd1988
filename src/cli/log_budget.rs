//! Rate limit of the log: a token bucket for each call site.
//!
//! A flood of one message, as from a client that sends nonsense a thousand times a second, so neither fills the disk
//! nor hides other messages. Suppressed lines are counted, and the number precedes the next line of that call site.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tracing::callsite::Identifier;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use crate::token_bucket::TokenBucket;

/// Burst of a call site (lines).
const BURST: f64 = 100.0;
/// Rate of a call site in the long run (lines/s).
const LINES_PER_S: f64 = 2.0;

/// Token buckets of all call sites.
#[derive(Debug, Default)]
pub struct LogBudget(Mutex<HashMap<Identifier, Bucket>>);

#[derive(Debug)]
struct Bucket {
    lines: TokenBucket,
    left_out: u64,
}

impl Bucket {
    fn full(now: Instant) -> Bucket {
        Bucket { lines: TokenBucket::full(BURST, LINES_PER_S, now), left_out: 0 }
    }

    /// Takes a token for one line; returns the number of lines suppressed before it, or `None` if the bucket is empty.
    fn take(&mut self, now: Instant) -> Option<u64> {
        if self.lines.take(now) {
            return Some(core::mem::take(&mut self.left_out));
        }
        self.left_out += 1;
        None
    }
}

impl<S: Subscriber> Layer<S> for LogBudget {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let site = event.metadata().callsite();
        // The warning below is exempt; it comes at most as often as its cause.
        if event.metadata().target() == module_path!() {
            return true;
        }
        let now = Instant::now();
        // A bucket is consistent after every statement, so a poisoned lock is still good.
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = buckets.entry(site).or_insert_with(|| Bucket::full(now)).take(now);
        drop(buckets);
        let Some(left_out) = taken else { return false };
        if left_out > 0 {
            tracing::warn!("{left_out} lines like the next one were left out");
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_flood_is_cut_to_its_budget_and_what_is_left_out_is_counted() {
        let begun = Instant::now();
        let mut bucket = Bucket::full(begun);
        let (mut said, mut counted) = (0, 0);
        // A thousand lines a second, for a minute.
        for millisecond in 0..60_000 {
            if let Some(left_out) = bucket.take(begun + Duration::from_millis(millisecond)) {
                said += 1;
                counted += left_out;
            }
        }
        assert!((215..=225).contains(&said), "{said}");
        assert!(counted > 59_000, "{counted}");
        assert_eq!(bucket.take(begun + Duration::from_secs(70)), Some(60_000 - said - counted));
    }
}
