//! Memory budget: bytes for the bodies of requests, for what is made of them, and for answers that are not sent yet,
//! all together. What does not fit is refused with 503, and the rest of the process keeps the memory that it needs.
//!
//! Large things have a budget of their own, so that they leave room for the small ones.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::limits::ServerLimits;

/// What is larger than this is large.
const SMALL_BYTES: usize = 64 * 1024;
/// Unit in which bytes are counted.
const UNIT_BYTES: usize = 64;
/// Memory of one JSON value: its own size, and that of the list that grows by doubling around it.
const VALUE_BYTES: usize = 160;
/// Memory of the name and the place of a value in an object.
const FIELD_BYTES: usize = 200;

/// What is left; clones share it.
#[derive(Debug, Clone)]
pub struct MemoryBudget {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    large_bytes: usize,
}

/// Why no memory is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetError {
    /// It is more than there is in all.
    TooLarge,
    /// Other requests have it.
    InUse,
}

/// A part of the budget that is in use; given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    _permit: Option<OwnedSemaphorePermit>,
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
}

impl MemoryBudget {
    /// All of it is left.
    #[must_use]
    pub fn new(limits: &ServerLimits) -> MemoryBudget {
        let semaphore = |bytes| Arc::new(Semaphore::new(units(bytes) as usize));
        MemoryBudget {
            small: semaphore(limits.small_memory_bytes),
            large: semaphore(limits.large_memory_bytes),
            large_bytes: limits.large_memory_bytes,
        }
    }

    /// Takes so many bytes.
    ///
    /// # Errors
    /// They are not left now, or never are.
    pub fn take(&self, bytes: usize) -> Result<Share, BudgetError> {
        if bytes == 0 {
            return Ok(Share { _permit: None });
        }
        if bytes > self.large_bytes {
            return Err(BudgetError::TooLarge);
        }
        let from = if bytes <= SMALL_BYTES { &self.small } else { &self.large };
        let permit = Arc::clone(from).try_acquire_many_owned(units(bytes));
        permit.map(|permit| Share { _permit: Some(permit) }).map_err(|_| BudgetError::InUse)
    }
}

/// An upper bound on the memory that a body takes while it is read as JSON, without reading it.
#[must_use]
pub fn json_bytes(body: &[u8]) -> usize {
    body.iter().fold(body.len(), |bytes, byte| {
        bytes
            + match byte {
                b',' | b'[' | b'{' => VALUE_BYTES,
                b':' => FIELD_BYTES,
                _ => 0,
            }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_things_leave_room_for_small_ones_and_all_is_given_back() {
        let limits = ServerLimits {
            small_memory_bytes: 1024 * 1024,
            large_memory_bytes: 4 * 1024 * 1024,
            ..ServerLimits::default()
        };
        let budget = MemoryBudget::new(&limits);
        let held: Vec<Share> = (0..4).map(|_| budget.take(1024 * 1024).unwrap()).collect();
        assert_eq!(budget.take(100_000).unwrap_err(), BudgetError::InUse);
        assert!(budget.take(SMALL_BYTES).is_ok());
        drop(held);
        let all = budget.take(4 * 1024 * 1024).unwrap();
        assert_eq!(budget.take(4 * 1024 * 1024 + 1).unwrap_err(), BudgetError::TooLarge);
        drop(all);
        assert!(budget.take(4 * 1024 * 1024).is_ok());
    }

    #[test]
    fn a_body_is_never_dearer_than_its_estimate() {
        let value = size_of::<serde_json::Value>();
        assert!(2 * value <= VALUE_BYTES, "{value}");
        // Beside its value a field has a key, its hash and its place in the index.
        assert!(2 * (size_of::<String>() + 2 * size_of::<usize>()) <= FIELD_BYTES);
        assert!(json_bytes(b"[0,0,0,0]") >= 4 * VALUE_BYTES);
        assert!(json_bytes(br#"{"a":{}}"#) >= 2 * VALUE_BYTES);
    }
}
