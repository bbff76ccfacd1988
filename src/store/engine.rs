//! What the store needs of a database, and no more.

use std::collections::BTreeMap;

use crate::layout;

/// The key and value of everything in a tree, in the order of the keys.
pub type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// Every value with its tree and its key.
pub type StoredValues = BTreeMap<(Tree, Vec<u8>), Vec<u8>>;

/// Values to be put under their keys, or none to be taken away.
pub type Batch = Vec<(Tree, Vec<u8>, Option<Vec<u8>>)>;

/// A part of the database with keys of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tree {
    /// What the user set: one document under its id.
    Settings,
    /// What the last calibration measured, under [`Tree::ONLY_KEY`]; what the readings of the force sensor mean, under
    /// [`Tree::FORCE_KEY`].
    Calibration,
    /// Saved waves under their names.
    Waves,
    /// Sessions under their numbers, big-endian, so that the keys are in the order of the numbers.
    Sessions,
    /// Sums over all sessions, under [`Tree::ONLY_KEY`].
    Counters,
    /// The version of all this, under [`Tree::LAYOUT_KEY`]; the number of the last write, under
    /// [`Tree::GENERATION_KEY`].
    Meta,
}

impl Tree {
    /// All trees.
    pub const ALL: [Tree; 6] =
        [Tree::Settings, Tree::Calibration, Tree::Waves, Tree::Sessions, Tree::Counters, Tree::Meta];
    /// Key of the layout's version in the tree `meta`.
    pub const LAYOUT_KEY: &'static [u8] = b"layout";
    /// Key of the number of the last write in the tree `meta`.
    pub const GENERATION_KEY: &'static [u8] = b"generation";
    /// Key of the force sensor's scale in the tree `calibration`.
    pub const FORCE_KEY: &'static [u8] = b"force";
    /// Key of the value in a tree that has one.
    pub const ONLY_KEY: &'static [u8] = b"0";

    /// The name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        layout::STATE_TREES[self as usize]
    }
}

/// Why a database cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseError {
    /// It cannot be understood, and never will be.
    Unreadable(String),
    /// It has a version that this program does not know.
    Newer {
        /// The version that was found.
        found: u8,
        /// The newest version that is known.
        known: u8,
    },
    /// Somebody else has it open.
    Busy,
    /// The system refuses, for a reason that is not in the database.
    System {
        /// The system's words.
        why: String,
        /// Whether there is no room on the disk.
        full: bool,
    },
}

/// Why a write failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteError {
    /// The database's words.
    pub why: String,
    /// Whether there is no room on the disk.
    pub full: bool,
}

/// Where the files of an open database are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseFiles {
    /// Where they were opened.
    Unchanged,
    /// Deleted while they were open: what is written to them is lost.
    Deleted,
    /// Other files have their place.
    Replaced,
}

/// A small, durable map of maps. Used by one thread.
pub trait Engine: Send {
    /// Reads all of a tree.
    ///
    /// # Errors
    /// [`DatabaseError`]; never `Newer`, since an engine does not look into values.
    fn read(&self, tree: Tree) -> Result<Entries, DatabaseError>;

    /// Does all of the batch or nothing of it, in all trees; it is durable on return. After that, and apart from it,
    /// remembers the write's `generation`.
    ///
    /// # Errors
    /// [`WriteError`]; then all trees have their old or all have their new content.
    fn commit(&mut self, batch: &Batch, generation: u64) -> Result<(), WriteError>;

    /// The generation of the last write, or 0. A database whose content is older has lost writes.
    fn generation(&self) -> u64;

    /// Where its files are.
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
