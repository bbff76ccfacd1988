//! Where unreadable databases go.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Moves the folder `db` aside, to a name beside it that has the date in it, and makes that durable.
///
/// # Errors
/// The system's.
pub fn move_aside(db: &Path) -> io::Result<PathBuf> {
    let parent = db.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let name = format!("db.unreadable-{}", date(seconds));
    // The clock of a board without one may stand still over restarts.
    let free = |n: u32| Some(parent.join(format!("{name}-{n}"))).filter(|path| !path.exists());
    let aside = (1..).find_map(free).ok_or(io::ErrorKind::AlreadyExists)?;
    fs::rename(db, &aside)?;
    File::open(parent)?.sync_all()?;
    Ok(aside)
}

/// A time in seconds since 1970 as `20270131T235959Z`.
fn date(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // The civil calendar, counted in eras of 400 years from 1 March of the year 0, so that leap days come last.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = (era * 400 + year + month / 10, (month + 2) % 12 + 1);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "19700101T000000Z"),
            (951_782_400, "20000229T000000Z"),
            (1_735_689_599, "20241231T235959Z"),
            (1_772_323_199, "20260228T235959Z"),
        ] {
            assert_eq!(date(seconds), text);
        }
    }

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
