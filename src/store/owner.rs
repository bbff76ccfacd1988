//! The thread that owns the database, and the way to it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, oneshot};

use super::begin::{self, Begun, Reopen};
use super::content;
use super::engine::Engine;
use super::{Opened, StoreError};
use crate::settings::Settings;

/// Saves that may wait for the thread; further callers wait for a place.
const WAITING: usize = 64;

struct Request {
    settings: Settings,
    done: oneshot::Sender<Result<(), StoreError>>,
}

/// The running thread. Dropping it waits until everything that was asked for is done.
#[derive(Debug)]
pub struct Owner {
    /// None only while it drops.
    requests: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Owner {
    /// Starts the thread and lets it `begin`: a database is opened where it is used, so that a panic of one
    /// never reaches the caller.
    ///
    /// # Errors
    /// Those of `begin`, or that there is no thread to be had.
    pub fn start(
        begin: impl FnOnce() -> Result<Begun, StoreError> + Send + 'static,
    ) -> Result<(Owner, Opened), StoreError> {
        let (sender, requests) = mpsc::channel(WAITING);
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let run = move || {
            let Begun { engine, reopen, generation, opened, lock } = match begin() {
                Ok(begun) => begun,
                Err(error) => return drop(tell.send(Err(error))),
            };
            if tell.send(Ok(opened)).is_ok() {
                Writer { engine: Some(engine), reopen, generation }.serve(requests);
            }
            drop(lock);
        };
        let thread = thread::Builder::new()
            .name("store".to_owned())
            .spawn(run)
            .map_err(|error| StoreError::Write(error.to_string()))?;
        let owner = Owner { requests: Some(sender), thread: Some(thread) };
        let opened = told.recv().map_err(|_| StoreError::Ended)??;
        Ok((owner, opened))
    }

    /// See [`super::Store::save`].
    pub async fn save(&self, settings: Settings) -> Result<(), StoreError> {
        let (done, finished) = oneshot::channel();
        let requests = self.requests.as_ref().ok_or(StoreError::Ended)?;
        requests.send(Request { settings, done }).await.map_err(|_| StoreError::Ended)?;
        finished.await.map_err(|_| StoreError::Ended)?
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // Its panics have been answered to whoever waited.
            let _ = thread.join();
        }
    }
}

/// The database as the thread sees it.
struct Writer {
    /// None after a failed write.
    engine: Option<Box<dyn Engine>>,
    reopen: Box<Reopen>,
    generation: u64,
}

impl Writer {
    fn serve(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(Request { mut settings, done }) = requests.blocking_recv() {
            let mut waiting = vec![done];
            while let Ok(later) = requests.try_recv() {
                settings = later.settings;
                waiting.push(later.done);
            }
            let saved = self.write(&settings);
            for done in waiting {
                // A caller that no longer waits is no failure.
                let _ = done.send(saved.clone());
            }
        }
    }

    fn write(&mut self, settings: &Settings) -> Result<(), StoreError> {
        self.generation += 1;
        let attempt = || {
            let engine = match &mut self.engine {
                Some(engine) => engine,
                none => none.insert((self.reopen)().map_err(|error| StoreError::Write(error.to_string()))?),
            };
            content::write(&mut **engine, settings, self.generation)
        };
        let saved = catch_unwind(AssertUnwindSafe(attempt))
            .unwrap_or_else(|panic| Err(StoreError::Write(begin::text(&*panic))));
        if saved.is_err() {
            // After one failed write, as on a full disk, sled refuses all others until it is opened again. It
            // may also fail at closing; it said so already.
            let broken = self.engine.take();
            let _ = catch_unwind(AssertUnwindSafe(|| drop(broken)));
        }
        saved
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::super::Recovery;
    use super::super::engine::{Entries, Tree, Trouble};
    use super::super::memory::Memory;
    use super::*;
    use crate::settings::new_id;

    /// Fails at the first write or panics at it.
    struct Failing(&'static str);

    impl Engine for Failing {
        fn read(&self, _: Tree) -> Result<Entries, Trouble> {
            Ok(Vec::new())
        }

        fn replace(&mut self, _: Tree, _: &Entries, _: u64) -> Result<(), String> {
            assert_eq!(self.0, "error", "a panic of the database");
            Err("no space left".to_owned())
        }

        fn generation(&self) -> u64 {
            0
        }
    }

    fn start(how: &'static str, reopened: &'static AtomicU32) -> Owner {
        let begin = move || {
            let settings = Settings::fresh(new_id());
            let reopen = || {
                reopened.fetch_add(1, Ordering::Relaxed);
                Ok(Box::new(Memory::default()) as Box<dyn Engine>)
            };
            Ok(Begun {
                engine: Box::new(Failing(how)),
                reopen: Box::new(reopen),
                generation: 1,
                opened: Opened { settings, recovery: Recovery::Clean },
                lock: None,
            })
        };
        Owner::start(begin).unwrap().0
    }

    #[tokio::test]
    async fn a_failed_write_is_told_and_the_next_one_tries_again() {
        static REOPENED: AtomicU32 = AtomicU32::new(0);
        for how in ["error", "panic"] {
            let owner = start(how, &REOPENED);
            let settings = Settings::fresh(new_id());
            let failed = owner.save(settings.clone()).await.unwrap_err();
            let words = if how == "error" { "no space left" } else { "a panic of the database" };
            assert!(failed.to_string().contains(words), "{failed}");
            owner.save(settings.clone()).await.unwrap();
            owner.save(settings).await.unwrap();
        }
        assert_eq!(REOPENED.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_start_that_fails_or_panics_is_an_error() {
        assert_eq!(
            Owner::start(|| Err(StoreError::Write("no".to_owned()))).unwrap_err().to_string(),
            "settings cannot be saved: no"
        );
        assert_eq!(Owner::start(|| panic!("on purpose")).unwrap_err(), StoreError::Ended);
    }
}
