//! Opening of the store: crash recovery from a folder in any condition to a state to run with.
//!
//! In this order: lock the folder; read the copy; open and read the database, and move it aside when it is unreadable;
//! choose the state to run with; write the resulting changes in one batch. When the system refuses any of it, the
//! machine runs with what could be read, and every save reports why it cannot be kept.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use super::content::{self, StoredContent};
use super::disk::{self, DiskEngine};
use super::engine::{Batch, DatabaseError, DatabaseFiles, Engine, Entries, StoredValues, Tree, WriteError};
use super::error::panic_message;
use super::json_snapshot::{self, JsonSnapshot};
use super::memory::MemoryEngine;
use super::recovery::{DamageReport, InForce, Recovery};
use super::reserve::ReservedSpace;
use super::state::StoredState;
use super::{InitialState, StoreError, migrate, quarantine, scratch};
use crate::settings::{Settings, is_id, new_id};

/// Timeout for a lock to become free. A process that has ended, or a child before its exec, holds it for a moment
/// longer.
const BUSY_TIMEOUT: Duration = Duration::from_millis(300);

/// Reopens the database, and reads its values.
pub type Reopen = dyn FnMut() -> Result<(Box<dyn Engine>, StoredValues), WriteError> + Send;

/// An opened store. The fields drop in this order: the database before the lock.
pub struct OpenedStore {
    /// Database.
    pub engine: Box<dyn Engine>,
    /// Its values.
    pub content: StoredValues,
    /// Reopens it after a failed write.
    pub reopen: Box<Reopen>,
    /// Number of writes so far.
    pub generation: u64,
    /// Number of the write that its copy is up to date with; `None` if there is to be no copy.
    pub snapshot_generation: Option<u64>,
    /// State to run with.
    pub opened: InitialState,
    /// Lock on the folder.
    pub lock: Option<File>,
}

/// Opens a store in memory.
///
/// # Errors
/// The encoder's; it has none for these values.
pub fn in_memory() -> Result<OpenedStore, StoreError> {
    let reopen = Box::new(|| Ok((Box::new(MemoryEngine::default()) as Box<dyn Engine>, StoredValues::new())));
    let opened =
        InitialState { state: StoredState::of(Settings::fresh(new_id())), recovery: Recovery::Fresh };
    let mut engine = Box::new(MemoryEngine::default());
    let content = content::write(&mut *engine, &StoredValues::new(), &opened.state, 1)
        .map_err(|failed| StoreError::Write(failed.why))?;
    Ok(OpenedStore { engine, content, reopen, generation: 1, snapshot_generation: None, opened, lock: None })
}

/// Opens the store in the state folder `dir`.
///
/// # Errors
/// See [`super::Store::open`].
pub fn on_disk(dir: &Path) -> Result<OpenedStore, StoreError> {
    let unusable = |doing: &str, error: &std::io::Error| format!("cannot {doing} {}: {error}", dir.display());
    if let Err(error) = fs::create_dir_all(dir) {
        return Ok(unavailable(dir, None, unusable("create the state folder", &error), None));
    }
    let lock = match lock(dir) {
        Ok(lock) => lock,
        Err(DatabaseError::Busy) => return Err(StoreError::InUse(dir.to_owned())),
        Err(error) => return Ok(unavailable(dir, None, describe(error), None)),
    };
    let with_snapshot = |copy: Option<JsonSnapshot>| match copy {
        None if write_missing_snapshot(dir) => json_snapshot::read(dir),
        copy => Ok(copy),
    };
    let copy = match json_snapshot::read(dir).and_then(with_snapshot) {
        Ok(copy) => Ok(copy),
        Err(DatabaseError::Newer { found, known }) => return Err(StoreError::Newer { found, known }),
        Err(error) => Err(describe(error)),
    };
    let reserved = ReservedSpace::of(dir);
    let mut tried = open_database(dir, &lock, &copy);
    let full = |stuck: &OpenError| matches!(stuck.error, DatabaseError::System { full: true, .. });
    if tried.as_ref().is_err_and(full) && reserved.release() {
        tracing::warn!("the disk is full: the room that was held there is given up");
        tried = open_database(dir, &lock, &copy);
    }
    let begun = match tried {
        Ok(begun) => begun,
        Err(OpenError { error: DatabaseError::Busy, .. }) => return Err(StoreError::InUse(dir.to_owned())),
        Err(OpenError { error: DatabaseError::Newer { found, known }, .. }) => {
            return Err(StoreError::Newer { found, known });
        }
        Err(OpenError { error, known }) => return Ok(unavailable(dir, Some(lock), describe(error), known)),
    };
    Ok(OpenedStore { lock: Some(lock), ..begun })
}

