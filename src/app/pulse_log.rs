//! Pulse log: writes the edges of the simulated machine to a file, as an oscilloscope at the pins would show them.
//!
//! One line per edge: nanoseconds on the machine's clock, then `+` or `-` for a step toward the front or the back, or
//! `driver on` and `driver off`. A line also has the number of missing edges.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::hal::{Edge, EdgeKind};

/// An open pulse log.
pub struct PulseLog {
    file: BufWriter<File>,
}

impl PulseLog {
    /// Creates the file, or truncates it.
    pub fn create(path: &Path) -> io::Result<PulseLog> {
        Ok(PulseLog { file: BufWriter::new(File::create(path)?) })
    }

    /// Writes an edge.
    pub fn write(&mut self, Edge { at, kind }: Edge) -> io::Result<()> {
        match kind {
            EdgeKind::StepBegins { forward } => {
                writeln!(self.file, "{at} {}", if forward { '+' } else { '-' })
            }
            EdgeKind::Enable { on } => writeln!(self.file, "{at} driver {}", if on { "on" } else { "off" }),
            EdgeKind::StepEnds | EdgeKind::Direction { .. } => Ok(()),
        }
    }

    /// Writes the number of edges that are missing here.
    pub fn write_gap(&mut self, edges: u64) -> io::Result<()> {
        writeln!(self.file, "lost {edges} edges")
    }

    /// Flushes the buffer to the file.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
