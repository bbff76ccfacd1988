//! The database on disk: sled, used as carefully as it needs.
//!
//! What its documentation does not say, and tests showed: `flush()` alone does not survive a power cut, a
//! `sync_data` of its file does; its configuration file is never made durable; damaged files make it panic,
//! return errors, or start empty without a word. Hence the syncs, the marker file and the caller's
//! `catch_unwind`.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::engine::{Engine, Entries, Tree, Trouble};

/// In the database's folder from the first durable write on: a database that is empty beside it was damaged.
const MARKER: &str = "begun";
/// The whole database has a few kilobytes.
const CACHE_BYTES: u64 = 8 << 20;

/// An open database.
pub struct Disk {
    dir: PathBuf,
    trees: [sled::Tree; Tree::ALL.len()],
    db: sled::Db,
    /// sled's own file, for the sync that it leaves out.
    file: File,
}

impl Disk {
    /// Opens the database in the folder `dir`, or begins one there.
    ///
    /// # Errors
    /// [`Trouble`]. May also panic on a damaged file.
    pub fn open(dir: &Path) -> Result<Disk, Trouble> {
        let db = sled::Config::new()
            .path(dir)
            .mode(sled::Mode::LowSpace)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None)
            .open()
            .map_err(|error| trouble(&error))?;
        let tree = |tree: Tree| db.open_tree(tree.name()).map_err(|error| trouble(&error));
        let trees = [tree(Tree::Settings)?, tree(Tree::Meta)?];
        if trees.iter().all(|tree| tree.is_empty()) && dir.join(MARKER).exists() {
            return Err(Trouble::Unreadable("it is empty, and was not".to_owned()));
        }
        let file = sync_new(dir).map_err(|error| Trouble::System(error.to_string()))?;
        Ok(Disk { dir: dir.to_owned(), trees, db, file })
    }

    fn tree(&self, tree: Tree) -> &sled::Tree {
        &self.trees[tree as usize]
    }

    fn mark(&self) -> io::Result<()> {
        let marker = self.dir.join(MARKER);
        if !marker.exists() {
            File::create(marker)?.sync_all()?;
            File::open(&self.dir)?.sync_all()?;
        }
        Ok(())
    }
}

/// Makes the files of a database durable that sled has created but not synced; returns the main one.
fn sync_new(dir: &Path) -> io::Result<File> {
    let file = File::open(dir.join("db"))?;
    file.sync_all()?;
    File::open(dir.join("conf"))?.sync_all()?;
    File::open(dir)?.sync_all()?;
    if let Some(parent) = dir.parent() {
        File::open(parent)?.sync_all()?;
    }
    Ok(file)
}

impl Engine for Disk {
    fn read(&self, tree: Tree) -> Result<Entries, Trouble> {
        let entry = |entry: sled::Result<(sled::IVec, sled::IVec)>| {
            entry.map(|(key, value)| (key.to_vec(), value.to_vec())).map_err(|error| trouble(&error))
        };
        self.tree(tree).iter().map(entry).collect()
    }

    fn replace(&mut self, tree: Tree, entries: &Entries) -> Result<(), String> {
        let tree = self.tree(tree);
        let mut batch = sled::Batch::default();
        for old in tree.iter().keys() {
            let old = old.map_err(|error| error.to_string())?;
            if entries.iter().all(|(key, _)| old != *key) {
                batch.remove(old);
            }
        }
        for (key, value) in entries {
            batch.insert(key.as_slice(), value.as_slice());
        }
        tree.apply_batch(batch).map_err(|error| error.to_string())?;
        self.db.flush().map_err(|error| error.to_string())?;
        self.file.sync_data().map_err(|error| error.to_string())?;
        self.mark().map_err(|error| error.to_string())
    }
}

/// Tells a damaged database from a system that does not let us use a good one.
fn trouble(error: &sled::Error) -> Trouble {
    use io::ErrorKind as Kind;
    match error {
        sled::Error::Io(io) => match io.kind() {
            Kind::PermissionDenied
            | Kind::ReadOnlyFilesystem
            | Kind::StorageFull
            | Kind::QuotaExceeded
            | Kind::OutOfMemory
            | Kind::NotFound => Trouble::System(io.to_string()),
            // sled's own lock: not damage, whoever has it.
            Kind::Other if io.to_string().contains("could not acquire lock") => {
                Trouble::System(io.to_string())
            }
            _ => Trouble::Unreadable(io.to_string()),
        },
        other => Trouble::Unreadable(other.to_string()),
    }
}