/// Writes the copy of a database that has none, from a temporary copy of the database, before sled opens it: sled can
/// leave an unreadable database when the process is killed while it opens one (seen in the test of the migration).
/// Returns true if there is a copy now; the start goes on without one.
fn write_missing_snapshot(dir: &Path) -> bool {
    let db = dir.join("db");
    if !db.join("db").exists() {
        return false;
    }
    let Ok((last, StoredContent { stored: Some(stored), .. })) = scratch::read(&db) else { return false };
    match stored.settings {
        // A database that has lost its newest writes is not copied.
        Ok(settings) if stored.generation >= last => {
            json_snapshot::write(dir, &StoredState { settings, ..stored.rest }, stored.generation).is_ok()
        }
        _ => false,
    }
}

/// The error of the start, and the state of the database if at least that could be read.
struct OpenError {
    error: DatabaseError,
    known: Option<Box<StoredState>>,
}

impl From<DatabaseError> for OpenError {
    fn from(error: DatabaseError) -> OpenError {
        OpenError { error, known: None }
    }
}

/// The state to run with, the report of it, and the values of the database.
struct StartDecision {
    opened: InitialState,
    generation: u64,
    read: StoredContent,
}

fn open_database(
    dir: &Path,
    lock: &File,
    copy: &Result<Option<JsonSnapshot>, String>,
) -> Result<OpenedStore, OpenError> {
    let db = dir.join("db");
    let (mut engine, decision) = match read(&db) {
        Ok((engine, read)) => {
            let last = engine.generation();
            (engine, choose_state(read, last, copy))
        }
        Err(DatabaseError::Unreadable(reason)) => {
            let moved_to = quarantine::move_aside(&db).map_err(|error| {
                let full = matches!(error.kind(), std::io::ErrorKind::StorageFull);
                let why = format!("the database is unreadable ({reason}) and cannot be moved aside: {error}");
                DatabaseError::System { why, full }
            })?;
            let (engine, read) = read(&db)?;
            let origin = DamageReport { reason, moved_to: Some(moved_to) };
            (engine, recover(read, origin, copy))
        }
        Err(error) => return Err(error.into()),
    };
    let StartDecision { mut opened, mut generation, read: StoredContent { mut content, .. } } = decision;
    opened.state.end_interrupted();
    let changes = content::encode(&opened.state).map_err(DatabaseError::Unreadable)?;
    // Settings that are not allowed stay in the database until the next save, and old content does not become a new
    // copy.
    let keeps = matches!(opened.recovery, Recovery::Invalid { .. } | Recovery::RolledBack { .. });
    if !keeps && !content::difference(&content, &changes).is_empty() {
        generation += 1;
        content = write_guarded(&mut engine, &content, &opened.state, generation).map_err(|failed| {
            let error = DatabaseError::System { why: failed.why, full: failed.full };
            OpenError { error, known: Some(Box::new(opened.state.clone())) }
        })?;
    }
    let copied = copy.as_ref().ok().and_then(|copy| copy.as_ref()).map_or(0, |copy| copy.generation);
    let snapshot_generation = if keeps { generation } else { copied };
    let mut lock = lock.try_clone().map_err(|error| system_error("hold the lock of", dir, &error))?;
    let dir = dir.to_owned();
    let reopen = Box::new(move || {
        let opened = relock(&dir, &mut lock).and_then(|()| match self::read(&db) {
            // The state is in memory, and is written to a new database.
            Err(DatabaseError::Unreadable(why)) => {
                tracing::warn!("the database cannot be read any more ({why}): it is moved aside");
                quarantine::move_aside(&db).map_err(|error| system_error("move aside", &db, &error))?;
                self::read(&db)
            }
            opened => opened,
        });
        match opened {
            Ok((engine, read)) => Ok((Box::new(engine) as Box<dyn Engine>, read.content)),
            Err(DatabaseError::System { why, full }) => Err(WriteError { why, full }),
            Err(error) => Err(WriteError { why: describe(error), full: false }),
        }
    });
    let snapshot_generation = Some(snapshot_generation);
    Ok(OpenedStore {
        engine: Box::new(engine),
        content,
        reopen,
        generation,
        snapshot_generation,
        opened,
        lock: None,
    })
}

