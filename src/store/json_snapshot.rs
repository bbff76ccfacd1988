//! JSON snapshot: a copy of the whole state as a file beside the database, for recovery and for people.
//!
//! `mirror.json` is `{"crc32": …, "state": …, "access": …}`; the state is the [`document`] of a backup, and [access] what
//! a backup does not have. It is written under another name, made durable, and renamed; the one before it stays as
//! `mirror.previous.json`. A snapshot is written after the database, so it is never newer. Only its owner may read it,
//! as it has hashes of tokens, and a password.
//!
//! [access]: access_section

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::access_section;
use super::document::{self, DocumentError};
use super::engine::DatabaseError;
use super::session::MAX_WHOLE;
use super::state::StoredState;
use crate::files;
use crate::wall_clock;

const NEWEST: &str = "mirror.json";
const PREVIOUS: &str = "mirror.previous.json";
const UNFINISHED: &str = "mirror.unfinished";
/// Mode of the files, whatever the umask: for the owner only.
const MODE: u32 = 0o600;
/// Upper bound on the size of a snapshot: a line for each number of all saved waves, the sessions, the audit log.
pub const MAX_BYTES: usize = 32 << 20;

/// A valid snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonSnapshot {
    /// State.
    pub state: StoredState,
    /// Number of the write that it is up to date with.
    pub generation: u64,
    /// Time of writing.
    pub written_unix_s: u64,
}

/// The newest snapshot in the state folder `dir` as it is, of whatever version.
///
/// # Errors
/// The system's, or a file that is no JSON.
pub fn raw(dir: &Path) -> io::Result<Value> {
    Ok(serde_json::from_slice(&files::read_regular(&dir.join(NEWEST), MAX_BYTES)?)?)
}

/// Reads the newest valid snapshot in the state folder `dir`; `None` if there is no file.
///
/// # Errors
/// [`DatabaseError::Newer`]: the newest was written by a newer program. [`DatabaseError::Unreadable`]: there are files,
/// and none is valid.
pub fn read(dir: &Path) -> Result<Option<JsonSnapshot>, DatabaseError> {
    let mut newest: Option<JsonSnapshot> = None;
    let mut damage = None;
    for name in [NEWEST, PREVIOUS] {
        match files::read_regular(&dir.join(name), MAX_BYTES).map(|text| parse(&text)) {
            Ok(Ok(found)) if newest.as_ref().is_none_or(|newest| newest.generation < found.generation) => {
                newest = Some(found);
            }
            Ok(Ok(_)) => {}
            Ok(Err(newer @ DatabaseError::Newer { .. })) => return Err(newer),
            Ok(Err(trouble)) => damage = Some(trouble),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                damage = Some(DatabaseError::Unreadable(format!("the copy of it cannot be read: {error}")))
            }
        }
    }
    match (newest, damage) {
        (None, Some(damage)) => Err(damage),
        (newest, _) => Ok(newest),
    }
}

