//! Why the store cannot do its work.

use std::path::PathBuf;

/// Why the store cannot do its work. Cloneable, since one failed write is the failure of all who wait for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The system refuses something that the store needs.
    #[error("cannot {doing} {}: {why}", path.display())]
    System {
        /// What was tried.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// The system's reason.
        why: String,
    },
    /// Another process has the state folder.
    #[error("the state folder {} is in use by another process: stop that one first", .0.display())]
    InUse(PathBuf),
    /// A newer program wrote it. Nothing was touched.
    #[error(
        "the state folder was written by a newer yep (version {found} of its content, this one knows {known}): \
         start that one, or choose another state folder"
    )]
    Newer {
        /// The version that was found.
        found: u8,
        /// The newest version that this program knows.
        known: u8,
    },
    /// Settings were not saved.
    #[error("settings cannot be saved: {0}")]
    Write(String),
    /// The thread of the store has ended.
    #[error("the store has ended")]
    Ended,
}

impl StoreError {
    pub(super) fn system(doing: &'static str, path: &std::path::Path, why: &std::io::Error) -> StoreError {
        StoreError::System { doing, path: path.to_owned(), why: why.to_string() }
    }
}
