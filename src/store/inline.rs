//! Store in the caller's own thread, for a machine on virtual time: the same content and checks, and a disk with
//! injected faults.

use super::content::{self, StoredContent};
use super::engine::Engine;
use super::memory::MemoryEngine;
use super::{InitialState, Recovery, StateChange, StoreError, StoredState};
use crate::settings::{Settings, new_id};

/// A store that outlives the simulated process, not the real one.
#[derive(Debug, Default)]
pub struct InlineStore {
    disk: MemoryEngine,
    broken: Option<&'static str>,
}

impl InlineStore {
    /// Opens the store as at the start of a process.
    ///
    /// # Errors
    /// The content cannot be used, or there is none yet and the disk is broken.
    pub fn open(&mut self) -> Result<InitialState, StoreError> {
        if let Some(state) = self.stored()? {
            return Ok(InitialState { state, recovery: Recovery::Clean });
        }
        let state = StoredState::of(Settings::fresh(new_id()));
        self.write(&state)?;
        Ok(InitialState { state, recovery: Recovery::Fresh })
    }

    /// See [`super::Store::save`]; takes effect at once.
    ///
    /// # Errors
    /// [`StoreError::Write`] while the disk is broken; [`StoreError::NoRoom`].
    pub fn save(&mut self, change: impl Into<StateChange>) -> Result<(), StoreError> {
        let (mut state, _) = self.kept()?;
        state.apply(change.into()).map_err(StoreError::NoRoom)?;
        self.write(&state)
    }

    /// The last written state, and the number of writes.
    ///
    /// # Errors
    /// The content cannot be used, or there is none.
    pub fn kept(&self) -> Result<(StoredState, u64), StoreError> {
        let nothing = || StoreError::Write("nothing was ever stored".to_owned());
        Ok((self.stored()?.ok_or_else(nothing)?, self.disk.generation()))
    }

    /// Makes every further write fail for this reason; `None` ends that.
    pub fn break_disk(&mut self, why: Option<&'static str>) {
        self.broken = why;
    }

    fn read(&self) -> Result<StoredContent, StoreError> {
        content::read(&self.disk).map_err(|trouble| StoreError::Write(format!("{trouble:?}")))
    }

    fn stored(&self) -> Result<Option<StoredState>, StoreError> {
        let Some(stored) = self.read()?.stored else { return Ok(None) };
        let not_allowed = |invalid| StoreError::Write(format!("the settings are not allowed: {invalid:?}"));
        Ok(Some(StoredState { settings: stored.settings.map_err(not_allowed)?, ..stored.rest }))
    }

    fn write(&mut self, state: &StoredState) -> Result<(), StoreError> {
        if let Some(why) = self.broken {
            return Err(StoreError::Write(why.to_owned()));
        }
        let generation = self.disk.generation() + 1;
        let old = self.read()?.content;
        let written = content::write(&mut self.disk, &old, state, generation);
        written.map(drop).map_err(|failed| StoreError::Write(failed.why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_found_and_a_broken_disk_keeps_what_was_there() {
        let mut store = InlineStore::default();
        let mut settings = store.open().unwrap().state.settings;
        settings.document.name = "one".to_owned();
        store.save(settings.clone()).unwrap();
        store.break_disk(Some("the disk is full"));
        let mut later = settings.clone();
        later.document.name = "two".to_owned();
        assert!(store.save(later.clone()).unwrap_err().to_string().contains("full"));
        let opened = store.open().unwrap();
        assert_eq!((opened.state.settings, opened.recovery), (settings, Recovery::Clean));
        store.break_disk(None);
        store.save(later.clone()).unwrap();
        assert_eq!(store.open().unwrap().state.settings, later);
    }
}
