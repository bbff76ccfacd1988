//! Who watches the pulses of the simulated machine: the pulse checker, and the pulse log if there is to be one.
//!
//! The step loop puts every edge into a ring, the control cycle a look at everything into another; neither waits. A
//! thread of its own takes them out, checks them, and writes them down. A broken promise is told in the log of the
//! program, with the edges around it. It ends nothing: this host is no real-time one, and the checker is a witness.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use heapless::spsc::{Consumer, Producer, Queue};

use super::pulse_log::PulseLog;
use crate::diag::{CheckOptions, PulseChecker};
use crate::drive::seen::Looks;
use crate::hal::sim::{Edge, EdgeSink};
use crate::units::{Nanos, SECOND_NS};

/// Room for a quarter of a second of 16 kHz, two edges a step.
const RING: usize = 8_192;
const TAKE_EVERY: Duration = Duration::from_millis(20);
/// A look is taken up when so many newer ones are there, one a millisecond: the step thread may be stalled between the
/// instant of an edge and the ring.
const SETTLED: usize = 150;

/// What is broken once is often broken at every step.
const TELL_EVERY_NS: Nanos = SECOND_NS;

/// The step loop's end.
pub struct Sink {
    ring: Producer<'static, Edge>,
    lost: Arc<AtomicU64>,
}

impl EdgeSink for Sink {
    fn edge(&mut self, edge: Edge) {
        if self.ring.enqueue(edge).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The thread that watches.
pub struct Watcher {
    thread: JoinHandle<()>,
    quit: Arc<AtomicBool>,
}

impl Watcher {
    /// Takes what is left, and ends.
    pub async fn end(self) {
        self.quit.store(true, Ordering::Release);
        let _ = tokio::task::spawn_blocking(move || self.thread.join()).await;
    }
}

/// Starts to watch.
pub fn start(options: CheckOptions, looks: Looks, log: Option<PulseLog>) -> io::Result<(Sink, Watcher)> {
    let (ring, edges) = Box::leak(Box::new(Queue::<Edge, RING>::new())).split();
    let (lost, quit) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let sink = Sink { ring, lost: Arc::clone(&lost) };
    let quitting = Arc::clone(&quit);
    let mut watch = Watch { edges, looks, lost, checker: PulseChecker::new(options), tell_again_ns: 0, log };
    let thread = std::thread::Builder::new().name("pulse-watch".into()).spawn(move || {
        loop {
            let last = quitting.load(Ordering::Acquire);
            watch.take(if last { 0 } else { SETTLED });
            if last {
                return;
            }
            std::thread::sleep(TAKE_EVERY);
        }
    })?;
    Ok((sink, Watcher { thread, quit }))
}

struct Watch {
    edges: Consumer<'static, Edge>,
    looks: Looks,
    lost: Arc<AtomicU64>,
    checker: PulseChecker,
    tell_again_ns: Nanos,
    log: Option<PulseLog>,
}

impl Watch {
    fn take(&mut self, looks_left: usize) {
        if let Err(error) = self.take_edges() {
            tracing::warn!(%error, "the pulse log ends here");
            self.log = None;
        }
        while self.looks.len() > looks_left
            && let Some(seen) = self.looks.dequeue()
        {
            if let Some(violation) = self.checker.look(&seen)
                && seen.at_ns >= self.tell_again_ns
            {
                self.tell_again_ns = seen.at_ns + TELL_EVERY_NS;
                tracing::error!(so_far = self.checker.violations(), "broken promise: {violation}");
            }
        }
    }

    fn take_edges(&mut self) -> io::Result<()> {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        while let Some(edge) = self.edges.dequeue() {
            self.checker.edge(edge);
            if let Some(log) = &mut self.log {
                log.write(edge)?;
            }
        }
        if lost > 0 {
            self.checker.lost_edges();
        }
        match &mut self.log {
            Some(log) if lost > 0 => log.lost(lost).and_then(|()| log.flush()),
            Some(log) => log.flush(),
            None => Ok(()),
        }
    }
}
