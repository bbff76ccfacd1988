//! The stored state of each of the two systems.
//!
//! A system that takes over works on the state of the one before it, and a copy of that is kept under the letter of the
//! slot that left it. When a system starts again on a state that a newer one has migrated, or that a failed one may have
//! damaged, it gets back the state that it left itself; the other one is kept aside. A mark in the state folder names the
//! slot that used it last, so each step can be done once more after a power cut.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{SystemSlot, record};
use crate::files;

/// Name of the mark.
const MARK: &str = "used-by.json";
/// Longest mark.
const MARK_BYTES: usize = 1_024;

/// The system that used a state last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateUser {
    /// Its slot.
    pub slot: SystemSlot,
    /// Version of the form in which it stores.
    pub store_layout: u8,
}

/// The folders.
#[derive(Debug, Clone)]
pub struct KeptState {
    /// The state folder of the server.
    pub state: PathBuf,
    /// Holds the kept copies.
    pub kept: PathBuf,
}

/// What was done at a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateChoice {
    /// This system used it last.
    Own,
    /// The state of the other system, of which a copy is kept.
    TakenOver,
    /// The state that this system left, in place of that of the other one, which is kept aside ([`KeptState::left_by`]).
    GivenBack,
    /// As nothing that this system left is there, it goes on with the state of the other one.
    NothingKept,
}

impl KeptState {
    /// Folder of the copy that a slot left.
    pub fn left_by(&self, slot: SystemSlot) -> PathBuf {
        self.kept.join(format!("state-{}", slot.letter()))
    }

    /// Chooses the state of this start. `other_failed`: the other system was tried and given up.
    ///
    /// # Errors
    /// The system's. Then the state is as it was, or its copy is.
    pub fn choose(&self, user: StateUser, other_failed: bool) -> io::Result<StateChoice> {
        let last = self.used_by(&self.state)?;
        match last {
            Some(last) if last.slot == user.slot => {
                if last != user {
                    self.mark(&self.state, user)?;
                }
                return Ok(StateChoice::Own);
            }
            // A card that never had another system, or a state folder that was made anew.
            None if self.state.exists() => {
                self.mark(&self.state, user)?;
                return Ok(StateChoice::Own);
            }
            _ => {}
        }
        let own = self.left_by(user.slot);
        let is_readable = last.is_some_and(|last| last.store_layout <= user.store_layout) && !other_failed;
        if let Some(last) = last.filter(|_| is_readable) {
            copy_whole(&self.state, &self.left_by(last.slot), |_| Ok(()))?;
            self.mark(&self.state, user)?;
            return Ok(StateChoice::TakenOver);
        }
        if !own.exists() {
            return Ok(StateChoice::NothingKept);
        }
        // Aside, then back. In between there is no state folder, and the next start goes on from here.
        if let Some(last) = last {
            let aside = self.left_by(last.slot);
            remove(&aside)?;
            fs::rename(&self.state, &aside)?;
            sync_folder(&self.kept)?;
        }
        copy_whole(&own, &self.state, |copy| self.mark(copy, user))?;
        Ok(StateChoice::GivenBack)
    }

    /// Chooses the state of a try: each one begins with what the other system left.
    ///
    /// # Errors
    /// The system's.
    pub fn choose_for_try(&self, user: StateUser) -> io::Result<StateChoice> {
        let left = self.left_by(user.slot.other());
        let is_again = self.used_by(&self.state)?.is_some_and(|last| last.slot == user.slot);
        let is_readable = self.used_by(&left)?.is_some_and(|last| last.store_layout <= user.store_layout);
        if is_again && is_readable {
            copy_whole(&left, &self.state, |copy| self.mark(copy, user))?;
            return Ok(StateChoice::TakenOver);
        }
        self.choose(user, false)
    }

    /// Notes who uses the state, if that is not noted yet.
    ///
    /// # Errors
    /// The system's.
    pub fn note_user(&self, user: StateUser) -> io::Result<()> {
        if self.state.exists() && self.used_by(&self.state)?.is_none() {
            self.mark(&self.state, user)
        } else {
            Ok(())
        }
    }

    fn used_by(&self, folder: &Path) -> io::Result<Option<StateUser>> {
        match files::read_regular(&folder.join(MARK), MARK_BYTES) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn mark(&self, folder: &Path, user: StateUser) -> io::Result<()> {
        record::replace(&folder.join(MARK), &serde_json::to_vec(&user)?)
    }
}

/// Makes `to` a durable copy of the folder `from`, in one step; `finish` may add to it before that.
fn copy_whole(from: &Path, to: &Path, finish: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let parent = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    let new = record::unfinished(to);
    remove(&new)?;
    copy_folder(from, &new)?;
    finish(&new)?;
    remove(to)?;
    fs::rename(&new, to)?;
    sync_folder(parent)
}

/// Copies plain files and folders with their owner and mode; nothing else is stored in a state folder.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    keep_owner(from, to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, here, there) = (entry.file_type()?, entry.path(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy_folder(&here, &there)?;
        } else if kind.is_file() {
            fs::copy(&here, &there)?;
            keep_owner(&here, &there)?;
            File::open(&there)?.sync_all()?;
        }
    }
    sync_folder(to)
}

fn keep_owner(from: &Path, to: &Path) -> io::Result<()> {
    let about = fs::metadata(from)?;
    fs::set_permissions(to, about.permissions())?;
    chown(to, Some(about.uid()), Some(about.gid()))
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
