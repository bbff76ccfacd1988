//! Ids of settings documents, in the form that the clients know from their first server: that of an ObjectId of MongoDB.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::wall_clock;

/// A new id: 4 bytes of seconds since 1970, 5 bytes that differ between processes, 3 bytes that count, as 24
/// lower-case hexadecimal digits.
///
/// It need only differ from the ids before it, so that a page that was loaded before a reset cannot write to
/// the settings after it. It is no secret.
#[must_use]
pub fn new_id() -> String {
    static PROCESS: OnceLock<u64> = OnceLock::new();
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    // The keys of the standard hasher are the operating system's randomness.
    let process = PROCESS.get_or_init(|| RandomState::new().hash_one("document id"));
    let seconds = wall_clock::since_epoch().as_secs() as u32;
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{seconds:08x}{:010x}{:06x}", process & 0xff_ffff_ffff, count & 0xff_ffff)
}

/// Returns whether a text has the form of an id.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_have_their_form() {
        let ids: std::collections::BTreeSet<String> = (0..1_000).map(|_| new_id()).collect();
        assert_eq!(ids.len(), 1_000);
        assert!(ids.iter().all(|id| is_id(id)));
        assert!(!is_id("6B046f08c9f8c8945c405bb9") && !is_id("1"));
    }
}
