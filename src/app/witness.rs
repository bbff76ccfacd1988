//! The witness: the thread that takes the looks of the control cycle, and shows each to whoever keeps or checks them:
//! the flight recorder, and for the simulated machine the watch over its pulses.
//!
//! The control cycle puts a look into a ring and waits for nobody; what comes late here is missing here.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, SystemTime};

use super::pulse_watch::Watch;
use crate::diag::Recorder;
use crate::diag::recorder::{Archive, Recording};
use crate::drive::seen::Looks;

/// Far more often than the ring of looks is full.
const TAKE_EVERY: Duration = Duration::from_millis(20);

/// The running thread.
pub struct Witness {
    thread: JoinHandle<()>,
    quit: Arc<AtomicBool>,
}

impl Witness {
    /// Takes what is left, writes down what is not written yet, and ends.
    pub async fn end(self) {
        self.quit.store(true, Ordering::Release);
        let _ = tokio::task::spawn_blocking(move || self.thread.join()).await;
    }
}

/// Starts to take looks. What is recorded around a fault goes into the archive.
///
/// # Errors
/// The system has no thread left.
pub fn start(looks: Looks, archive: Arc<Archive>, pulses: Option<Watch>) -> io::Result<Witness> {
    let quit = Arc::new(AtomicBool::new(false));
    let quitting = Arc::clone(&quit);
    let mut taker =
        Taker { looks, recorder: Recorder::new(), scribe: Scribe { archive, last: None }, pulses };
    let thread = Builder::new().name("witness".into()).spawn(move || {
        loop {
            let last = quitting.load(Ordering::Acquire);
            taker.take();
            if last {
                return taker.finish();
            }
            std::thread::sleep(TAKE_EVERY);
        }
    })?;
    Ok(Witness { thread, quit })
}

struct Taker {
    looks: Looks,
    recorder: Recorder,
    scribe: Scribe,
    pulses: Option<Watch>,
}

impl Taker {
    fn take(&mut self) {
        if let Some(pulses) = &mut self.pulses {
            pulses.take_edges();
        }
        while let Some(seen) = self.looks.dequeue() {
            if let Some(recording) = self.recorder.record(&seen) {
                self.scribe.write(recording);
            }
            if let Some(pulses) = &mut self.pulses {
                pulses.take_look(seen);
            }
        }
    }

    fn finish(mut self) {
        if let Some(pulses) = &mut self.pulses {
            pulses.settle(0);
        }
        if let Some(recording) = self.recorder.finish() {
            self.scribe.write(recording);
        }
        self.scribe.wait();
    }
}

/// Writes recordings in a thread of its own, one after the other: a card may take seconds, and the looks go on.
struct Scribe {
    archive: Arc<Archive>,
    last: Option<JoinHandle<()>>,
}

impl Scribe {
    fn write(&mut self, recording: Recording) {
        self.wait();
        let now = SystemTime::now();
        let archive = Arc::clone(&self.archive);
        let writing = move || {
            let (code, missed) = (recording.about.fault.code.clone(), recording.about.missed_cycles);
            let id = archive.keep(recording, now);
            tracing::info!(id, fault = code, missed_cycles = missed, "recorded: yep faults show {id}");
        };
        match Builder::new().name("scribe".into()).spawn(writing) {
            Ok(thread) => self.last = Some(thread),
            Err(error) => tracing::warn!(%error, "the recording of a fault is lost"),
        }
    }

    /// Until the recording before is written.
    fn wait(&mut self) {
        if let Some(thread) = self.last.take() {
            // What a panic could lose here, it has lost already.
            let _ = thread.join();
        }
    }
}
