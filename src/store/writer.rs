//! Writer thread of the store: the single writer of the database, with group commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::content;
use super::engine::{DatabaseFiles, Engine, StoredValues, Tree, WriteError};
use super::error::panic_message;
use super::open::{OpenedStore, Reopen};
use super::reserve::ReservedSpace;
use super::state::{StateChange, StoredState};
use super::{InitialState, StoreError, json_snapshot};

/// Queue length of the thread; further callers wait for a place.
const WAITING: usize = 64;
/// Delay from a user's change to its copy: changes within it share one copy.
const SNAPSHOT_DELAY: Duration = Duration::from_secs(1);

struct Request {
    change: StateChange,
    done: oneshot::Sender<Result<(), StoreError>>,
}

/// State that all threads may read.
#[derive(Debug, Clone)]
pub struct StateView {
    /// The present state.
    pub state: Arc<StoredState>,
    /// Number of writes so far.
    pub generation: u64,
}

type SharedView = Arc<RwLock<StateView>>;

/// Handle of the writer thread. Dropping it waits until all requests are done.
#[derive(Debug)]
pub struct WriterThread {
    /// `None` only while it drops.
    requests: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
    shared: SharedView,
}

impl WriterThread {
    /// Starts the thread, which calls `open`: a database is opened where it is used, so that its panics never reach the
    /// caller. A copy and reserved space are kept in the folder `dir`, if there is one.
    ///
    /// # Errors
    /// Those of `open`, or that the thread cannot be started.
    pub fn start(
        dir: Option<PathBuf>,
        open: impl FnOnce() -> Result<OpenedStore, StoreError> + Send + 'static,
    ) -> Result<(WriterThread, InitialState), StoreError> {
        let (sender, requests) = mpsc::channel(WAITING);
        let (started, start) = std::sync::mpsc::sync_channel(1);
        let run = move || {
            let OpenedStore { engine, content, reopen, generation, snapshot_generation, opened, lock } =
                match open() {
                    Ok(begun) => begun,
                    Err(error) => return drop(started.send(Err(error))),
                };
            let state = Arc::new(opened.state.clone());
            let shared = Arc::new(RwLock::new(StateView { state: Arc::clone(&state), generation }));
            let snapshot = dir.zip(snapshot_generation).map(|(dir, snapshot_generation)| SnapshotTask {
                reserved: ReservedSpace::of(&dir),
                dir,
                snapshot_generation,
                due: Some(Instant::now() + SNAPSHOT_DELAY),
            });
            if started.send(Ok((Arc::clone(&shared), opened))).is_ok() {
                Writer { engine: Some(engine), content, reopen, generation, state, shared, snapshot }
                    .serve(requests);
            }
            drop(lock);
        };
        let thread = thread::Builder::new()
            .name("store".to_owned())
            .spawn(run)
            .map_err(|error| StoreError::Write(error.to_string()))?;
        let (shared, opened) = match start.recv() {
            Ok(begun) => begun?,
            Err(_) => return Err(StoreError::Ended),
        };
        let owner = WriterThread { requests: Some(sender), thread: Some(thread), shared };
        Ok((owner, opened))
    }

    /// See [`super::Store::save`].
    pub async fn save(&self, change: StateChange) -> Result<(), StoreError> {
        let (done, finished) = oneshot::channel();
        let requests = self.requests.as_ref().ok_or(StoreError::Ended)?;
        requests.send(Request { change, done }).await.map_err(|_| StoreError::Ended)?;
        finished.await.map_err(|_| StoreError::Ended)?
    }

    /// The state that was saved last.
    pub fn view(&self) -> StateView {
        self.shared.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // Its panics have been reported to the callers.
            let _ = thread.join();
        }
    }
}

/// Schedule of the copy beside the database.
struct SnapshotTask {
    dir: PathBuf,
    reserved: ReservedSpace,
    /// Number of the write that it is up to date with.
    snapshot_generation: u64,
    /// Instant of the next copy.
    due: Option<Instant>,
}

/// State of the writer thread.
struct Writer {
    /// `None` after a failed write.
    engine: Option<Box<dyn Engine>>,
    content: StoredValues,
    reopen: Box<Reopen>,
    generation: u64,
    state: Arc<StoredState>,
    shared: SharedView,
    snapshot: Option<SnapshotTask>,
}