/// Chooses the state when the database could be read; `last` is the number in the generation file.
fn choose_state(
    read: StoredContent,
    last: u64,
    copy: &Result<Option<JsonSnapshot>, String>,
) -> StartDecision {
    let Some(stored) = &read.stored else {
        return match copy {
            Ok(None) => {
                let opened = InitialState {
                    state: StoredState::of(Settings::fresh(new_id())),
                    recovery: Recovery::Fresh,
                };
                StartDecision { opened, generation: 0, read }
            }
            _ => {
                let origin = DamageReport { reason: "the database is empty".to_owned(), moved_to: None };
                recover(read, origin, copy)
            }
        };
    };
    let copied = copy.as_ref().ok().and_then(|copy| copy.as_ref()).map_or(0, |copy| copy.generation);
    let newest = last.max(copied);
    if copied > stored.generation {
        let reason = format!("the database has lost its last {} writes", newest - stored.generation);
        return recover(read, DamageReport { reason, moved_to: None }, copy);
    }
    let lost = newest.saturating_sub(stored.generation);
    let generation = newest.max(stored.generation);
    let mut state = stored.rest.clone();
    let recovery = match (&stored.settings, read.version) {
        (Ok(settings), version) => {
            state.settings = settings.clone();
            match version {
                _ if lost > 0 => Recovery::RolledBack { lost },
                Some(from) if from < migrate::LAYOUT_VERSION => Recovery::Migrated { from },
                _ => Recovery::Clean,
            }
        }
        (Err(problems), _) => {
            // The id stays, so that a page that was loaded before keeps working.
            let id = if is_id(&stored.id) { stored.id.clone() } else { new_id() };
            state.settings = Settings::fresh(id);
            Recovery::Invalid { problems: problems.clone() }
        }
    };
    StartDecision { opened: InitialState { state, recovery }, generation, read }
}

/// Chooses the state when the database has lost it: the copy, or the defaults.
fn recover(
    read: StoredContent,
    origin: DamageReport,
    copy: &Result<Option<JsonSnapshot>, String>,
) -> StartDecision {
    let stored = read.stored.as_ref().map_or(0, |stored| stored.generation);
    match copy {
        Ok(Some(copy)) => {
            let recovery = Recovery::Restored { origin, written_unix_s: copy.written_unix_s };
            let opened = InitialState { state: copy.state.clone(), recovery };
            StartDecision { opened, generation: copy.generation.max(stored), read }
        }
        Ok(None) | Err(_) => {
            let no_copy = copy.as_ref().err().cloned();
            let recovery = Recovery::Defaults { origin, no_copy };
            let opened = InitialState { state: StoredState::of(Settings::fresh(new_id())), recovery };
            StartDecision { opened, generation: stored, read }
        }
    }
}

/// A store without a database: with the state of the copy, or of the database if that could at least be read, or the
/// defaults. Nothing can be saved.
fn unavailable(
    dir: &Path,
    lock: Option<File>,
    reason: String,
    known: Option<Box<StoredState>>,
) -> OpenedStore {
    let (state, in_force) = match known {
        Some(known) => (*known, InForce::Stored),
        None => read_newest(dir),
    };
    let recovery = Recovery::Unavailable { reason: reason.clone(), in_force };
    let says = reason.clone();
    let reopen = Box::new(move || Err(WriteError { why: says.clone(), full: false }));
    OpenedStore {
        engine: Box::new(UnusableEngine(reason)),
        content: StoredValues::new(),
        reopen,
        generation: 0,
        snapshot_generation: None,
        opened: InitialState { state, recovery },
        lock,
    }
}

