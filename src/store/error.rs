//! Errors of the store.

use std::path::PathBuf;

/// Error of the store. Cloneable, since one failed write is the failure of all who wait for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process uses the state folder.
    #[error("the state folder {} is in use by another process: stop that one first", .0.display())]
    InUse(PathBuf),
    /// A newer program wrote the state folder. Nothing was touched.
    #[error(
        "the state folder was written by a newer yep (version {found} of its content, this one knows {known}): \
         start that one, or choose another state folder"
    )]
    Newer {
        /// Version of the content.
        found: u8,
        /// Newest version that this program reads.
        known: u8,
    },
    /// A bound of the state is exceeded; not of the disk.
    #[error("{0}")]
    NoRoom(String),
    /// The write failed.
    #[error("it cannot be written down: {0}")]
    Write(String),
    /// The writer thread has ended.
    #[error("the store has ended")]
    Ended,
}

/// The message of a panic that was caught, for the log and for errors.
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let literal = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    literal
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason given".to_owned())
}