/// Writes a snapshot.
///
/// # Errors
/// The system's; then the earlier snapshots are unchanged.
pub fn write(dir: &Path, state: &StoredState, generation: u64) -> io::Result<()> {
    let document = document::write(state, wall_clock::now_unix_s(), generation);
    let access = access_section::write(state);
    let copy = json!({ "crc32": checksum(&document, Some(&access)), "state": document, "access": access });
    let unfinished = dir.join(UNFINISHED);
    let written = write_new(&unfinished, serde_json::to_string_pretty(&copy)? + "\n").and_then(|()| {
        match fs::rename(dir.join(NEWEST), dir.join(PREVIOUS)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::rename(&unfinished, dir.join(NEWEST))?;
        File::open(dir)?.sync_all()
    });
    if written.is_err() {
        // Frees its room on a full disk; if that fails too, the next one replaces it.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

/// Paths of the snapshots.
pub fn files(dir: &Path) -> [PathBuf; 2] {
    [dir.join(NEWEST), dir.join(PREVIOUS)]
}

fn write_new(path: &Path, text: String) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::options().write(true).create_new(true).mode(MODE).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Checksum of the document and the section behind it, without white space, which an editor may change.
fn checksum(document: &Value, access: Option<&Value>) -> String {
    let mut hasher = crc32fast::Hasher::new();
    for part in [Some(document), access].into_iter().flatten() {
        hasher.update(part.to_string().as_bytes());
    }
    format!("{:08x}", hasher.finalize())
}

/// Parses and checks a snapshot.
///
/// # Errors
/// [`DatabaseError::Newer`], [`DatabaseError::Unreadable`].
pub fn parse(text: &[u8]) -> Result<JsonSnapshot, DatabaseError> {
    let damaged = |what: &str| DatabaseError::Unreadable(format!("the copy of it {what}"));
    let copy: Value = serde_json::from_slice(text).map_err(|error| damaged(&format!("is cut: {error}")))?;
    let document = &copy["state"];
    // Copies of version 3 of the layout have none: nobody was paired.
    let access = copy.get("access");
    if copy["crc32"].as_str() != Some(&checksum(document, access)) {
        return Err(damaged("is damaged: its checksum is wrong"));
    }
    let mut state = document::read_own(document).map_err(|wrong| match wrong {
        DocumentError::Newer { found } => DatabaseError::Newer {
            found: u8::try_from(found).unwrap_or(u8::MAX),
            known: document::VERSION as u8,
        },
        wrong @ DocumentError::Values(_) => damaged(&format!("is not allowed: {wrong}")),
    })?;
    if let Some(access) = access {
        access_section::read(access, &mut state)?;
    }
    let number = |name: &str| document[name].as_u64().ok_or_else(|| damaged("has no number"));
    if number("generation")? > MAX_WHOLE {
        return Err(damaged("has the number of a write that nobody made"));
    }
    Ok(JsonSnapshot { state, generation: number("generation")?, written_unix_s: number("written_unix_s")? })
}

#[cfg(test)]
mod tests {
    use super::super::audit::{AuditAct, AuditEntry};
    use super::super::device::{CardCode, DeviceKind, DeviceRecord, DeviceRole};
    use super::super::state::StateChange;
    use super::*;
    use crate::settings::{Settings, new_id};

    fn state(force_limit: i64) -> StoredState {
        let mut state = StoredState::of(Settings::fresh(new_id()));
        state.settings.document.force_limit = force_limit;
        let device = DeviceRecord {
            name: "a device".to_owned(),
            role: DeviceRole::Admin,
            kind: DeviceKind::Browser,
            token_hash: [7; 32],
            paired_unix_s: 7,
            last_seen_unix_s: 8,
            last_used_h: 0,
        };
        let entry = AuditEntry::new(7, AuditAct::Paired, Some(1), "192.0.2.7", "with the switches");
        let code = CardCode { salt: [1; 16], hash: [2; 32], wrong_tries: 0, used: true };
        for change in
            [StateChange::PutDevice(1, device), StateChange::Audit(entry), StateChange::CardCode(Some(code))]
        {
            state.apply(change).unwrap();
        }
        state
    }

    #[test]
    fn the_newest_that_can_be_read_counts() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()), Ok(None));
        let (first, second) = (state(1), state(2));
        write(dir.path(), &first, 1).unwrap();
        write(dir.path(), &second, 2).unwrap();
        let found = read(dir.path()).unwrap().unwrap();
        assert_eq!((found.state, found.generation), (second, 2));

        let newest = dir.path().join(NEWEST);
        let text = fs::read(&newest).unwrap();
        for bit in (0..text.len() * 8).step_by(5) {
            let mut flipped = text.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(&newest, &flipped).unwrap();
            // White space may change without effect; any other change is detected.
            match read(dir.path()).unwrap().unwrap() {
                found if found.generation == 1 => assert_eq!(found.state, first),
                found => assert_eq!(parse(&text).unwrap(), found, "bit {bit}"),
            }
        }
        fs::remove_file(dir.path().join(PREVIOUS)).unwrap();
        fs::write(&newest, &text[..text.len() / 2]).unwrap();
        assert!(matches!(read(dir.path()), Err(DatabaseError::Unreadable(_))));
    }

    #[test]
    fn a_copy_of_an_older_program_has_no_devices() {
        let document = document::write(&state(1), 0, 1);
        let copy = json!({ "crc32": checksum(&document, None), "state": document });
        let found = parse(copy.to_string().as_bytes()).unwrap().state;
        assert_eq!((found.settings.document.force_limit, found.devices.len()), (1, 0));
        // The checksum of the document alone does not do for a copy with devices.
        let access = access_section::write(&state(1));
        let copy = json!({ "crc32": checksum(&document, None), "state": document, "access": access });
        assert!(matches!(parse(copy.to_string().as_bytes()), Err(DatabaseError::Unreadable(_))));
    }

    #[test]
    fn a_copy_of_a_newer_program_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let mut document = document::write(&state(1), 0, 1);
        document["version"] = json!(9);
        let copy = json!({ "crc32": checksum(&document, None), "state": document });
        fs::write(dir.path().join(NEWEST), copy.to_string()).unwrap();
        assert_eq!(read(dir.path()), Err(DatabaseError::Newer { found: 9, known: document::VERSION as u8 }));

        let (document, mut access) = (document::write(&state(1), 0, 1), access_section::write(&state(1)));
        access["version"] = json!(9);
        let copy =
            json!({ "crc32": checksum(&document, Some(&access)), "state": document, "access": access });
        fs::write(dir.path().join(NEWEST), copy.to_string()).unwrap();
        assert_eq!(read(dir.path()), Err(DatabaseError::Newer { found: 9, known: 3 }));
    }
}
