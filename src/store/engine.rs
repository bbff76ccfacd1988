//! What the store needs of a database, and no more.

/// The key and value of everything in a tree, in the order of the keys.
pub type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// A part of the database with keys of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tree {
    /// One document under its id.
    Settings,
    /// The version of the layout, under [`Tree::LAYOUT_KEY`].
    Meta,
}

impl Tree {
    /// All trees.
    pub const ALL: [Tree; 2] = [Tree::Settings, Tree::Meta];
    /// Key of the layout's version in the tree `meta`.
    pub const LAYOUT_KEY: &'static [u8] = b"layout";

    /// The name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Tree::Settings => "settings",
            Tree::Meta => "meta",
        }
    }
}

/// Why a database cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
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
    System(String),
}

/// A small, durable map of maps. Used by one thread.
pub trait Engine: Send {
    /// Reads all of a tree.
    ///
    /// # Errors
    /// [`Trouble`]; never `Newer`, since an engine does not look into values.
    fn read(&self, tree: Tree) -> Result<Entries, Trouble>;

    /// Makes the tree hold exactly `entries`: all of it happens or nothing, and it is durable on return.
    /// After that, and apart from it, remembers the write's `generation`.
    ///
    /// # Errors
    /// The database's words. Then the tree has its old or its new content.
    fn replace(&mut self, tree: Tree, entries: &Entries, generation: u64) -> Result<(), String>;

    /// The generation of the last write, or 0. A database whose content is older has lost writes.
    fn generation(&self) -> u64;
}
