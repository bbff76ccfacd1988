//! The database on disk: sled, used as carefully as it needs.
//!
//! What its documentation does not say, and tests showed: `flush()` alone does not survive a power cut, a
//! `sync_data` of its file does; its configuration file is never made durable; damaged files make it panic,
//! return errors, or go back to an earlier state, if need be an empty one, without a word. Hence the syncs,
//! the file beside it that knows the last generation, and the caller's `catch_unwind`.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::engine::{Engine, Entries, Tree, Trouble};
use super::generation::GenerationFile;

/// The whole database has a few kilobytes.
const CACHE_BYTES: u64 = 8 << 20;

/// An open database.
pub struct Disk {
    trees: [sled::Tree; Tree::ALL.len()],
    db: sled::Db,
    /// sled's own file, for the sync that it leaves out.
    file: File,
    generation: GenerationFile,
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
        let system = |error: io::Error| Trouble::System(error.to_string());
        let generation = GenerationFile::open(dir).map_err(system)?;
        let file = sync_new(dir).map_err(system)?;
        Ok(Disk { trees, db, file, generation })
    }

    fn tree(&self, tree: Tree) -> &sled::Tree {
        &self.trees[tree as usize]
    }
}

/// Makes durable what was created and not synced; returns sled's main file.
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

    fn replace(&mut self, tree: Tree, entries: &Entries, generation: u64) -> Result<(), String> {
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
        self.generation.write(generation).map_err(|error| error.to_string())
    }

    fn generation(&self) -> u64 {
        self.generation.get()
    }
}

/// Tells a damaged database from a system that does not let us use a good one.
fn trouble(error: &sled::Error) -> Trouble {
    use ErrorKind::{
        NotFound, Other, OutOfMemory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
    };
    let sled::Error::Io(io) = error else { return Trouble::Unreadable(error.to_string()) };
    match io.kind() {
        PermissionDenied | ReadOnlyFilesystem | StorageFull | QuotaExceeded | OutOfMemory | NotFound => {
            Trouble::System(io.to_string())
        }
        Other if io.to_string().contains("could not acquire lock") => Trouble::Busy,
        _ => Trouble::Unreadable(io.to_string()),
    }
}
