//! REMEMBERING: what outlives the process, the power and a damaged file.
//!
//! One thread of the operating system, called `store`, owns the database. Everybody else has a [`Store`]: a
//! handle that sends it changes and waits until they are durable. Nobody reads from the database after the
//! start: what it holds comes out once, as [`InitialState`], and lives in memory from then on.
//!
//! - [`state`]: everything that is remembered, as one value; [`session`] is a part of it
//! - `owner`: the thread. What arrives while it writes is written as one, and acknowledged together
//! - `begin`: the start: lock the folder, read everything, move aside what cannot be read; [`recovery`] says how it went
//! - `content`: what a database holds, and what of it has to be written
//! - `engine`: what the thread needs of a database; `disk` is sled, `memory` is for tests
//! - `generation`: the number of the last write, kept apart, so that a database that went back in time shows
//! - `record`: the stored values; `seal`: their version and checksum; `migrate`: from older versions to the present one
//! - [`document`]: everything as JSON; `mirror`: such a copy beside the database, for when that is lost
//! - `reserve`: room on the disk for the day on which it is full
//! - [`inline`]: the same without the thread, for a machine on virtual time
//! - `quarantine`: where unreadable databases go: the newest few are kept, all are counted
//! - [`check`]: looks at a folder without touching it, through `scratch`
//!
//! What is in the state folder, and what happens to it: memory-layout/state.md.
//!
//! Three failures are not the same. A database that cannot be understood is moved aside, and its copy takes its place.
//! One that a newer program wrote, or that another process uses, is an error, and nothing is touched. One that the
//! system does not let us use is left alone: the machine runs with what can be read, and each save says why it cannot be
//! kept.

pub mod check;
mod content;
mod disk;
pub mod document;
mod engine;
mod error;
mod generation;
pub mod inline;
mod json_snapshot;
mod memory;
mod migrate;
mod open;
mod quarantine;
mod record;
pub mod recovery;
mod reserve;
mod scratch;
mod seal;
pub mod session;
pub mod state;
mod writer;

use std::path::Path;
use std::sync::Arc;

pub use error::StoreError;
pub use recovery::Recovery;
pub use session::{Counters, SessionEnd, SessionRecord};
pub use state::{ForceScale, SavedWave, StateChange, StoredState};

/// A handle to the store. When the last one is gone, everything is durable and the folder is free again:
/// that drop waits for the thread.
#[derive(Clone, Debug)]
pub struct Store {
    writer: Arc<writer::WriterThread>,
    recovery: Arc<Recovery>,
}

impl Store {
    /// Opens the store in the folder `dir`, or begins one there. Blocks for some ten milliseconds.
    ///
    /// # Errors
    /// Another process has the folder, or a newer program wrote it. Neither damage nor a disk that is full or cannot be
    /// written is an error: see [`Recovery`].
    pub fn open(dir: &Path) -> Result<(Store, InitialState), StoreError> {
        let folder = dir.to_owned();
        let open = move || open::on_disk(&folder);
        Ok(Store::of(writer::WriterThread::start(Some(dir.to_owned()), open)?))
    }

    /// A store that forgets with its last handle.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn in_memory() -> Result<(Store, InitialState), StoreError> {
        Ok(Store::of(writer::WriterThread::start(None, open::in_memory)?))
    }

    fn of((writer, initial): (writer::WriterThread, InitialState)) -> (Store, InitialState) {
        let recovery = Arc::new(initial.recovery.clone());
        (Store { writer: Arc::new(writer), recovery }, initial)
    }

    /// Remembers a change. Returns when it is durable; a caller that stops waiting does not undo it.
    ///
    /// Changes are made in the order of the calls. While one is written later ones gather, and are written as one. What
    /// changes nothing is not written.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`]: a bound of [`state`]. [`StoreError::Write`]: after a restart the old or the new may be
    /// there, never a mixture. The next save tries again. Before both nothing has changed.
    pub async fn save(&self, change: impl Into<StateChange>) -> Result<(), StoreError> {
        self.writer.save(change.into()).await
    }

    /// Everything that is remembered.
    #[must_use]
    pub fn state(&self) -> Arc<StoredState> {
        self.writer.view().state
    }

    /// How the start went.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// How many writes there have been since the store was begun.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.writer.view().generation
    }
}

/// What was stored.
#[derive(Debug, Clone, PartialEq)]
pub struct InitialState {
    /// Everything, checked.
    pub state: StoredState,
    /// How it came about.
    pub recovery: Recovery,
}
