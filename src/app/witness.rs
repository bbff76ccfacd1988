//! The witness: the thread that takes the looks of the control cycle, and shows each to whoever keeps or checks them:
//! the flight recorder, and for the simulated machine the watch over its pulses.
//!
//! The control cycle puts a look into a ring and waits for nobody; what comes late here is missing here.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::pulse_watch::PulseWatch;
use crate::diag::Recorder;
use crate::diag::recorder::{Archive, Recording};
use crate::drive::cycle_trace::TraceReader;
use crate::layout;
use crate::wall_clock;

/// Far more often than the ring of looks is full.
const TAKE_EVERY: Duration = Duration::from_millis(20);

/// The running thread.
pub struct WitnessThread {
    thread: JoinHandle<()>,
    quit: Arc<AtomicBool>,
}

impl WitnessThread {
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
pub fn start(
    looks: TraceReader,
    archive: Arc<Archive>,
    pulses: Option<PulseWatch>,
) -> io::Result<WitnessThread> {
    let quit = Arc::new(AtomicBool::new(false));
    let quitting = Arc::clone(&quit);
    let mut observer = Observer {
        looks,
        recorder: Recorder::new(),
        writer: RecordingWriter { archive, writing: None, waiting: VecDeque::new() },
        pulses,
    };
    let thread = Builder::new().name("witness".into()).spawn(move || {
        loop {
            let last = quitting.load(Ordering::Acquire);
            observer.take_samples();
            if last {
                return observer.finish();
            }
            std::thread::sleep(TAKE_EVERY);
        }
    })?;
    Ok(WitnessThread { thread, quit })
}

struct Observer {
    looks: TraceReader,
    recorder: Recorder,
    writer: RecordingWriter,
    pulses: Option<PulseWatch>,
}

impl Observer {
    fn take_samples(&mut self) {
        self.writer.start_next();
        if let Some(pulses) = &mut self.pulses {
            pulses.take_edges();
        }
        while let Some(seen) = self.looks.dequeue() {
            if let Some(recording) = self.recorder.record(&seen) {
                self.writer.write(recording);
            }
            if let Some(pulses) = &mut self.pulses {
                pulses.add_sample(seen);
            }
        }
    }

    fn finish(mut self) {
        if let Some(pulses) = &mut self.pulses {
            pulses.check_all_but(0);
        }
        if let Some(recording) = self.recorder.finish() {
            self.writer.write(recording);
        }
        self.writer.finish();
    }
}

/// Writes recordings in a thread of its own, one after the other: a card may take seconds, and the looks go on.
struct RecordingWriter {
    archive: Arc<Archive>,
    writing: Option<JoinHandle<()>>,
    /// With the instant of their last record by the wall clock. Never more than are kept: an older one would be gone at once.
    waiting: VecDeque<(Recording, Duration)>,
}

impl RecordingWriter {
    fn write(&mut self, recording: Recording) {
        if self.waiting.len() == layout::RECORDINGS {
            self.waiting.pop_front();
            tracing::warn!("the recording of a fault is lost: faults come faster than they can be written");
        }
        self.waiting.push_back((recording, wall_clock::since_epoch()));
        self.start_next();
    }

    /// Begins to write the next one, when the one before is written.
    fn start_next(&mut self) {
        if self.writing.as_ref().is_some_and(|writing| !writing.is_finished()) {
            return;
        }
        self.writing = None;
        let Some((recording, since_epoch)) = self.waiting.pop_front() else { return };
        let archive = Arc::clone(&self.archive);
        let write = move || {
            let (code, missed) = (recording.about.fault.code.clone(), recording.about.missed_cycles);
            let id = archive.save(recording, since_epoch);
            tracing::info!(id, fault = code, missed_cycles = missed, "recorded: yep faults show {id}");
        };
        match Builder::new().name("scribe".into()).spawn(write) {
            Ok(thread) => self.writing = Some(thread),
            Err(error) => tracing::warn!(%error, "the recording of a fault is lost"),
        }
    }

    /// Until all are written.
    fn finish(&mut self) {
        while let Some(writing) = self.writing.take() {
            // What a panic could lose here, it has lost already.
            let _ = writing.join();
            self.start_next();
        }
    }
}
