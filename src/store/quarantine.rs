//! Quarantine of unreadable databases: they are renamed beside the database, and the newest few are kept.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::session::MAX_WHOLE;
use crate::wall_clock;

/// Number of databases that are kept. Each has a megabyte or so, and a worn card makes one at every start.
pub const KEPT: usize = 8;
const PREFIX: &str = "db.unreadable-";

/// Renames the folder `db` to a name with the date and a running number, and makes that durable. Deletes the oldest
/// beyond [`KEPT`].
///
/// # Errors
/// The system's.
pub fn move_aside(db: &Path) -> io::Result<PathBuf> {
    let parent = db.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let before = moved_aside(parent)?;
    let number = before.last().map_or(1, |(number, _)| number + 1);
    // The clock of a board without a battery may stand still over restarts, so only the number is unique.
    let aside = parent.join(format!("{PREFIX}{}-{number}", wall_clock::file_stamp(wall_clock::now_unix_s())));
    fs::rename(db, &aside)?;
    File::open(parent)?.sync_all()?;
    for (_, old) in &before[..(before.len() + 1).saturating_sub(KEPT)] {
        let deleted = if old.is_dir() { fs::remove_dir_all(old) } else { fs::remove_file(old) };
        if let Err(error) = deleted {
            tracing::warn!(%error, "cannot delete {}, which is no longer needed", old.display());
        }
    }
    Ok(aside)
}

/// The databases that were moved aside in the state folder `dir`, with their numbers, the oldest first.
///
/// # Errors
/// The system's.
pub fn moved_aside(dir: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        found.extend(number_of(&path).map(|number| (number, path)));
    }
    found.sort();
    Ok(found)
}

/// The running number in the name of a database that was moved aside.
pub fn number_of(path: &Path) -> Option<u64> {
    let (_, number) = path.file_name()?.to_str()?.strip_prefix(PREFIX)?.rsplit_once('-')?;
    number.parse().ok().filter(|number| (1..=MAX_WHOLE).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_all_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        let (db, own) = (dir.path().join("db"), dir.path().join("db.unreadable-keep"));
        fs::create_dir(&own).unwrap();
        // Of a version that numbered them by the second.
        fs::create_dir(dir.path().join("db.unreadable-20240101T000000Z-1")).unwrap();
        for i in 0..20_u8 {
            fs::create_dir(&db).unwrap();
            fs::write(db.join("n"), [i]).unwrap();
            let moved_to = move_aside(&db).unwrap();
            assert_eq!(number_of(&moved_to), Some(u64::from(i) + 2));
            let kept = moved_aside(dir.path()).unwrap();
            assert_eq!(kept.len(), KEPT.min(usize::from(i) + 2));
            assert_eq!(fs::read(moved_to.join("n")).unwrap(), [i]);
        }
        let numbers: Vec<u64> = moved_aside(dir.path()).unwrap().iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (14..=21).collect::<Vec<_>>());
        assert!(own.exists(), "a name that is not ours");
        // A file in the place of the database.
        fs::write(&db, "").unwrap();
        assert_eq!(number_of(&move_aside(&db).unwrap()), Some(22));
    }
}
