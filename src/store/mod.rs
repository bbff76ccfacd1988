//! Persistent store: its state survives the end of the process, a power cut and a damaged file.
//!
//! One thread, called `store`, owns the database. All other threads have a [`Store`]: a handle that sends it changes
//! and waits until they are durable. The database is read once, at the start; after that the state is in memory.
//!
//! - [`state`]: the persistent state as one value, and the changes to it; [`session`], [`device`], [`audit`],
//!   [`commissioning`], [`wiring`], [`feeds`], [`patterns`] and [`player`] are parts of it, `access` has the changes of
//!   devices and audit log
//! - `writer`: the writer thread, with group commit: changes that arrive during a write are written and acknowledged
//!   together
//! - `open`: the start: locks the folder, reads everything, moves an unreadable database aside; [`recovery`] is the
//!   report of it
//! - `content`: encoding of the state to trees of values, and the difference between two of them
//! - `engine`: the interface to a key-value database; `disk` implements it with sled, `memory` in memory
//! - `generation`: the number of the last write in a file of its own, which detects a database that went back in time
//! - `record`: the stored values; `seal`: their version and checksum; `migrate`: migration from older versions
//! - [`document`]: the state as a JSON document; `json_snapshot`: a copy of it beside the database, for recovery
//! - `access_section`: the section of that copy which a backup does not have: devices, audit log, machine time, who reaches
//!   the feeds, the password of the media player
//! - `reserve`: reserved disk space, released when the disk is full
//! - [`inline`]: a store without the thread, for a machine on virtual time
//! - `quarantine`: unreadable databases that were moved aside; the newest few are kept, all are counted
//! - [`check`]: read-only check of a state folder, on a temporary copy (`scratch`)
//!
//! memory-layout/state.md lists the files of the state folder.
//!
//! Three kinds of failure differ. An unreadable database is moved aside, and its copy replaces it. A database of a
//! newer program, or one in use by another process, is an error, and nothing is touched. A database that the system
//! refuses to open is left alone: the machine runs with what can be read, and each save reports why it cannot be kept.

mod access;
mod access_section;
pub mod audit;
pub mod check;
pub mod commissioning;
mod content;
pub mod device;
mod disk;
pub mod document;
mod engine;
mod error;
pub mod feeds;
mod generation;
pub mod inline;
mod json_snapshot;
mod memory;
mod migrate;
pub mod name;
mod open;
pub mod patterns;
pub mod player;
mod quarantine;
mod record;
pub mod recovery;
mod reserve;
mod scratch;
mod seal;
pub mod session;
pub mod state;
pub mod wiring;
mod writer;

use std::path::Path;
use std::sync::Arc;

pub use audit::{AuditAct, AuditEntry};
pub use commissioning::{CommissioningRecord, ConfirmReason, Confirmation, StepRecord};
pub use device::{CardCode, DeviceKind, DeviceRecord, DeviceRole};
pub use document::BackupDocument;
pub use error::StoreError;
pub use feeds::{FeedMotionPart, FeedSettings, StoredWindow};
pub use json_snapshot::raw as raw_snapshot;
pub use migrate::LAYOUT_VERSION;
pub use patterns::{PatternMemory, PatternSettings, PatternStep};
pub use player::{PlayerPart, PlayerSettings, SourceKind, SourcePart, StoredSource};
pub use recovery::Recovery;
pub use session::{Counters, SessionEnd, SessionRecord};
pub use state::{ForceScale, SavedWave, StateChange, StoredState};
pub use wiring::WiringValues;

/// Handle to the store. Dropping the last one waits until everything is durable and the folder is unlocked.
#[derive(Clone, Debug)]
pub struct Store {
    writer: Arc<writer::WriterThread>,
    recovery: Arc<Recovery>,
}

impl Store {
    /// Opens or creates the store in the folder `dir`. Blocks for some ten milliseconds.
    ///
    /// # Errors
    /// Another process uses the folder, or a newer program wrote it. Damage and a full or read-only disk are no errors:
    /// see [`Recovery`].
    pub fn open(dir: &Path) -> Result<(Store, InitialState), StoreError> {
        let folder = dir.to_owned();
        let open = move || open::on_disk(&folder);
        Ok(Store::of(writer::WriterThread::start(Some(dir.to_owned()), open)?))
    }

    /// A store in memory, which is lost with its last handle.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn in_memory() -> Result<(Store, InitialState), StoreError> {
        Ok(Store::of(writer::WriterThread::start(None, open::in_memory)?))
    }

    fn of((writer, initial): (writer::WriterThread, InitialState)) -> (Store, InitialState) {
        let recovery = Arc::new(initial.recovery.clone());
        (Store { writer: Arc::new(writer), recovery }, initial)
    }

    /// Saves a change. Returns when it is durable; a caller that stops waiting does not undo it.
    ///
    /// Changes are made in the order of the calls. Those that arrive during a write are written together. A change
    /// without effect is not written.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`]: a bound of [`state`] is exceeded; nothing has changed. [`StoreError::Write`]: the state
    /// in memory has not changed, and after a restart the old or the new one may be there, never a mixture; the next
    /// save tries again.
    pub async fn save(&self, change: impl Into<StateChange>) -> Result<(), StoreError> {
        self.writer.save(change.into()).await
    }

    /// The present state.
    pub fn state(&self) -> Arc<StoredState> {
        self.writer.view().state
    }

    /// Report of the start.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Number of writes since the store was created.
    pub fn generation(&self) -> u64 {
        self.writer.view().generation
    }
}

/// The state at the start.
#[derive(Debug, Clone, PartialEq)]
pub struct InitialState {
    /// The checked state.
    pub state: StoredState,
    /// Report of where it comes from.
    pub recovery: Recovery,
}
