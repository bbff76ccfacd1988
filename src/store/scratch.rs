//! Reads a database without touching it: it is copied to a place in memory and opened there. For disks that are full or
//! cannot be written, where sled cannot even read, and for those who only want to look.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::begin;
use super::content::{self, Read};
use super::disk::Disk;
use super::engine::{Engine, Trouble};

/// Reads the database in the folder `db`, and which write was the last that it acknowledged.
///
/// # Errors
/// [`Trouble`]; `System` when there is no place for the copy.
pub fn read(db: &Path) -> Result<(u64, Read), Trouble> {
    let system = |error: io::Error| Trouble::System { why: error.to_string(), full: false };
    let mut trouble = None;
    for place in [PathBuf::from("/dev/shm"), std::env::temp_dir()] {
        let copied = Scratch::in_folder(&place).and_then(|scratch| {
            copy(db, &scratch.0)?;
            Ok(scratch)
        });
        match copied {
            Ok(scratch) => return open(&scratch.0),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(Trouble::Unreadable("it is no folder, and so no database".to_owned()));
            }
            Err(error) => trouble = Some(system(error)),
        }
    }
    Err(trouble.unwrap_or(Trouble::Busy))
}

fn open(copy: &Path) -> Result<(u64, Read), Trouble> {
    let read = || {
        let engine = Disk::open(copy)?;
        let read = content::read(&engine)?;
        Ok((engine.generation(), read))
    };
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|panic| Err(Trouble::Unreadable(begin::text(&*panic))))
}

/// A folder that goes with its owner.
struct Scratch(PathBuf);

impl Scratch {
    fn in_folder(place: &Path) -> io::Result<Scratch> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = place.join(format!("yep-{}-{count}", std::process::id()));
        // For nobody else, and never a folder that somebody else put there.
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
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
