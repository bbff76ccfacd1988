//! Database on disk: sled 0.34, with additional syncs and checks.
//!
//! Tests showed what its documentation does not say. `flush()` alone does not survive a power cut, a `sync_data` of its
//! file does. Its configuration file is never made durable. Damaged files make it panic, return errors, or silently go
//! back to an earlier state, even an empty one. Hence the syncs, the generation file, and the caller's `catch_unwind`.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use sled::transaction::{TransactionError, Transactional};

use super::engine::{Batch, DatabaseError, DatabaseFiles, Engine, Entries, Tree, WriteError};
use super::generation::GenerationFile;

/// A database has some ten kilobytes, and a megabyte at most.
const CACHE_BYTES: u64 = 8 << 20;

/// An open database.
pub struct DiskEngine {
    /// In the order of [`Tree::ALL`].
    trees: Vec<sled::Tree>,
    db: sled::Db,
    /// sled's file, for the sync that sled omits.
    file: File,
    /// Path of that file.
    path: PathBuf,
    generation: GenerationFile,
}

impl DiskEngine {
    /// Opens or creates the database in the folder `dir`.
    ///
    /// # Errors
    /// [`DatabaseError`]. May also panic on a damaged file.
    pub fn open(dir: &Path) -> Result<DiskEngine, DatabaseError> {
        check_only_files(dir)?;
        let db = sled::Config::new()
            .path(dir)
            .mode(sled::Mode::LowSpace)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None)
            .open()
            .map_err(|error| database_error(&error))?;
        let tree = |tree: Tree| db.open_tree(tree.name()).map_err(|error| database_error(&error));
        let mut trees = Vec::new();
        for name in Tree::ALL {
            trees.push(tree(name)?);
        }
        let system = |error: io::Error| system_error(&error);
        let generation = GenerationFile::open(dir).map_err(system)?;
        let file = sync_new(dir).map_err(system)?;
        close_to_others(dir);
        Ok(DiskEngine { trees, db, file, path: dir.join("db"), generation })
    }

    fn tree(&self, tree: Tree) -> &sled::Tree {
        &self.trees[tree as usize]
    }
}

/// Checks that `dir` contains only files and folders, if it exists: sled would block on a pipe, and read a device to
/// its end.
///
/// # Errors
/// [`DatabaseError::Unreadable`] with the name of another kind of file; the system's.
pub fn check_only_files(dir: &Path) -> Result<(), DatabaseError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            return Err(DatabaseError::Unreadable("it is no folder, and so no database".to_owned()));
        }
        Err(error) => return Err(system_error(&error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| system_error(&error))?;
        match entry.file_type().map_err(|error| system_error(&error))? {
            kind if kind.is_dir() => check_only_files(&entry.path())?,
            kind if kind.is_file() => {}
            _ => {
                let name = entry.file_name().display().to_string();
                return Err(DatabaseError::Unreadable(format!(
                    "{name} in it is neither a file nor a folder"
                )));
            }
        }
    }
    Ok(())
}

/// Lets only the owner of the folder `dir` into it, as the values have hashes of tokens. A folder whose mode cannot be
/// changed, as on a file system without modes, stays as it is.
fn close_to_others(dir: &Path) {
    if fs::metadata(dir).is_ok_and(|about| about.mode() & 0o077 != 0) {
        let _ = fs::set_permissions(dir, Permissions::from_mode(0o700));
    }
}

/// Makes the created files durable; returns sled's main file.
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

impl Engine for DiskEngine {
    fn read(&self, tree: Tree) -> Result<Entries, DatabaseError> {
        let entry = |entry: sled::Result<(sled::IVec, sled::IVec)>| {
            entry.map(|(key, value)| (key.to_vec(), value.to_vec())).map_err(|error| database_error(&error))
        };
        self.tree(tree).iter().map(entry).collect()
    }

    fn commit(&mut self, batch: &Batch, generation: u64) -> Result<(), WriteError> {
        // One log entry for all trees: after a crash all of it is there, or nothing.
        let write = |trees: &Vec<sled::transaction::TransactionalTree>| {
            for (tree, key, value) in batch {
                let tree = &trees[*tree as usize];
                match value {
                    Some(value) => tree.insert(key.as_slice(), value.as_slice())?,
                    None => tree.remove(key.as_slice())?,
                };
            }
            Ok(())
        };
        self.trees.as_slice().transaction(write).map_err(|error: TransactionError<()>| match error {
            TransactionError::Storage(error) => write_error(&error),
            TransactionError::Abort(()) => {
                WriteError { why: "the write was given up".to_owned(), full: false }
            }
        })?;
        self.db.flush().map_err(|error| write_error(&error))?;
        let unsynced = |error: io::Error| WriteError { why: error.to_string(), full: is_full(&error) };
        self.file.sync_data().map_err(unsynced)?;
        self.generation.write(generation).map_err(unsynced)
    }

    fn generation(&self) -> u64 {
        self.generation.get()
    }

    fn file_state(&self) -> DatabaseFiles {
        compare_file(&self.file, &self.path)
    }
}

/// Compares an open file with the one at `path`.
pub fn compare_file(file: &File, path: &Path) -> DatabaseFiles {
    let identity = |data: Metadata| (data.dev(), data.ino());
    match (file.metadata().map(identity), fs::metadata(path).map(identity)) {
        (_, Err(error)) if error.kind() == ErrorKind::NotFound => DatabaseFiles::Deleted,
        (Ok(open), Ok(there)) if open != there => DatabaseFiles::Replaced,
        // A file that cannot be examined fails at the next write.
        _ => DatabaseFiles::Unchanged,
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

fn system_error(error: &io::Error) -> DatabaseError {
    DatabaseError::System { why: error.to_string(), full: is_full(error) }
}

fn write_error(error: &sled::Error) -> WriteError {
    let full = matches!(error, sled::Error::Io(io) if is_full(io));
    WriteError { why: error.to_string(), full }
}

/// Distinguishes a damaged database from a system that refuses access to a good one.
fn database_error(error: &sled::Error) -> DatabaseError {
    use ErrorKind::{
        NotFound, Other, OutOfMemory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
    };
    let sled::Error::Io(io) = error else { return DatabaseError::Unreadable(error.to_string()) };
    match io.kind() {
        PermissionDenied | ReadOnlyFilesystem | StorageFull | QuotaExceeded | OutOfMemory | NotFound => {
            system_error(io)
        }
        Other if io.to_string().contains("could not acquire lock") => DatabaseError::Busy,
        _ => DatabaseError::Unreadable(io.to_string()),
    }
}
