//! Interface to a transactional key-value database, as far as the store needs it.

use std::collections::BTreeMap;

use crate::layout;

/// Keys and values of a tree, in the order of the keys.
pub type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// All values by tree and key.
pub type StoredValues = BTreeMap<(Tree, Vec<u8>), Vec<u8>>;

/// Values to insert under their keys; `None` removes the key.
pub type Batch = Vec<(Tree, Vec<u8>, Option<Vec<u8>>)>;

/// A tree (keyspace) of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tree {
    /// Settings: one document under its id.
    Settings,
    /// Result of the last calibration, under [`Tree::ONLY_KEY`]; scale of the force sensor, under [`Tree::FORCE_KEY`];
    /// record of the first run, under [`Tree::COMMISSIONING_KEY`]; settings of the feeds, under [`Tree::FEEDS_KEY`]; pattern
    /// that was used last, under [`Tree::PATTERN_KEY`]; settings of the media player, under [`Tree::PLAYER_KEY`].
    Calibration,
    /// Saved waves under their names.
    Waves,
    /// Sessions under their numbers, big-endian, so that the keys are in the order of the numbers.
    Sessions,
    /// Sums over all sessions, under [`Tree::ONLY_KEY`]; machine time, under [`Tree::MACHINE_H_KEY`].
    Counters,
    /// Version of the layout, under [`Tree::LAYOUT_KEY`]; number of the last write, under [`Tree::GENERATION_KEY`].
    Meta,
    /// Paired devices under their numbers, four bytes big-endian; number of the last one, under
    /// [`Tree::LAST_DEVICE_KEY`]; pairing code of the card, under [`Tree::CARD_CODE_KEY`].
    Devices,
    /// Entries of the audit log under their numbers, as those of the sessions.
    Audit,
    /// Saved patterns under their names.
    Patterns,
}

impl Tree {
    /// All trees.
    pub const ALL: [Tree; 9] = [
        Tree::Settings,
        Tree::Calibration,
        Tree::Waves,
        Tree::Sessions,
        Tree::Counters,
        Tree::Meta,
        Tree::Devices,
        Tree::Audit,
        Tree::Patterns,
    ];
    /// Key of the layout's version in the tree `meta`.
    pub const LAYOUT_KEY: &'static [u8] = b"layout";
    /// Key of the number of the last write in the tree `meta`.
    pub const GENERATION_KEY: &'static [u8] = b"generation";
    /// Key of the force sensor's scale in the tree `calibration`.
    pub const FORCE_KEY: &'static [u8] = b"force";
    /// Key of the record of the first run in the tree `calibration`.
    pub const COMMISSIONING_KEY: &'static [u8] = b"commissioning";
    /// Key of the settings of the feeds in the tree `calibration`.
    pub const FEEDS_KEY: &'static [u8] = b"feeds";
    /// Key of the pattern that was used last in the tree `calibration`.
    pub const PATTERN_KEY: &'static [u8] = b"pattern";
    /// Key of the settings of the media player in the tree `calibration`.
    pub const PLAYER_KEY: &'static [u8] = b"player";
    /// Key of the machine time in the tree `counters`.
    pub const MACHINE_H_KEY: &'static [u8] = b"machine_h";
    /// Key of the number of the last device in the tree `devices`; longer than a number.
    pub const LAST_DEVICE_KEY: &'static [u8] = b"last_device";
    /// Key of the pairing code of the card in the tree `devices`; longer than a number.
    pub const CARD_CODE_KEY: &'static [u8] = b"card_code";
    /// Key of the value in a tree with a single value.
    pub const ONLY_KEY: &'static [u8] = b"0";

    /// Name in the database.
    pub const fn name(self) -> &'static str {
        layout::STATE_TREES[self as usize]
    }
}

/// The reason why a database cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseError {
    /// It is damaged.
    Unreadable(String),
    /// It has a version that is newer than this program.
    Newer {
        /// Version of the database.
        found: u8,
        /// Newest version that this program reads.
        known: u8,
    },
    /// Another process has it open.
    Busy,
    /// The system refuses access, for a reason outside the database.
    System {
        /// The system's message.
        why: String,
        /// True if the disk is full.
        full: bool,
    },
}

/// The reason why a write failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteError {
    /// The database's message.
    pub why: String,
    /// True if the disk is full.
    pub full: bool,
}

/// State of the files of an open database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseFiles {
    /// In place.
    Unchanged,
    /// Deleted while they were open: further writes to them are lost.
    Deleted,
    /// Replaced by other files.
    Replaced,
}

/// A small transactional database of trees. Used by one thread.
pub trait Engine: Send {
    /// Reads a tree.
    ///
    /// # Errors
    /// [`DatabaseError`]; never `Newer`, since an engine does not decode values.
    fn read(&self, tree: Tree) -> Result<Entries, DatabaseError>;

    /// Commits the batch atomically over all trees; it is durable on return. After that, and not atomically with it,
    /// stores the write's `generation`.
    ///
    /// # Errors
    /// [`WriteError`]; then all trees have their old or all have their new values.
    fn commit(&mut self, batch: &Batch, generation: u64) -> Result<(), WriteError>;

    /// Number of the last write, or 0. A database with older content has lost writes.
    fn generation(&self) -> u64;

    /// State of its files.
    fn file_state(&self) -> DatabaseFiles {
        DatabaseFiles::Unchanged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trees_have_the_names_of_the_layout() {
        let names = Tree::ALL.map(|tree| format!("{tree:?}").to_lowercase());
        assert_eq!(names, layout::STATE_TREES);
        assert_eq!(Tree::ALL.map(Tree::name), layout::STATE_TREES);
    }
}
