//! The start of the store: from a folder in any condition to an open database and settings to run with.

use std::fs::{self, File, TryLockError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::disk::Disk;
use super::engine::{Engine, Tree, Trouble};
use super::memory::Memory;
use super::record::{self, Loaded};
use super::{Opened, Recovery, StoreError, quarantine};
use crate::settings::{Settings, is_id, new_id};

/// Version of the trees and their keys.
const LAYOUT_VERSION: u8 = 1;

/// A store that is ready. The fields drop in this order: the database before the lock.
pub struct Begun {
    /// The database.
    pub engine: Box<dyn Engine>,
    /// How many writes it has seen.
    pub generation: u64,
    /// What it held.
    pub opened: Opened,
    /// Holds the folder for this process.
    pub lock: Option<File>,
}

/// Begins in memory.
///
/// # Errors
/// None that memory can have.
pub fn in_memory() -> Result<Begun, StoreError> {
    let engine = Memory::default();
    ready(Box::new(engine), None, Recovery::Fresh, None)
}

/// Begins in the state folder `dir`.
///
/// # Errors
/// See [`super::Store::open`].
pub fn on_disk(dir: &Path) -> Result<Begun, StoreError> {
    fs::create_dir_all(dir).map_err(|error| StoreError::system("create the state folder", dir, &error))?;
    let lock = lock(dir)?;
    let db = dir.join("db");
    match read(&db) {
        Ok((engine, stored)) => ready(engine, stored, Recovery::Fresh, Some(lock)),
        Err(Trouble::Unreadable(reason)) => {
            let moved_to = quarantine::move_aside(&db)
                .map_err(|error| StoreError::system("move aside the unreadable database", &db, &error))?;
            let (engine, stored) = read(&db).map_err(|trouble| refused(&db, trouble))?;
            ready(engine, stored, Recovery::Quarantined { moved_to, reason }, Some(lock))
        }
        Err(trouble) => Err(refused(&db, trouble)),
    }
}

fn lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| StoreError::system("write to the state folder", dir, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(StoreError::system("lock", &path, &error)),
    }
}

fn refused(db: &Path, trouble: Trouble) -> StoreError {
    match trouble {
        Trouble::Newer { found, known } => StoreError::Newer { found, known },
        Trouble::Unreadable(why) | Trouble::System(why) => {
            StoreError::System { doing: "open the database", path: db.to_owned(), why }
        }
    }
}

/// Opens the database and reads every byte that counts: damage has to show here, while nothing moves.
fn read(db: &Path) -> Result<(Box<dyn Engine>, Option<Stored>), Trouble> {
    let attempt = || {
        let engine = Disk::open(db)?;
        let stored = content(&engine)?;
        Ok((Box::new(engine) as Box<dyn Engine>, stored))
    };
    catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|panic| Err(Trouble::Unreadable(text(&*panic))))
}

/// What a panic said.
pub fn text(panic: &(dyn std::any::Any + Send)) -> String {
    let literal = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    literal
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason given".to_owned())
}

/// A document that was found, under its id.
struct Stored {
    id: Vec<u8>,
    loaded: Loaded,
}

fn content(engine: &dyn Engine) -> Result<Option<Stored>, Trouble> {
    for (key, value) in engine.read(Tree::Meta)? {
        if key == Tree::LAYOUT_KEY {
            record::unseal(&value, LAYOUT_VERSION)?;
        }
    }
    let mut newest: Option<Stored> = None;
    for (id, value) in engine.read(Tree::Settings)? {
        let loaded = record::decode(&id, &value)?;
        if newest.as_ref().is_none_or(|newest| newest.loaded.generation <= loaded.generation) {
            newest = Some(Stored { id, loaded });
        }
    }
    Ok(newest)
}

/// Decides what to run with. Only a database without settings is written to.
fn ready(
    mut engine: Box<dyn Engine>,
    stored: Option<Stored>,
    if_empty: Recovery,
    lock: Option<File>,
) -> Result<Begun, StoreError> {
    let (generation, settings, recovery) = match stored {
        Some(Stored { id, loaded }) => match loaded.settings {
            Ok(settings) => (loaded.generation, settings, Recovery::Clean),
            Err(problems) => {
                // A page that was loaded before keeps working: its id stays.
                let id = String::from_utf8(id).ok().filter(|id| is_id(id)).unwrap_or_else(new_id);
                (loaded.generation, Settings::fresh(id), Recovery::Invalid { problems })
            }
        },
        None => {
            let settings = Settings::fresh(new_id());
            let layout = (Tree::LAYOUT_KEY.to_vec(), record::seal(LAYOUT_VERSION, &[]));
            engine.replace(Tree::Meta, &vec![layout]).map_err(StoreError::Write)?;
            write(&mut *engine, &settings, 1)?;
            (1, settings, if_empty)
        }
    };
    Ok(Begun { engine, generation, opened: Opened { settings, recovery }, lock })
}

/// Makes these settings the stored ones.
///
/// # Errors
/// [`StoreError::Write`].
pub fn write(engine: &mut dyn Engine, settings: &Settings, generation: u64) -> Result<(), StoreError> {
    let value = record::encode(settings, generation).map_err(StoreError::Write)?;
    let entry = (settings.document.id.clone().into_bytes(), value);
    engine.replace(Tree::Settings, &vec![entry]).map_err(StoreError::Write)
}
