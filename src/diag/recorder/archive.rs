//! The folder of recordings: a handful of files, and what is known about each.
//!
//! A recording is written to another name, made durable, and renamed: a power cut leaves it whole or not there. When
//! it cannot be written, it is kept in memory until the process ends, so that it can at least be read. Files that
//! cannot be read are skipped with a warning, and go like the others when newer ones come.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::file::{self, Damage};
use super::recording::{Recording, RecordingSummary};
use crate::{files, layout};

/// Numbers of recordings: enough for one a second for thirty years.
const DIGITS: usize = 9;
/// What a file is called until it is complete.
const UNFINISHED: &str = "unfinished";

/// Why a recording cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// There is none with this number.
    #[error("there is no recording with this number")]
    Unknown,
    /// Its file was damaged.
    #[error("the file of this recording is damaged: {0}")]
    Damaged(#[from] Damage),
    /// The system does not let us read it.
    #[error("the file of this recording cannot be read: {0}")]
    System(#[from] io::Error),
}

/// A recording that there is.
#[derive(Debug, Clone)]
pub struct ArchiveEntry {
    /// Its number; a later one has a higher one.
    pub id: u64,
    /// What is known about it.
    pub about: RecordingSummary,
    /// Whether this process made it.
    pub this_run: bool,
    /// The recording itself, when it could not be written.
    unwritten: Option<Arc<Recording>>,
}

impl ArchiveEntry {
    /// Whether it outlives the process.
    #[must_use]
    pub fn written(&self) -> bool {
        self.unwritten.is_none()
    }
}

/// The recordings. Shared between who makes them and who reads them.
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
    /// The recordings in the folder `dir`, which is made when there is something to keep. Whatever is there, this works.
    #[must_use]
    pub fn open(dir: &Path) -> Archive {
        let ids = ids(dir);
        let mut entries = Vec::new();
        for &id in &ids {
            match about(&path(dir, id)) {
                Ok(about) => entries.push(ArchiveEntry { id, about, this_run: false, unwritten: None }),
                Err(error) => {
                    tracing::warn!(file = %path(dir, id).display(), %error, "a recording is skipped");
                }
            }
        }
        // Left by a process that died while it wrote; there may be none.
        let _ = fs::remove_file(dir.join(UNFINISHED));
        if !entries.is_empty() {
            let faults: Vec<String> =
                entries.iter().map(|entry| format!("{} {}", entry.id, entry.about.fault.code)).collect();
            tracing::info!(recordings = faults.join(", "), "faults of earlier runs: yep faults list");
        }
        let next_id = ids.last().map_or(1, |last| last + 1);
        Archive { dir: dir.to_owned(), inner: Mutex::new(ArchiveState { entries, next_id }) }
    }

    /// Keeps a recording, whose last record is of the instant `since_epoch` by the wall clock; its number. Blocks until it is
    /// durable.
    pub fn keep(&self, mut recording: Recording, since_epoch: Duration) -> u64 {
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
            // Each is large: of those that are only in memory, the newest is kept.
            inner.entries.retain(ArchiveEntry::written);
        }
        inner.entries.push(ArchiveEntry { id, about, this_run: true, unwritten });
        let surplus = inner.entries.len().saturating_sub(layout::RECORDINGS);
        inner.entries.drain(..surplus);
        id
    }

    /// The recordings that there are, the newest first.
    #[must_use]
    pub fn list(&self) -> Vec<ArchiveEntry> {
        self.lock().entries.iter().rev().cloned().collect()
    }

    /// One of them, with all of its records. Blocks while it is read.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn read(&self, id: u64) -> Result<(ArchiveEntry, Arc<Recording>), Unreadable> {
        let entry = self.lock().entries.iter().find(|entry| entry.id == id).cloned();
        let entry = entry.ok_or(Unreadable::Unknown)?;
        if let Some(recording) = entry.unwritten.clone() {
            return Ok((entry, recording));
        }
        let mut bytes = Vec::new();
        // A byte more than there can be, so that a file that goes on shows.
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
            // On a full disk it only takes up room.
            let _ = fs::remove_file(&unfinished);
            return done;
        }
        self.remove_surplus();
        // The folder itself may be new.
        self.dir.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
    }

    /// Deletes the oldest, by their names, so that damaged ones go as well. One that does not go takes up room and no more:
    /// the new one is written all the same.
    fn remove_surplus(&self) {
        let ids = ids(&self.dir);
        for old in &ids[..ids.len().saturating_sub(layout::RECORDINGS)] {
            let file = path(&self.dir, *old);
            if let Err(error) = fs::remove_file(&file) {
                tracing::warn!(file = %file.display(), %error, "an old recording cannot be deleted");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, ArchiveState> {
        // Nothing below leaves the list half changed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn path(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("fault-{id}.rec"))
}

/// The numbers of the recordings in the folder, readable or not, the oldest first. No folder: none.
fn ids(dir: &Path) -> Vec<u64> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut ids: Vec<u64> = entries.filter_map(|entry| number(entry.file_name().to_str()?)).collect();
    ids.sort_unstable();
    ids
}

/// The number in the name of a file of ours.
fn number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("fault-")?.strip_suffix(".rec")?;
    let ours = digits.len() <= DIGITS
        && !digits.starts_with('0')
        && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|_| ours)
}

fn about(path: &Path) -> Result<RecordingSummary, Unreadable> {
    let file = files::open_regular(path)?;
    let file_bytes = file.metadata()?.len();
    let mut begin = Vec::new();
    file.take(file::ABOUT_BYTES as u64).read_to_end(&mut begin)?;
    Ok(file::about(&begin, file_bytes)?.0)
}
