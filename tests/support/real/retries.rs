//! Retries after a stall of the host. They are counted, since a test that needs them all the time shows nothing.

use std::sync::atomic::{AtomicU32, Ordering};

/// Bound on the retries of all tests of a file together.
const MOST: u32 = 30;

static RETRIES: AtomicU32 = AtomicU32::new(0);

/// Counts a retry after a stall of the host; panics beyond the bound.
#[track_caller]
pub fn count_retry(what: &str) {
    let retries = RETRIES.fetch_add(1, Ordering::Relaxed) + 1;
    eprintln!("{what}: the host was too late, once more ({retries} of {MOST} times)");
    assert!(retries <= MOST, "{what}: the host was too late {retries} times, which shows nothing any more");
}
