//! Archive: the folder of recordings, with the head of each in memory.
//!
//! A recording is written under another name, made durable, and renamed, so a power cut leaves it whole or absent. When
//! it cannot be written, it stays in memory until the process ends. Files that cannot be read are skipped with a
//! warning, and are deleted like the others when newer ones come.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::file::{self, RecordingFileError};
use super::recording::{Recording, RecordingHead};
use crate::{files, layout};

/// Longest number of a recording (digits): enough for one a second for thirty years.
const DIGITS: usize = 9;
/// Name of a file until it is complete.
const UNFINISHED: &str = "unfinished";

/// The reason why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// There is no recording with this number.
    #[error("there is no recording with this number")]
    Unknown,
    /// Its file is damaged.
    #[error("the file of this recording is damaged: {0}")]
    Damaged(#[from] RecordingFileError),
    /// The system refuses to read it.
    #[error("the file of this recording cannot be read: {0}")]
    System(#[from] io::Error),
}

/// A recording of the archive.
#[derive(Debug, Clone)]
pub struct ArchiveEntry {
    /// Its number; later recordings have higher ones.
    pub id: u64,
    /// Its head.
    pub about: RecordingHead,
    /// True if this process made it.
    pub this_run: bool,
    /// The recording itself, if it could not be written.
    unwritten: Option<Arc<Recording>>,
}

impl ArchiveEntry {
    /// True if it is on disk.
    pub fn is_written(&self) -> bool {
        self.unwritten.is_none()
    }
}

/// The recordings; shared by the thread that makes them and those that read them.
#[derive(Debug)]
pub struct Archive {
    dir: PathBuf,
    inner: Mutex<ArchiveState>,
}

#[derive(Debug)]
struct ArchiveState {
    /// The oldest first.
    entries: Vec<ArchiveEntry>,
    next_id: u64,
}

impl Archive {
    /// Opens the archive in the folder `dir`, which is created with the first recording. Succeeds whatever is there.
    pub fn open(dir: &Path) -> Archive {
        let ids = recording_ids(dir);
        let mut entries = Vec::new();
        for &id in &ids {
            match read_head(&path(dir, id)) {
                Ok(about) => entries.push(ArchiveEntry { id, about, this_run: false, unwritten: None }),
                Err(error) => {
                    tracing::warn!(file = %path(dir, id).display(), %error, "a recording is skipped");
                }
            }
        }
        // A process that died while it wrote may have left one.
        let _ = fs::remove_file(dir.join(UNFINISHED));
        if !entries.is_empty() {
            let faults: Vec<String> =
                entries.iter().map(|entry| format!("{} {}", entry.id, entry.about.fault.code)).collect();
            tracing::info!(recordings = faults.join(", "), "faults of earlier runs: yep faults list");
        }
        let next_id = ids.last().map_or(1, |last| last + 1);
        Archive { dir: dir.to_owned(), inner: Mutex::new(ArchiveState { entries, next_id }) }
    }

    /// Saves a recording whose last record was made at `since_epoch` of the wall clock; returns its number. Blocks
    /// until it is durable.
    pub fn save(&self, mut recording: Recording, since_epoch: Duration) -> u64 {
        let after = Duration::try_from_secs_f64(recording.about.after_s).unwrap_or_default();
        let at = since_epoch.saturating_sub(after);
        recording.about.at_unix_ms = u64::try_from(at.as_millis()).unwrap_or_default();
        let id = {
            let mut inner = self.lock();
            inner.next_id += 1;
            inner.next_id - 1
        };
        let about = recording.about.clone();
        let unwritten = match self.write(id, &recording) {
            Ok(()) => None,
            Err(error) => {
                let folder = self.dir.display();
                tracing::warn!(%error, %folder, id, "the recording of a fault cannot be written: it is kept until the end");
                Some(Arc::new(recording))
            }
        };
        let mut inner = self.lock();
        if unwritten.is_some() {
            // Each is large: only the newest of those in memory is kept.
            inner.entries.retain(ArchiveEntry::is_written);
        }
        inner.entries.push(ArchiveEntry { id, about, this_run: true, unwritten });
        let surplus = inner.entries.len().saturating_sub(layout::RECORDINGS);
        inner.entries.drain(..surplus);
        id
    }

    /// The recordings, the newest first.
    pub fn list(&self) -> Vec<ArchiveEntry> {
        self.lock().entries.iter().rev().cloned().collect()
    }

    /// Reads a recording with all of its records. Blocks on the disk.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn read(&self, id: u64) -> Result<(ArchiveEntry, Arc<Recording>), ArchiveError> {
        let entry = self.lock().entries.iter().find(|entry| entry.id == id).cloned();
        let entry = entry.ok_or(ArchiveError::Unknown)?;
        if let Some(recording) = entry.unwritten.clone() {
            return Ok((entry, recording));
        }
        let mut bytes = Vec::new();
        // One byte more than the limit, so that a file that is too long shows.
        let file = files::open_regular(&path(&self.dir, id))?;
        file.take(file::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Ok((entry, Arc::new(file::decode(&bytes)?)))
    }

    fn write(&self, id: u64, recording: &Recording) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let unfinished = self.dir.join(UNFINISHED);
        let written = files::create_anew(&unfinished).and_then(|mut file| {
            file.write_all(&file::encode(recording))?;
            file.sync_all()
        });
        let done = written.and_then(|()| {
            fs::rename(&unfinished, path(&self.dir, id))?;
            File::open(&self.dir)?.sync_all()
        });
        if done.is_err() {
            // It would only take up room on a full disk.
            let _ = fs::remove_file(&unfinished);
            return done;
        }
        self.remove_surplus();
        // The folder itself may be new, and its entry must be durable too.
        self.dir.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
    }

    /// Deletes the oldest files by their names, damaged ones too. One that cannot be deleted takes up room and prevents
    /// nothing.
    fn remove_surplus(&self) {
        let ids = recording_ids(&self.dir);
        for old in &ids[..ids.len().saturating_sub(layout::RECORDINGS)] {
            let file = path(&self.dir, *old);
            if let Err(error) = fs::remove_file(&file) {
                tracing::warn!(file = %file.display(), %error, "an old recording cannot be deleted");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, ArchiveState> {
        // No holder of the lock leaves the list half changed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn path(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("fault-{id}.rec"))
}

/// Numbers of the recordings in the folder, readable or not, the oldest first; empty without a folder.
fn recording_ids(dir: &Path) -> Vec<u64> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut ids: Vec<u64> = entries.filter_map(|entry| id_of(entry.file_name().to_str()?)).collect();
    ids.sort_unstable();
    ids
}

/// The number in the name of a recording's file.
fn id_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("fault-")?.strip_suffix(".rec")?;
    let ours = digits.len() <= DIGITS
        && !digits.starts_with('0')
        && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|_| ours)
}

fn read_head(path: &Path) -> Result<RecordingHead, ArchiveError> {
    let file = files::open_regular(path)?;
    let file_bytes = file.metadata()?.len();
    let mut begin = Vec::new();
    file.take(file::BEGIN_BYTES as u64).read_to_end(&mut begin)?;
    Ok(file::decode_head(&begin, file_bytes)?.0)
}
