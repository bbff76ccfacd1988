//! Request ids: the same number in an answer of API v1, in its problem, and in the log.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use hyper::header::HeaderName;

/// The header of an answer with its request id.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Differs between two starts of the program, so that the ids of two logs do.
static RUN: LazyLock<u32> = LazyLock::new(|| RandomState::new().build_hasher().finish() as u32);
static COUNT: AtomicU32 = AtomicU32::new(0);

/// The next id: 16 hexadecimal digits.
#[must_use]
pub fn next() -> String {
    format!("{:08x}{:08x}", *RUN, COUNT.fetch_add(1, Relaxed))
}
