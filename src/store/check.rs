//! Read-only check of a state folder.

use std::io;
use std::path::Path;

use super::content::StoredContent;
use super::engine::DatabaseError;
use super::state::StoredState;
use super::{json_snapshot, migrate, quarantine, scratch};
use crate::files;
use crate::wall_clock::readable;

/// Result for one file or database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Name of the file.
    pub what: String,
    /// State of the file, for people.
    pub how: String,
    /// True if it is as it should be.
    pub good: bool,
}

/// Checks everything in the folder `dir`. While a process uses it, files may be half-written.
///
/// # Errors
/// The system's.
pub fn check_folder(dir: &Path) -> io::Result<Vec<Finding>> {
    let mut findings = vec![check_database(&dir.join("db"))];
    for file in json_snapshot::files(dir) {
        let (good, how) = match files::read_regular(&file, json_snapshot::MAX_BYTES) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => (false, error.to_string()),
            Ok(text) => match json_snapshot::parse(&text) {
                Ok(copy) => (
                    true,
                    format!("good, of {}, after write {}", readable(copy.written_unix_s), copy.generation),
                ),
                Err(error) => (false, describe(error)),
            },
        };
        findings.push(Finding { what: name(&file), how, good });
    }
    findings.extend(quarantine::moved_aside(dir)?.iter().map(|(number, path)| Finding {
        what: name(path),
        how: format!("unreadable database number {number}, moved aside; it can be deleted"),
        good: true,
    }));
    Ok(findings)
}

/// Reads the state in the folder `dir`, and the number of writes, without changing anything.
///
/// # Errors
/// The reason why it cannot be read, for people.
pub fn read_state(dir: &Path) -> Result<(StoredState, u64), String> {
    if let Ok(lock) = files::open_regular(&dir.join("lock"))
        && matches!(lock.try_lock(), Err(std::fs::TryLockError::WouldBlock))
    {
        return Err(format!("{} is in use: ask its server, or stop it first", dir.display()));
    }
    let (_, read) = scratch::read(&dir.join("db")).map_err(describe)?;
    let stored = read.stored.ok_or_else(|| "there is nothing in it yet".to_owned())?;
    let settings = stored.settings.map_err(|problems| {
        let all: Vec<_> = problems.iter().map(ToString::to_string).collect();
        format!("settings that are not allowed: {}", all.join("; "))
    })?;
    Ok((StoredState { settings, ..stored.rest }, stored.generation))
}

fn check_database(db: &Path) -> Finding {
    let found = |good, how: String| Finding { what: name(db), how, good };
    if !db.exists() {
        return found(true, "none yet".to_owned());
    }
    let (last, StoredContent { stored, version, .. }) = match scratch::read(db) {
        Ok(read) => read,
        Err(error) => return found(false, describe(error)),
    };
    let Some(stored) = stored else { return found(true, "empty".to_owned()) };
    if let Err(problems) = &stored.settings {
        let all: Vec<_> = problems.iter().map(ToString::to_string).collect();
        return found(false, format!("settings that are not allowed: {}", all.join("; ")));
    }
    if last > stored.generation {
        return found(false, format!("it has lost its last {} writes", last - stored.generation));
    }
    let version = version.unwrap_or(migrate::LAYOUT_VERSION);
    found(
        true,
        format!(
            "good, version {version}, after write {}: {} waves, {} sessions, {} devices",
            stored.generation,
            stored.rest.waves.len(),
            stored.rest.sessions.len(),
            stored.rest.devices.len()
        ),
    )
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn describe(error: DatabaseError) -> String {
    match error {
        DatabaseError::Unreadable(why) => format!("damaged: {why}"),
        DatabaseError::Newer { found, known } => {
            format!("of a newer yep: version {found}, this one knows {known}")
        }
        DatabaseError::Busy => "in use".to_owned(),
        DatabaseError::System { why, .. } => why,
    }
}
