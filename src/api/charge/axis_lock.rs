//! The lock of the axis while an update is taken: nothing starts a motion, and nothing arms. STOP asks nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// Held by one [`AxisLockGuard`] at a time.
#[derive(Debug, Clone, Default)]
pub struct AxisLock(Arc<AtomicBool>);

/// Keeps the axis locked until it is dropped.
#[derive(Debug)]
pub struct AxisLockGuard(Arc<AtomicBool>);

impl AxisLock {
    /// Locks the axis; nothing if it is locked already. What moves goes on: whoever locks an axis has to see that it rests.
    #[must_use]
    pub fn take(&self) -> Option<AxisLockGuard> {
        let was_held = self.0.swap(true, SeqCst);
        (!was_held).then(|| AxisLockGuard(Arc::clone(&self.0)))
    }

    /// True while somebody holds it.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.0.load(SeqCst)
    }
}

impl Drop for AxisLockGuard {
    fn drop(&mut self) {
        self.0.store(false, SeqCst);
    }
}
