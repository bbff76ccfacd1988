//! Witness thread: takes the trace samples of the control cycle, and passes them to the flight recorder and, in
//! simulation, to the pulse watch.
//!
//! The control cycle puts each sample into a ring and does not wait; samples that do not fit are missing here.

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

/// Poll interval, much shorter than the time that fills the ring.
const TAKE_EVERY: Duration = Duration::from_millis(20);

/// Handle of the witness thread.
pub struct WitnessThread {
    thread: JoinHandle<()>,
    quit: Arc<AtomicBool>,
}

impl WitnessThread {
    /// Takes the remaining samples, writes unwritten recordings, and ends the thread.
    pub async fn end(self) {
        self.quit.store(true, Ordering::Release);
        let _ = tokio::task::spawn_blocking(move || self.thread.join()).await;
    }
}

/// Starts the thread. Recordings of faults go into the archive.
///
/// # Errors
/// The thread cannot be started.
pub fn start(
    samples: TraceReader,
    archive: Arc<Archive>,
    pulses: Option<PulseWatch>,
) -> io::Result<WitnessThread> {
    let quit = Arc::new(AtomicBool::new(false));
    let quitting = Arc::clone(&quit);
    let mut observer = Observer {
        samples,
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
    samples: TraceReader,
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
        while let Some(seen) = self.samples.dequeue() {
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

/// Writes recordings one after the other in threads of their own, as a card may take seconds while samples go on.
struct RecordingWriter {
    archive: Arc<Archive>,
    writing: Option<JoinHandle<()>>,
    /// Recordings with the wall-clock time of their last record. Never more than the archive keeps, as an older one
    /// would be deleted at once.
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

    /// Starts to write the next recording, if the one before is written.
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

    /// Waits until all are written.
    fn finish(&mut self) {
        while let Some(writing) = self.writing.take() {
            // A recording that a panic could lose here is lost already.
            let _ = writing.join();
            self.start_next();
        }
    }
}
