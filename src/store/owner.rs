//! The thread that owns the database, and the way to it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, oneshot};

use super::begin::{self, Begun};
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
            let Begun { engine, generation, opened, lock } = match begin() {
                Ok(begun) => begun,
                Err(error) => return drop(tell.send(Err(error))),
            };
            if tell.send(Ok(opened)).is_ok() {
                serve(engine, generation, requests);
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

fn serve(mut engine: Box<dyn Engine>, mut generation: u64, mut requests: mpsc::Receiver<Request>) {
    while let Some(Request { mut settings, done }) = requests.blocking_recv() {
        let mut waiting = vec![done];
        while let Ok(later) = requests.try_recv() {
            settings = later.settings;
            waiting.push(later.done);
        }
        generation += 1;
        let write = || begin::write(&mut *engine, &settings, generation);
        let saved = catch_unwind(AssertUnwindSafe(write))
            .unwrap_or_else(|panic| Err(StoreError::Write(begin::text(&*panic))));
        for done in waiting {
            // A caller that no longer waits is no failure.
            let _ = done.send(saved.clone());
        }
    }
}
