//! The start of the store: from a folder in any condition to an open database and settings to run with.

use std::fs::{self, File, TryLockError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::content::{self, Stored};
use super::disk::Disk;
use super::engine::{Engine, Trouble};
use super::memory::Memory;
use super::{Opened, Recovery, StoreError, quarantine};

/// How long a lock may take to become free. A process that has ended, or a child that has not yet begun its
/// own program, holds it for a moment longer.
const PATIENCE: Duration = Duration::from_millis(300);

/// Opens a database again.
pub type Reopen = dyn Fn() -> Result<Box<dyn Engine>, StoreError> + Send;

/// A store that is ready. The fields drop in this order: the database before the lock.
pub struct Begun {
    /// The database.
    pub engine: Box<dyn Engine>,
    /// Opens it again, after a write has failed.
    pub reopen: Box<Reopen>,
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
    let mut engine = Box::new(Memory::default());
    let (generation, opened) = content::choose(&mut *engine, None, Recovery::Fresh)?;
    let reopen = Box::new(|| Ok(Box::new(Memory::default()) as Box<dyn Engine>));
    Ok(Begun { engine, reopen, generation, opened, lock: None })
}

/// Begins in the state folder `dir`.
///
/// # Errors
/// See [`super::Store::open`].
pub fn on_disk(dir: &Path) -> Result<Begun, StoreError> {
    fs::create_dir_all(dir).map_err(|error| StoreError::system("create the state folder", dir, &error))?;
    let lock = lock(dir)?;
    let db = dir.join("db");
    let (engine, stored, if_empty) = match read(&db) {
        Ok((engine, stored)) => (engine, stored, Recovery::Fresh),
        Err(Trouble::Unreadable(reason)) => {
            let moved_to = quarantine::move_aside(&db)
                .map_err(|error| StoreError::system("move aside the unreadable database", &db, &error))?;
            let (engine, stored) = read(&db).map_err(|trouble| refused(dir, trouble))?;
            (engine, stored, Recovery::Quarantined { moved_to, reason })
        }
        Err(trouble) => return Err(refused(dir, trouble)),
    };
    let mut engine: Box<dyn Engine> = Box::new(engine);
    let (generation, opened) = content::choose(&mut *engine, stored, if_empty)?;
    let dir = dir.to_owned();
    let reopen = Box::new(move || match read(&db) {
        Ok((engine, _)) => Ok(Box::new(engine) as Box<dyn Engine>),
        Err(trouble) => Err(refused(&dir, trouble)),
    });
    Ok(Begun { engine, reopen, generation, opened, lock: Some(lock) })
}

fn lock(dir: &Path) -> Result<File, StoreError> {
    let file = File::options().create(true).truncate(false).write(true).open(dir.join("lock"));
    let file = file.map_err(|error| StoreError::system("write to the state folder", dir, &error))?;
    let hold = || match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(Trouble::Busy),
        Err(TryLockError::Error(error)) => Err(Trouble::System(error.to_string())),
    };
    patiently(hold).map_err(|trouble| refused(dir, trouble))?;
    Ok(file)
}

/// Opens and reads the database: damage has to show here, while nothing moves.
fn read(db: &Path) -> Result<(Disk, Option<Stored>), Trouble> {
    let attempt = || {
        let engine = Disk::open(db)?;
        let stored = content::read(&engine)?;
        Ok((engine, stored))
    };
    patiently(|| {
        catch_unwind(AssertUnwindSafe(attempt))
            .unwrap_or_else(|panic| Err(Trouble::Unreadable(text(&*panic))))
    })
}

fn patiently<T>(attempt: impl Fn() -> Result<T, Trouble>) -> Result<T, Trouble> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Err(Trouble::Busy) if Instant::now() < deadline => thread::sleep(PATIENCE / 20),
            done => return done,
        }
    }
}

fn refused(dir: &Path, trouble: Trouble) -> StoreError {
    match trouble {
        Trouble::Busy => StoreError::InUse(dir.to_owned()),
        Trouble::Newer { found, known } => StoreError::Newer { found, known },
        Trouble::Unreadable(why) | Trouble::System(why) => {
            StoreError::System { doing: "use the state folder", path: dir.to_owned(), why }
        }
    }
}

/// What a panic said.
pub fn text(panic: &(dyn std::any::Any + Send)) -> String {
    let literal = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    literal
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason given".to_owned())
}
