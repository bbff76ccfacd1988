//! Reasons for which an update is not taken.

use std::io;

/// Why an update was not taken. The running system is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The first bytes are those of something else.
    #[error("it is no update file")]
    NoUpdate,
    /// A newer form of the file.
    #[error("it has the form {0} of an update, which this version does not read: take a version in between")]
    NewerForm(u32),
    /// No trusted key has signed it.
    #[error("it is signed by none of the keys that this card trusts")]
    WrongSignature,
    /// Signed with a development key; this is a release.
    #[error("it is signed with the development key {0:?}, which a release does not accept")]
    DevelopmentKey(String),
    /// A part differs from its signed hash.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// It ends too early.
    #[error("it ends before its last block: copy it once more")]
    Truncated,
    /// For another machine or computer.
    #[error("it is for another machine: {0}")]
    OtherMachine(String),
    /// For a card with other partitions.
    #[error("it is for the card layout {wanted}, and this card has {found}: flash the new image once")]
    OtherLayout {
        /// The layout of the update.
        wanted: u32,
        /// The layout of the card.
        found: u32,
    },
    /// Older than the running system.
    #[error(
        "it is older ({offered}) than the running system ({running}): --allow-older takes it all the same"
    )]
    Older {
        /// Version of the update.
        offered: String,
        /// Version of the running system.
        running: String,
    },
    /// The caller ended it.
    #[error("given up: {0}")]
    Cancelled(String),
    /// The file cannot be read.
    #[error("cannot read the update: {0}")]
    Source(#[source] io::Error),
    /// The spare slot cannot be read or written.
    #[error("cannot use the spare slot: {0}")]
    Slot(#[source] io::Error),
}

impl UpdateError {
    /// Stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            UpdateError::NoUpdate => "no_update",
            UpdateError::NewerForm(_) => "newer_form",
            UpdateError::WrongSignature => "wrong_signature",
            UpdateError::DevelopmentKey(_) => "development_key",
            UpdateError::Damaged(_) => "damaged",
            UpdateError::Truncated => "truncated",
            UpdateError::OtherMachine(_) => "other_machine",
            UpdateError::OtherLayout { .. } => "other_layout",
            UpdateError::Older { .. } => "older",
            UpdateError::Cancelled(_) => "cancelled",
            UpdateError::Source(_) => "source",
            UpdateError::Slot(_) => "slot",
        }
    }
}
