//! Where unreadable databases go.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::date;

/// Moves the folder `db` aside, to a name beside it that has the date in it, and makes that durable.
///
/// # Errors
/// The system's.
pub fn move_aside(db: &Path) -> io::Result<PathBuf> {
    let parent = db.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let name = format!("db.unreadable-{}", date::compact(date::now_unix_s()));
    // The clock of a board without one may stand still over restarts.
    let free = |n: u32| Some(parent.join(format!("{name}-{n}"))).filter(|path| !path.exists());
    let aside = (1..).find_map(free).ok_or(io::ErrorKind::AlreadyExists)?;
    fs::rename(db, &aside)?;
    File::open(parent)?.sync_all()?;
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("db");
        let mut places: Vec<PathBuf> = (0..3)
            .map(|i| {
                fs::create_dir(&db).unwrap();
                fs::write(db.join("n"), [i]).unwrap();
                move_aside(&db).unwrap()
            })
            .collect();
        assert_eq!(
            places.iter().map(|place| fs::read(place.join("n")).unwrap()[0]).collect::<Vec<_>>(),
            [0, 1, 2]
        );
        places.dedup();
        assert_eq!(places.len(), 3);
    }
}
