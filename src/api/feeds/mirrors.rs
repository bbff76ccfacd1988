//! Devices that follow the axis, and what is said of them.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Number of a device, in the order of the configuration.
pub type MirrorNumber = usize;

/// What is known of a device that follows the axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorState {
    /// Its address.
    pub to: String,
    /// Lines that were sent to it.
    pub sent: u64,
    /// Why it does not follow; none if it does.
    pub trouble: Option<String>,
}

/// All of them.
#[derive(Debug, Default)]
pub struct FeedMirrors(Mutex<Vec<MirrorState>>);

impl FeedMirrors {
    /// Another device; its number.
    pub fn add(&self, to: &str) -> MirrorNumber {
        let mut states = self.lock();
        let trouble = Some("not reached yet".to_owned());
        states.push(MirrorState { to: to.to_owned(), sent: 0, trouble });
        states.len() - 1
    }

    /// Why a device does not follow; none if it does.
    pub fn say(&self, number: MirrorNumber, trouble: Option<String>) {
        if let Some(state) = self.lock().get_mut(number) {
            state.trouble = trouble;
        }
    }

    /// Counts a line that was sent to a device.
    pub fn count(&self, number: MirrorNumber) {
        if let Some(state) = self.lock().get_mut(number) {
            state.sent += 1;
        }
    }

    /// What is known of each.
    #[must_use]
    pub fn states(&self) -> Vec<MirrorState> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<MirrorState>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
