//! REMEMBERING: settings that outlive the process, the power and a damaged file.
//!
//! One thread of the operating system, called `store`, owns the database. Everybody else has a [`Store`]: a
//! handle that sends it settings and waits until they are durable. Nobody reads from the database after the
//! start: what it holds comes out once, as [`Opened`], and lives in memory from then on.
//!
//! - `owner`: the thread. What arrives while it writes is written as one, and acknowledged together
//! - `begin`: the start: lock the folder, read everything, move aside what cannot be read
//! - `content`: what a database holds, and what to run with
//! - `engine`: what the thread needs of a database; `disk` is sled, `memory` is for tests
//! - `generation`: the number of the last write, kept apart, so that a database that went back in time shows
//! - `record`: the form of a stored value: version, content, checksum
//! - [`inline`]: the same without the thread, for a machine on virtual time
//! - `quarantine`: where unreadable databases go. They are never deleted
//!
//! In the state folder: `lock`, held while a process uses the folder; `db/`, the database, with the trees
//! `settings` (one document under its id) and `meta` (the version of this layout); `db/generation`.
//!
//! Two failures are not the same: a database that cannot be understood is moved aside, and the machine starts
//! with defaults and says so; one that a newer program wrote, or that the system does not let us use, is an
//! error, and nothing is touched.

mod begin;
mod content;
mod disk;
mod engine;
mod error;
mod generation;
pub mod inline;
mod memory;
mod owner;
mod quarantine;
mod record;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::StoreError;

use crate::settings::{Invalid, Settings};

/// A handle to the store. When the last one is gone, everything is durable and the folder is free again:
/// that drop waits for the thread.
#[derive(Clone, Debug)]
pub struct Store {
    owner: Arc<owner::Owner>,
}

impl Store {
    /// Opens the store in the folder `dir`, or begins one there. Blocks for some ten milliseconds.
    ///
    /// # Errors
    /// The folder cannot be used, another process has it, or a newer program wrote it. Damage is no error: see
    /// [`Recovery`].
    pub fn open(dir: &Path) -> Result<(Store, Opened), StoreError> {
        let dir = dir.to_owned();
        let (owner, opened) = owner::Owner::start(move || begin::on_disk(&dir))?;
        Ok((Store { owner: Arc::new(owner) }, opened))
    }

    /// A store that forgets with its last handle.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn in_memory() -> Result<(Store, Opened), StoreError> {
        let (owner, opened) = owner::Owner::start(begin::in_memory)?;
        Ok((Store { owner: Arc::new(owner) }, opened))
    }

    /// Replaces what is stored. Returns when it is durable; a caller that stops waiting does not undo it.
    ///
    /// Saves take effect in the order of the calls. While one is written later ones gather, and of those only
    /// the last is written.
    ///
    /// # Errors
    /// [`StoreError::Write`]: after a restart the old or the new settings may be there, never a mixture. The
    /// next save tries again.
    pub async fn save(&self, settings: Settings) -> Result<(), StoreError> {
        self.owner.save(settings).await
    }
}

/// What was stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// The settings, checked.
    pub settings: Settings,
    /// How they came about.
    pub recovery: Recovery,
}

/// How the start of the store went. Everything but the first two is worth a warning.
#[derive(Debug, Clone, PartialEq)]
pub enum Recovery {
    /// There was no store; the settings are the defaults.
    Fresh,
    /// The settings are those that were saved last.
    Clean,
    /// The database could not be read. It was moved aside, and the settings are the defaults.
    Quarantined {
        /// Where it is now.
        moved_to: PathBuf,
        /// What was wrong with it.
        reason: String,
    },
    /// The database has lost its newest writes. The settings are older ones, until the next save.
    RolledBack {
        /// How many saves are lost.
        lost: u64,
    },
    /// Stored values are not allowed, as after an update with narrower bounds. The defaults are in force; what
    /// is stored stays until the next save.
    Invalid {
        /// All that is wrong.
        problems: Vec<Invalid>,
    },
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Recovery::Fresh => f.write_str("a new store was begun"),
            Recovery::Clean => f.write_str("the settings were loaded"),
            Recovery::Quarantined { moved_to, reason } => {
                write!(f, "the store was unreadable ({reason}) and is now {}; ", moved_to.display())?;
                f.write_str("the defaults are in force")
            }
            Recovery::RolledBack { lost } => {
                write!(f, "the store was damaged and has lost the last {lost} saves: check the settings")
            }
            Recovery::Invalid { problems } => {
                f.write_str("stored settings are not allowed, the defaults are in force:")?;
                problems.iter().try_for_each(|problem| write!(f, " {problem};"))
            }
        }
    }
}
