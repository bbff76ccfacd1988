//! Library: the folder that keeps scripts, as the files that were put into it.
//!
//! A file is written under another name, made durable, and renamed, so a power cut leaves it whole or absent. A file that a
//! person copied into the folder by hand is listed like any other, and one that cannot be read is listed as broken. What was
//! read of a file is remembered until the file changes.
//!
//! Every call may wait for the disk, and belongs on a thread for that.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MAX_BYTES, Script, ScriptError, read};
use crate::files;

mod media;
mod name;

/// Most scripts.
pub const MAX_SCRIPTS: usize = 200;
/// Most bytes of all scripts.
pub const MAX_SUM_BYTES: u64 = 64 << 20;
/// The folder, in the state folder.
const FOLDER: &str = "scripts";
/// Name of a file until it is complete; no script has a dot at the start of its name.
const UNFINISHED: &str = ".unfinished";
/// Mode of the folder: what is in it is nobody else's business.
const MODE: u32 = 0o700;

/// The reason why a script cannot be put, read or removed.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The name is not allowed.
    #[error("{0}")]
    Name(String),
    /// There is none of that name.
    #[error("there is no script of that name")]
    Unknown,
    /// It cannot be played.
    #[error("{0}")]
    Broken(#[from] ScriptError),
    /// There are too many.
    #[error("there are {MAX_SCRIPTS} scripts already: remove one first")]
    TooMany,
    /// They are too large together.
    #[error("all scripts have {} MiB at most, and these are more: remove some first", MAX_SUM_BYTES >> 20)]
    TooLarge,
    /// The system refuses.
    #[error("the folder of scripts cannot be used: {0}")]
    System(#[from] io::Error),
}

/// A script in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScriptEntry {
    /// Its name, with its ending.
    pub name: String,
    /// Size of its file.
    pub bytes: u64,
    /// Its title; null if it has none.
    pub title: Option<String>,
    /// Number of its actions; null if it is broken.
    pub actions: Option<usize>,
    /// Time of its last action, in s; null if it is broken.
    pub duration_s: Option<f64>,
    /// What was repaired in it.
    pub notes: Vec<String>,
    /// Why it cannot be played; null if it can.
    pub trouble: Option<String>,
}

/// The list of scripts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScriptList {
    /// The scripts, by name.
    pub scripts: Vec<ScriptEntry>,
    /// Files that are not listed, as there are too many.
    pub left_out: usize,
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileState {
    bytes: u64,
    inode: u64,
    modified_ns: (i64, i64),
    changed_ns: (i64, i64),
}

impl FileState {
    fn of(about: &Metadata) -> FileState {
        FileState {
            bytes: about.len(),
            inode: about.ino(),
            modified_ns: (about.mtime(), about.mtime_nsec()),
            changed_ns: (about.ctime(), about.ctime_nsec()),
        }
    }
}

/// The scripts that are kept.
#[derive(Debug)]
pub struct Library {
    dir: PathBuf,
    /// What was read of each file, by its name. Whoever holds it alone changes the folder.
    known: Mutex<BTreeMap<String, (FileState, ScriptEntry)>>,
}

impl Library {
    /// The library in the state folder `state`. Its own folder is created with the first script.
    #[must_use]
    pub fn open(state: &Path) -> Library {
        let dir = state.join(FOLDER);
        // A process that died while it wrote may have left one.
        let _ = fs::remove_file(dir.join(UNFINISHED));
        Library { dir, known: Mutex::default() }
    }

