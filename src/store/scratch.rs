//! Read-only access to a database: it is copied to a temporary folder in memory and opened there.
//!
//! For disks that are full or read-only, where sled cannot even read, and for checks that must change nothing.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::content::{self, StoredContent};
use super::disk::{self, DiskEngine};
use super::engine::{DatabaseError, Engine};
use super::error::panic_message;

/// Reads the database in the folder `db`; also returns the number of the last write that it acknowledged.
///
/// # Errors
/// [`DatabaseError`]; `System` if there is no room for the copy.
pub fn read(db: &Path) -> Result<(u64, StoredContent), DatabaseError> {
    let system = |error: io::Error| DatabaseError::System { why: error.to_string(), full: false };
    disk::check_only_files(db)?;
    let mut failure = None;
    for place in [PathBuf::from("/dev/shm"), std::env::temp_dir()] {
        let copied = Scratch::create_in(&place).and_then(|scratch| {
            copy(db, &scratch.path)?;
            Ok(scratch)
        });
        match copied {
            Ok(scratch) => return open(&scratch.path),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(DatabaseError::Unreadable("it is no folder, and so no database".to_owned()));
            }
            Err(error) => failure = Some(system(error)),
        }
    }
    Err(failure.unwrap_or(DatabaseError::Busy))
}

fn open(copy: &Path) -> Result<(u64, StoredContent), DatabaseError> {
    let read = || {
        let engine = DiskEngine::open(copy)?;
        let read = content::read(&engine)?;
        Ok((engine.generation(), read))
    };
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|panic| Err(DatabaseError::Unreadable(panic_message(&*panic))))
}

/// Number of names that are tried for a folder. Each process has a number of its own, but a killed one may have had the
/// same: in a container it is always 1.
const NAMES: u32 = 64;
/// Prefix of the folders' names.
const PREFIX: &str = "yep-";

/// Temporary folder, locked and deleted by its owner. A folder that is not locked was left by a killed process.
struct Scratch {
    path: PathBuf,
    _lock: File,
}

impl Scratch {
    fn create_in(place: &Path) -> io::Result<Scratch> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut taken = io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..NAMES {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = place.join(format!("{PREFIX}{}-{count}", std::process::id()));
            // Private, and never a folder that another user made.
            match DirBuilder::new().mode(0o700).create(&path).and_then(|()| Scratch::lock_new(path)) {
                Ok(scratch) => {
                    scratch.remove_abandoned(place);
                    return Ok(scratch);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = error,
                Err(error) => return Err(error),
            }
        }
        Err(taken)
    }

    /// Removes the folders of the same user in `place` that are not locked, as they take up memory until the next boot.
    fn remove_abandoned(&self, place: &Path) {
        let Ok(own) = fs::metadata(&self.path) else { return };
        for entry in fs::read_dir(place).into_iter().flatten().flatten() {
            let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX))
                && entry.metadata().is_ok_and(|about| about.is_dir() && about.uid() == own.uid());
            // A locked folder, as this one, cannot be locked again.
            if ours && File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Locks a new folder. Until then another process may take it for abandoned and delete it; that is the error
    /// `AlreadyExists`, upon which another name is tried.
    fn lock_new(path: PathBuf) -> io::Result<Scratch> {
        let lost = || io::Error::from(io::ErrorKind::AlreadyExists);
        let lock = File::open(&path).map_err(|_| lost())?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(lost()),
            Err(TryLockError::Error(error)) => {
                let _ = fs::remove_dir(&path);
                return Err(error);
            }
        }
        if path.exists() { Ok(Scratch { path, _lock: lock }) } else { Err(lost()) }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_removed_and_takes_no_name_away() {
        let place = tempfile::tempdir().unwrap();
        let held = Scratch::create_in(place.path()).unwrap();
        // As a process with the same number leaves them, in a container.
        for count in 0..50 {
            let left = place.path().join(format!("{PREFIX}{}-{count}", std::process::id()));
            if fs::create_dir(&left).is_ok() {
                fs::write(left.join("db"), "old").unwrap();
            }
        }
        let other = place.path().join("of-somebody-else");
        fs::create_dir(&other).unwrap();
        let scratch = Scratch::create_in(place.path()).unwrap();
        assert!(scratch.path.exists() && held.path.exists() && other.exists());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 3, "what nobody holds is gone");
    }

    #[test]
    fn a_name_that_is_taken_is_no_reason_to_give_up() {
        let place = tempfile::tempdir().unwrap();
        let held: Vec<Scratch> = (0..3).map(|_| Scratch::create_in(place.path()).unwrap()).collect();
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), held.len());
    }
}