/// Reads a folder that cannot be used: the newer of the database and its copy.
fn read_newest(dir: &Path) -> (StoredState, InForce) {
    let db = dir.join("db");
    let found = if db.exists() { scratch::read(&db).map(|(_, read)| read.stored) } else { Ok(None) };
    let copy = json_snapshot::read(dir);
    let lost = found.is_err() || copy.is_err();
    let copy = copy.ok().flatten();
    if let Ok(Some(stored)) = found
        && copy.as_ref().is_none_or(|copy| copy.generation <= stored.generation)
        && let Ok(settings) = stored.settings
    {
        return (StoredState { settings, ..stored.rest }, InForce::Stored);
    }
    match copy {
        Some(copy) => (copy.state, InForce::Copy { written_unix_s: copy.written_unix_s }),
        None => (StoredState::of(Settings::fresh(new_id())), InForce::Defaults { lost }),
    }
}

/// A database that cannot be used, with the reason.
struct UnusableEngine(String);

impl Engine for UnusableEngine {
    fn read(&self, _: Tree) -> Result<Entries, DatabaseError> {
        Err(DatabaseError::System { why: self.0.clone(), full: false })
    }

    fn commit(&mut self, _: &Batch, _: u64) -> Result<(), WriteError> {
        Err(WriteError { why: self.0.clone(), full: false })
    }

    fn generation(&self) -> u64 {
        0
    }
}

fn write_guarded(
    engine: &mut DiskEngine,
    old: &StoredValues,
    state: &StoredState,
    generation: u64,
) -> Result<StoredValues, WriteError> {
    catch_unwind(AssertUnwindSafe(|| content::write(engine, old, state, generation)))
        .unwrap_or_else(|panic| Err(WriteError { why: panic_message(&*panic), full: false }))
}

fn system_error(doing: &str, path: &Path, error: &std::io::Error) -> DatabaseError {
    let full = error.kind() == std::io::ErrorKind::StorageFull;
    DatabaseError::System { why: format!("cannot {doing} {}: {error}", path.display()), full }
}

/// Creates and locks the folder again, if it was deleted.
fn relock(dir: &Path, held: &mut File) -> Result<(), DatabaseError> {
    if disk::compare_file(held, &dir.join("lock")) != DatabaseFiles::Unchanged {
        fs::create_dir_all(dir).map_err(|error| system_error("create", dir, &error))?;
        *held = lock(dir)?;
    }
    Ok(())
}

fn lock(dir: &Path) -> Result<File, DatabaseError> {
    let refused = |error: std::io::Error| system_error("write to the state folder", dir, &error);
    // Does not block if there is a named pipe.
    let mut options = File::options();
    options.create(true).truncate(false).write(true).custom_flags(OFlags::NONBLOCK.bits() as i32);
    let file = options.open(dir.join("lock"));
    let file = file.map_err(refused)?;
    if !file.metadata().map_err(refused)?.is_file() {
        return Err(refused(std::io::Error::other("its lock is no regular file")));
    }
    retry_while_busy(|| match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(DatabaseError::Busy),
        Err(TryLockError::Error(error)) => Err(refused(error)),
    })?;
    Ok(file)
}

/// Opens and reads the database. All of it is read, so that damage shows now, while nothing moves.
fn read(db: &Path) -> Result<(DiskEngine, StoredContent), DatabaseError> {
    let attempt = || {
        let engine = DiskEngine::open(db)?;
        let read = content::read(&engine)?;
        Ok((engine, read))
    };
    retry_while_busy(|| {
        catch_unwind(AssertUnwindSafe(attempt))
            .unwrap_or_else(|panic| Err(DatabaseError::Unreadable(panic_message(&*panic))))
    })
}

fn retry_while_busy<T>(attempt: impl Fn() -> Result<T, DatabaseError>) -> Result<T, DatabaseError> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match attempt() {
            Err(DatabaseError::Busy) if Instant::now() < deadline => thread::sleep(BUSY_TIMEOUT / 20),
            done => return done,
        }
    }
}

fn describe(error: DatabaseError) -> String {
    match error {
        DatabaseError::Unreadable(why) | DatabaseError::System { why, .. } => why,
        DatabaseError::Newer { found, known } => format!("it has version {found}, and {known} is known"),
        DatabaseError::Busy => "it is in use".to_owned(),
    }
}
