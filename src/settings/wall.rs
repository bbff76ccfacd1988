//! The wall clock: for names and for people. It may be wrong, and jump; nothing that moves depends on it (promise S23).
//!
//! Everything that shows a time of the day asks here, so that a trial can let it jump.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How far it is put forward, in seconds; back when negative.
static PUT_FORWARD_S: AtomicI64 = AtomicI64::new(0);

/// Since 1970 by the wall clock; nothing before that.
#[must_use]
pub fn since_epoch() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let forward_s = PUT_FORWARD_S.load(Ordering::Relaxed);
    let moved = Duration::from_secs(forward_s.unsigned_abs());
    if forward_s < 0 { since.saturating_sub(moved) } else { since.saturating_add(moved) }
}

/// From now on the wall clock of this process is beside the one of the computer by so much.
pub fn put_forward(seconds: i64) {
    PUT_FORWARD_S.store(seconds, Ordering::Relaxed);
}
