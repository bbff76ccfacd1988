//! Pulse watch of the simulated machine: feeds the pulse checker, and writes the pulse log if one is wanted.
//!
//! The step loop puts every edge into a ring, the control cycle its trace samples into another one; neither waits. The
//! witness's thread takes them out and passes them to this watch. A violation is logged with the edges before it. It
//! ends nothing, as this host is no real-time one.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use heapless::spsc::{Consumer, Producer, Queue};

use super::pulse_log::PulseLog;
use crate::diag::{CheckOptions, PulseChecker};
use crate::drive::TraceSample;
use crate::hal::{Edge, EdgeSink};
use crate::units::{Nanos, SECOND_NS};

/// Capacity of the ring: a quarter of a second at 16 kHz, two edges a step.
const RING: usize = 8_192;
/// Number of newer trace samples after which a sample is checked, one a millisecond: the step thread may be stalled
/// between the instant of an edge and the ring.
const SETTLED: usize = 150;

/// Interval of the reports; a rule that is broken once is often broken at every step.
const REPORT_EVERY_NS: Nanos = SECOND_NS;

/// Producer end of the ring, for the step loop.
pub struct PulseSink {
    ring: Producer<'static, Edge>,
    lost: Arc<AtomicU64>,
}

impl EdgeSink for PulseSink {
    fn edge(&mut self, edge: Edge) {
        if self.ring.enqueue(edge).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Creates the ring of edges; returns the step loop's end and the watch.
pub fn watch(options: CheckOptions, log: Option<PulseLog>) -> (PulseSink, PulseWatch) {
    let (ring, edges) = Box::leak(Box::new(Queue::<Edge, RING>::new())).split();
    let lost = Arc::new(AtomicU64::new(0));
    let sink = PulseSink { ring, lost: Arc::clone(&lost) };
    let checker = PulseChecker::new(options);
    let unsettled = VecDeque::with_capacity(2 * SETTLED);
    (sink, PulseWatch { edges, unsettled, lost, checker, report_again_ns: 0, log })
}

/// Consumer end: checker and log.
pub struct PulseWatch {
    edges: Consumer<'static, Edge>,
    /// Trace samples that the checker does not have yet.
    unsettled: VecDeque<TraceSample>,
    lost: Arc<AtomicU64>,
    checker: PulseChecker,
    report_again_ns: Nanos,
    log: Option<PulseLog>,
}

impl PulseWatch {
    /// Passes new edges to the checker and the log.
    pub fn take_edges(&mut self) {
        if let Err(error) = self.drain_edges() {
            tracing::warn!(%error, "the pulse log ends here");
            self.log = None;
        }
    }

    /// Adds a trace sample, which is checked when enough newer ones are there.
    pub fn add_sample(&mut self, seen: TraceSample) {
        self.unsettled.push_back(seen);
        self.check_all_but(SETTLED);
    }

    /// Checks all trace samples except the newest `left`.
    pub fn check_all_but(&mut self, left: usize) {
        while self.unsettled.len() > left
            && let Some(seen) = self.unsettled.pop_front()
        {
            if let Some(violation) = self.checker.check(&seen)
                && seen.at_ns >= self.report_again_ns
            {
                self.report_again_ns = seen.at_ns + REPORT_EVERY_NS;
                tracing::error!(so_far = self.checker.violations(), "broken promise: {violation}");
            }
        }
    }

    fn drain_edges(&mut self) -> io::Result<()> {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        while let Some(edge) = self.edges.dequeue() {
            self.checker.add_edge(edge);
            if let Some(log) = &mut self.log {
                log.write(edge)?;
            }
        }
        if lost > 0 {
            self.checker.report_lost_edges();
        }
        match &mut self.log {
            Some(log) if lost > 0 => log.write_gap(lost).and_then(|()| log.flush()),
            Some(log) => log.flush(),
            None => Ok(()),
        }
    }
}
