//! The edges of the simulated machine, to a file: what an oscilloscope at the pins would show.
//!
//! One line an edge: nanoseconds on the machine's clock, then `+` or `-` for a step toward the front or the back, or
//! `driver on` and `driver off`. Edges that did not get here are counted and told in the file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::hal::{Edge, EdgeKind};

/// An open log.
pub struct PulseLog {
    file: BufWriter<File>,
}

impl PulseLog {
    /// A new file, or the old one emptied.
    pub fn create(path: &Path) -> io::Result<PulseLog> {
        Ok(PulseLog { file: BufWriter::new(File::create(path)?) })
    }

    /// The next edge.
    pub fn write(&mut self, Edge { at, kind }: Edge) -> io::Result<()> {
        match kind {
            EdgeKind::StepBegins { forward } => {
                writeln!(self.file, "{at} {}", if forward { '+' } else { '-' })
            }
            EdgeKind::Enable { on } => writeln!(self.file, "{at} driver {}", if on { "on" } else { "off" }),
            EdgeKind::StepEnds | EdgeKind::Direction { .. } => Ok(()),
        }
    }

    /// So many edges are missing here.
    pub fn write_gap(&mut self, edges: u64) -> io::Result<()> {
        writeln!(self.file, "lost {edges} edges")
    }

    /// What was written is in the file.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
