//! The edges of the simulated machine, to a file: what an oscilloscope at the pins would show.
//!
//! One line an edge: nanoseconds on the machine's clock, then `+` or `-` for a step toward the front or the back, or
//! `driver on` and `driver off`. The step loop only puts edges into a ring; a thread of its own writes them. Edges
//! for which the ring had no room are counted and told in the file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use heapless::spsc::{Consumer, Producer, Queue};

use crate::hal::sim::{Edge, EdgeKind, EdgeSink};

/// Room for half a second of 16 kHz.
const RING: usize = 8_192;
const WRITE_EVERY: Duration = Duration::from_millis(20);

/// The step loop's end; without a log it does nothing.
pub struct Sink(Option<Log>);

struct Log {
    ring: Producer<'static, Edge>,
    lost: Arc<AtomicU64>,
}

impl EdgeSink for Sink {
    fn edge(&mut self, edge: Edge) {
        let Some(log) = &mut self.0 else { return };
        if !matches!(edge.kind, EdgeKind::StepEnds | EdgeKind::Direction { .. })
            && log.ring.enqueue(edge).is_err()
        {
            log.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The thread that writes.
pub struct Writer {
    thread: JoinHandle<()>,
    quit: Arc<AtomicBool>,
}

impl Writer {
    /// Writes what is left, and ends.
    pub async fn end(self) {
        self.quit.store(true, Ordering::Release);
        let _ = tokio::task::spawn_blocking(move || self.thread.join()).await;
    }
}

/// Opens the log, if there is to be one.
pub fn open(path: Option<&Path>) -> io::Result<(Sink, Option<Writer>)> {
    let Some(path) = path else { return Ok((Sink(None), None)) };
    let mut file = BufWriter::new(File::create(path)?);
    let (ring, mut edges) = Box::leak(Box::new(Queue::<Edge, RING>::new())).split();
    let (lost, quit) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let sink = Sink(Some(Log { ring, lost: Arc::clone(&lost) }));
    let quitting = Arc::clone(&quit);
    let thread = std::thread::Builder::new().name("pulse-log".into()).spawn(move || {
        loop {
            let last = quitting.load(Ordering::Acquire);
            if let Err(error) = write(&mut file, &mut edges, &lost) {
                tracing::warn!(%error, "the pulse log ends here");
                return;
            }
            if last {
                return;
            }
            std::thread::sleep(WRITE_EVERY);
        }
    })?;
    Ok((sink, Some(Writer { thread, quit })))
}

fn write(file: &mut impl Write, edges: &mut Consumer<'static, Edge>, lost: &AtomicU64) -> io::Result<()> {
    while let Some(Edge { at, kind }) = edges.dequeue() {
        match kind {
            EdgeKind::StepBegins { forward } => writeln!(file, "{at} {}", if forward { '+' } else { '-' })?,
            EdgeKind::Enable { on } => writeln!(file, "{at} driver {}", if on { "on" } else { "off" })?,
            EdgeKind::StepEnds | EdgeKind::Direction { .. } => {}
        }
    }
    let lost = lost.swap(0, Ordering::Relaxed);
    if lost > 0 {
        writeln!(file, "lost {lost} edges")?;
    }
    file.flush()
}