    /// Puts a script, in place of one of that name. Returns its entry when it is durable.
    ///
    /// # Errors
    /// [`LibraryError`]; then nothing has changed.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<ScriptEntry, LibraryError> {
        let name = name::file_name(name).map_err(LibraryError::Name)?;
        let script = read(bytes)?;
        let mut known = self.known();
        let files = self.files()?;
        let others: BTreeMap<_, _> = files.iter().filter(|(other, _)| **other != name).collect();
        if others.len() >= MAX_SCRIPTS {
            return Err(LibraryError::TooMany);
        }
        if others.values().map(|state| state.bytes).sum::<u64>() + bytes.len() as u64 > MAX_SUM_BYTES {
            return Err(LibraryError::TooLarge);
        }
        self.write(&name, bytes)?;
        let entry = entry(&name, bytes.len() as u64, Ok(&script));
        let state = FileState::of(&fs::metadata(self.dir.join(&name))?);
        known.insert(name, (state, entry.clone()));
        Ok(entry)
    }

    /// The script of that name.
    ///
    /// # Errors
    /// [`LibraryError`].
    pub fn get(&self, name: &str) -> Result<Script, LibraryError> {
        Ok(read(&self.bytes(name)?)?)
    }

    /// The file of the script of that name, as it was put.
    ///
    /// # Errors
    /// [`LibraryError`].
    pub fn bytes(&self, name: &str) -> Result<Vec<u8>, LibraryError> {
        let name = self.existing(name)?;
        files::read_regular(&self.dir.join(name), MAX_BYTES).map_err(unknown_or_system)
    }

    /// Removes a script, also a broken one.
    ///
    /// # Errors
    /// [`LibraryError`].
    pub fn remove(&self, name: &str) -> Result<(), LibraryError> {
        let name = self.existing(name)?;
        let mut known = self.known();
        fs::remove_file(self.dir.join(&name)).map_err(unknown_or_system)?;
        known.remove(&name);
        Ok(File::open(&self.dir)?.sync_all()?)
    }

    /// The scripts, by name. Only files that are new or have changed are read.
    ///
    /// # Errors
    /// The system's, for the folder; a file that cannot be read is listed as broken.
    pub fn list(&self) -> io::Result<ScriptList> {
        let mut known = self.known();
        let files = self.files()?;
        known.retain(|name, _| files.contains_key(name));
        let left_out = files.len().saturating_sub(MAX_SCRIPTS);
        let mut scripts = Vec::new();
        for (name, state) in files.into_iter().take(MAX_SCRIPTS) {
            match known.get(&name) {
                Some((seen, entry)) if *seen == state => scripts.push(entry.clone()),
                _ => {
                    let entry = self.look(&name, state.bytes);
                    scripts.push(entry.clone());
                    known.insert(name, (state, entry));
                }
            }
        }
        Ok(ScriptList { scripts, left_out })
    }

    /// Names of the scripts for a video, by its path, address or name: the exact ones, then the variants such as
    /// `x (soft).funscript`. Broken ones are left out.
    ///
    /// # Errors
    /// The system's.
    pub fn for_media(&self, media: &str) -> io::Result<Vec<String>> {
        let list = self.list()?;
        let whole = list.scripts.iter().filter(|entry| entry.trouble.is_none());
        let names: Vec<&str> = whole.map(|entry| entry.name.as_str()).collect();
        Ok(media::matching(media, &names).into_iter().map(str::to_owned).collect())
    }

    /// The file that is meant by a name: of that spelling, or with accents in another form, or of another ending's case.
    fn existing(&self, given: &str) -> Result<String, LibraryError> {
        let name = name::file_name(given).map_err(LibraryError::Name)?;
        let files = self.files()?;
        if let Some(exact) = [given, &name].into_iter().find(|name| files.contains_key(*name)) {
            return Ok(exact.to_owned());
        }
        let folded = name::folded(&name);
        files.into_keys().find(|other| name::folded(other) == folded).ok_or(LibraryError::Unknown)
    }

    /// The files of the folder that are scripts by their names, sorted. Empty without a folder.
    fn files(&self) -> io::Result<BTreeMap<String, FileState>> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(error),
        };
        let mut files = BTreeMap::new();
        for entry in entries {
            let Some(name) = entry?.file_name().to_str().map(str::to_owned) else { continue };
            // One that was removed meanwhile is none.
            if name::check(&name).is_ok()
                && let Ok(about) = fs::metadata(self.dir.join(&name))
            {
                files.insert(name, FileState::of(&about));
            }
        }
        Ok(files)
    }

    /// Reads a file for the list.
    fn look(&self, name: &str, bytes: u64) -> ScriptEntry {
        match files::read_regular(&self.dir.join(name), MAX_BYTES) {
            Ok(content) => entry(name, bytes, read(&content).as_ref().map_err(ToString::to_string)),
            Err(error) => entry(name, bytes, Err(error.to_string())),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let is_new = !self.dir.exists();
        DirBuilder::new().recursive(true).mode(MODE).create(&self.dir)?;
        let unfinished = self.dir.join(UNFINISHED);
        let written = files::create_anew(&unfinished).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        let done = written.and_then(|()| {
            fs::rename(&unfinished, self.dir.join(name))?;
            File::open(&self.dir)?.sync_all()
        });
        if done.is_err() {
            // It would only take up room on a full disk.
            let _ = fs::remove_file(&unfinished);
            return done;
        }
        // The folder itself may be new, and its entry must be durable too.
        match self.dir.parent() {
            Some(parent) if is_new => File::open(parent)?.sync_all(),
            _ => Ok(()),
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, (FileState, ScriptEntry)>> {
        // No holder of the lock leaves the table half changed.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown_or_system(error: io::Error) -> LibraryError {
    if error.kind() == ErrorKind::NotFound { LibraryError::Unknown } else { LibraryError::System(error) }
}

fn entry(name: &str, bytes: u64, script: Result<&Script, String>) -> ScriptEntry {
    let whole = script.as_ref().ok();
    ScriptEntry {
        name: name.to_owned(),
        bytes,
        title: whole.and_then(|script| script.title.clone()),
        actions: whole.map(|script| script.actions.len()),
        duration_s: whole.map(|script| f64::from(script.duration_ms()) * 1e-3),
        notes: whole.map_or(Vec::new(), |script| script.notes.iter().map(ToString::to_string).collect()),
        trouble: script.err(),
    }
}
