//! The store in the caller's own thread, for a machine on virtual time: same content, same checks, and a disk that can
//! be told to fail.

use super::content;
use super::engine::Engine;
use super::memory::Memory;
use super::{Opened, Recovery, StoreError};
use crate::settings::Settings;

/// A store that outlives the simulated process, and forgets at the end of the real one.
#[derive(Debug, Default)]
pub struct Inline {
    disk: Memory,
    generation: u64,
    broken: Option<&'static str>,
}

impl Inline {
    /// What a process that starts now finds.
    ///
    /// # Errors
    /// What is stored cannot be used, or there is nothing yet and the disk is broken.
    pub fn open(&mut self) -> Result<Opened, StoreError> {
        let stored =
            content::read(&self.disk).map_err(|trouble| StoreError::Write(format!("{trouble:?}")))?;
        if stored.is_none()
            && let Some(why) = self.broken
        {
            return Err(StoreError::Write(why.to_owned()));
        }
        let (generation, opened) = content::choose(&mut self.disk, stored, Recovery::Fresh)?;
        self.generation = generation.max(self.disk.generation());
        Ok(opened)
    }

    /// See [`super::Store::save`]; at once.
    ///
    /// # Errors
    /// [`StoreError::Write`] while the disk is broken.
    pub fn save(&mut self, settings: &Settings) -> Result<(), StoreError> {
        if let Some(why) = self.broken {
            return Err(StoreError::Write(why.to_owned()));
        }
        self.generation += 1;
        content::write(&mut self.disk, settings, self.generation)
    }

    /// From now on nothing can be written, for this reason; or it can again.
    pub fn break_disk(&mut self, why: Option<&'static str>) {
        self.broken = why;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_found_and_a_broken_disk_keeps_what_was_there() {
        let mut store = Inline::default();
        let mut settings = store.open().unwrap().settings;
        settings.document.name = "one".to_owned();
        store.save(&settings).unwrap();
        store.break_disk(Some("the disk is full"));
        let mut later = settings.clone();
        later.document.name = "two".to_owned();
        assert!(store.save(&later).unwrap_err().to_string().contains("full"));
        let opened = store.open().unwrap();
        assert_eq!((opened.settings, opened.recovery), (settings, Recovery::Clean));
        store.break_disk(None);
        store.save(&later).unwrap();
        assert_eq!(store.open().unwrap().settings, later);
    }
}
