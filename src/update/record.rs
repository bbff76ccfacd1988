//! The record of the two systems in a file of the data partition: replaced as a whole, so that a power cut leaves the old
//! one or the new one.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::SlotRecord;
use crate::files;

/// Longest record.
const RECORD_BYTES: usize = 16 << 10;

/// Reads the record; a card without one has no trial.
///
/// # Errors
/// The system's, or a file that makes no sense.
pub fn load(path: &Path) -> io::Result<SlotRecord> {
    match files::read_regular(path, RECORD_BYTES) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(SlotRecord::default()),
        Err(error) => Err(error),
    }
}

/// Replaces the record, durably.
///
/// # Errors
/// The system's.
pub fn save(path: &Path, record: &SlotRecord) -> io::Result<()> {
    let mut bytes = serde_json::to_vec_pretty(record)?;
    bytes.push(b'\n');
    replace(path, &bytes)
}

/// Replaces a file, durably.
///
/// # Errors
/// The system's.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let new = unfinished(path);
    let mut file = files::create_anew(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(folder)?.sync_all()
}

/// The name of what replaces this path once it is complete.
pub(super) fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}