impl Writer {
    fn serve(mut self, mut requests: mpsc::Receiver<Request>) {
        // Only for the timer of the copy; everything runs in this thread.
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
            tracing::error!("the thread of the store cannot be set up: nothing can be saved");
            return;
        };
        loop {
            let due = self.snapshot.as_ref().and_then(|snapshot| snapshot.due);
            let next = runtime.block_on(async {
                match due {
                    Some(due) => tokio::time::timeout_at(due.into(), requests.recv()).await.ok(),
                    None => Some(requests.recv().await),
                }
            });
            match next {
                Some(Some(first)) => self.commit_group(first, &mut requests),
                Some(None) => break,
                None => {
                    self.write_snapshot();
                    self.reserve_space();
                }
            }
        }
        self.write_snapshot();
    }

    /// Group commit: writes this change and all that have arrived, in one batch.
    fn commit_group(&mut self, first: Request, requests: &mut mpsc::Receiver<Request>) {
        let mut next = (*self.state).clone();
        let mut waiting = Vec::new();
        let mut request = Some(first);
        while let Some(Request { change, done }) = request {
            match next.apply(change) {
                Ok(()) => waiting.push(done),
                // A caller may have stopped waiting; here and below.
                Err(why) => drop(done.send(Err(StoreError::NoRoom(why)))),
            }
            request = requests.try_recv().ok();
        }
        if waiting.is_empty() {
            return;
        }
        let saved = self.save(&next);
        if saved.is_ok() {
            self.state = Arc::new(next);
            let kept = StateView { state: Arc::clone(&self.state), generation: self.generation };
            *self.shared.write().unwrap_or_else(PoisonError::into_inner) = kept;
        }
        for done in waiting {
            let _ = done.send(saved.clone());
        }
    }

    fn save(&mut self, next: &StoredState) -> Result<(), StoreError> {
        let saved = match self.write(next) {
            Err(WriteError { full: true, .. }) if self.release_reserved_space() => self.write(next),
            other => other,
        };
        saved.map_err(|failed| StoreError::Write(failed.why))
    }

    /// Releases the reserved disk space; returns true if there was some.
    fn release_reserved_space(&self) -> bool {
        let dropped = self.snapshot.as_ref().is_some_and(|snapshot| snapshot.reserved.release());
        if dropped {
            tracing::warn!("the disk is full: the room that was held there is given up; make some");
        }
        dropped
    }

    /// Checks that the database's files are still in place. Deleted files are created again by the next write, with the
    /// whole state. Files that have replaced them belong to another process, and stay as they are.
    fn check_files(&mut self) -> Result<(), WriteError> {
        match self.engine.as_ref().map_or(DatabaseFiles::Unchanged, |engine| engine.file_state()) {
            DatabaseFiles::Unchanged => Ok(()),
            DatabaseFiles::Deleted => {
                tracing::warn!(
                    "the database was deleted while it was open: everything that is remembered is written anew"
                );
                self.close();
                Ok(())
            }
            DatabaseFiles::Replaced => {
                let why = "other files have taken the place of the database: the next start uses those, and this \
                           process can keep nothing";
                Err(WriteError { why: why.to_owned(), full: false })
            }
        }
    }

    /// Closes the database. A panic of sled is ignored, as the failed write was reported already.
    fn close(&mut self) {
        let engine = self.engine.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(engine)));
    }

    fn write(&mut self, next: &StoredState) -> Result<(), WriteError> {
        self.check_files()?;
        let attempt = || {
            if self.engine.is_none() {
                let (engine, content) = (self.reopen)()?;
                (self.engine, self.content) = (Some(engine), content);
            }
            let Some(engine) = &mut self.engine else { return Ok(()) };
            let new = content::encode(next).map_err(|why| WriteError { why, full: false })?;
            let batch = content::difference(&self.content, &new);
            if batch.is_empty() {
                return Ok(());
            }
            let made_by_the_user = batch.iter().any(|(tree, ..)| {
                matches!(tree, Tree::Settings | Tree::Calibration | Tree::Waves | Tree::Devices)
            });
            self.generation += 1;
            let batch = content::with_generation(batch, self.generation)
                .map_err(|why| WriteError { why, full: false })?;
            engine.commit(&batch, self.generation)?;
            self.content = new;
            if let (true, Some(snapshot)) = (made_by_the_user, &mut self.snapshot) {
                snapshot.due.get_or_insert_with(|| Instant::now() + SNAPSHOT_DELAY);
            }
            Ok(())
        };
        let written = catch_unwind(AssertUnwindSafe(attempt))
            .unwrap_or_else(|panic| Err(WriteError { why: panic_message(&*panic), full: false }));
        if written.is_err() {
            // After one failed write, as on a full disk, sled refuses all others until it is reopened.
            self.close();
        }
        written
    }

    /// Brings the copy up to date.
    fn write_snapshot(&mut self) {
        let Some(snapshot) = &mut self.snapshot else { return };
        snapshot.due = None;
        // A copy beside replaced files would be taken for a copy of those.
        let taken = self.engine.as_ref().is_some_and(|engine| engine.file_state() == DatabaseFiles::Replaced);
        if snapshot.snapshot_generation == self.generation || taken {
            return;
        }
        match json_snapshot::write(&snapshot.dir, &self.state, self.generation) {
            Ok(()) => snapshot.snapshot_generation = self.generation,
            Err(error) => {
                tracing::warn!(%error, "the copy of the store cannot be written; the store itself is good")
            }
        }
    }

    /// Reserves disk space (again), if there is enough room.
    fn reserve_space(&self) {
        if let Some(snapshot) = &self.snapshot {
            snapshot.reserved.reserve();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::super::engine::{Batch, DatabaseError, Entries};
    use super::super::memory::MemoryEngine;
    use super::super::open;
    use super::super::recovery::Recovery;
    use super::super::state::SavedWave;
    use super::*;
    use crate::settings::{Settings, new_id};

    /// Fails or panics at the first write.
    struct Failing(&'static str);

    impl Engine for Failing {
        fn read(&self, _: Tree) -> Result<Entries, DatabaseError> {
            Ok(Vec::new())
        }

        fn commit(&mut self, _: &Batch, _: u64) -> Result<(), WriteError> {
            assert_eq!(self.0, "error", "a panic of the database");
            Err(WriteError { why: "no space left".to_owned(), full: false })
        }

        fn generation(&self) -> u64 {
            0
        }
    }

    fn start(how: &'static str, reopened: &'static AtomicU32) -> WriterThread {
        let open = move || {
            let state = StoredState::of(Settings::fresh(new_id()));
            let reopen = || {
                reopened.fetch_add(1, Ordering::Relaxed);
                Ok((Box::new(MemoryEngine::default()) as Box<dyn Engine>, StoredValues::new()))
            };
            Ok(OpenedStore {
                engine: Box::new(Failing(how)),
                content: StoredValues::new(),
                reopen: Box::new(reopen),
                generation: 1,
                snapshot_generation: None,
                opened: InitialState { state, recovery: Recovery::Clean },
                lock: None,
            })
        };
        WriterThread::start(None, open).unwrap().0
    }

    #[tokio::test]
    async fn a_failed_write_is_told_and_the_next_one_tries_again() {
        static REOPENED: AtomicU32 = AtomicU32::new(0);
        for how in ["error", "panic"] {
            let owner = start(how, &REOPENED);
            let before = owner.view().state;
            let settings = Settings::fresh(new_id());
            let failed = owner.save(settings.clone().into()).await.unwrap_err();
            let words = if how == "error" { "no space left" } else { "a panic of the database" };
            assert!(failed.to_string().contains(words), "{failed}");
            assert_eq!(owner.view().state, before);
            owner.save(settings.clone().into()).await.unwrap();
            assert_eq!(owner.view().state.settings, settings);
            owner.save(settings.into()).await.unwrap();
        }
        assert_eq!(REOPENED.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn what_changes_nothing_is_not_written() {
        let (owner, opened) = WriterThread::start(None, open::in_memory).unwrap();
        for _ in 0..3 {
            owner.save(opened.state.settings.clone().into()).await.unwrap();
        }
        assert_eq!(owner.view().generation, 1);
    }

    #[tokio::test]
    async fn what_has_no_room_does_not_spoil_what_has() {
        let (owner, _) = WriterThread::start(None, open::in_memory).unwrap();
        let wave = SavedWave::new(&serde_json::json!({})).unwrap();
        let (bad, good) = tokio::join!(
            owner.save(StateChange::SaveWave(String::new(), wave.clone())),
            owner.save(StateChange::SaveWave("a name".to_owned(), wave)),
        );
        assert!(matches!(bad, Err(StoreError::NoRoom(_))) && good.is_ok());
        assert_eq!(owner.view().state.waves.len(), 1);
    }

    #[test]
    fn a_start_that_fails_or_panics_is_an_error() {
        assert_eq!(
            WriterThread::start(None, || Err(StoreError::Write("no".to_owned()))).unwrap_err().to_string(),
            "it cannot be written down: no"
        );
        assert_eq!(WriterThread::start(None, || panic!("on purpose")).unwrap_err(), StoreError::Ended);
    }
}
