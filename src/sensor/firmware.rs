//! defmt decoder: reads the board's log frames with the ELF file of its firmware.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use defmt_decoder::{Location, Table};

use crate::files;

/// Upper bound on the size of an ELF file of such a firmware with debug information.
const LARGEST: usize = 64 << 20;

/// Format strings of a firmware's log, and their places in its source.
pub struct Firmware {
    table: Table,
    /// By the index of the format string.
    places: std::collections::BTreeMap<u64, Location>,
}

/// A line of the board's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardLogLine {
    /// Severity.
    pub level: tracing::Level,
    /// Time on the board's clock; empty if the firmware does not send it.
    pub time: String,
    /// File and line in the firmware's source; empty without debug information.
    pub place: String,
    /// The message.
    pub text: String,
}

impl Firmware {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read, is no ELF file, or is one without a defmt log.
    pub fn open(file: &Path) -> Result<Firmware, String> {
        let elf = files::read_regular(file, LARGEST).map_err(|error| error.to_string())?;
        // The parser may panic on a damaged file.
        catch_unwind(|| Firmware::parse(&elf)).unwrap_or_else(|_| Err("it makes no sense".to_owned()))
    }

    fn parse(elf: &[u8]) -> Result<Firmware, String> {
        let table = Table::parse(elf).map_err(|error| format!("{error:#}"))?;
        let table = table.filter(|table| !table.is_empty()).ok_or("it has no defmt log")?;
        // Without debug information the lines have no place.
        let places = table.get_locations(elf).unwrap_or_default();
        Ok(Firmware { table, places })
    }

    /// Decodes a frame; `None` if it is not one of this firmware.
    pub fn read(&self, frame: &[u8]) -> Option<BoardLogLine> {
        catch_unwind(AssertUnwindSafe(|| self.decode(frame))).ok().flatten()
    }

    fn decode(&self, frame: &[u8]) -> Option<BoardLogLine> {
        let (decoded, consumed) = self.table.decode(frame).ok()?;
        // A frame with bytes left over is one of another firmware.
        (consumed == frame.len()).then_some(())?;
        let level = decoded.level().map_or("info", |level| level.as_str());
        let place = self.places.get(&decoded.index());
        Some(BoardLogLine {
            level: level.parse().unwrap_or(tracing::Level::INFO),
            time: decoded.display_timestamp().map(|time| time.to_string()).unwrap_or_default(),
            place: place.map(|at| format!("{}:{}", at.file.display(), at.line)).unwrap_or_default(),
            text: decoded.display_message().to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_log_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("firmware");
        assert!(Firmware::open(&file).err().unwrap().contains("No such file"));
        for content in [&b""[..], b"\x7fELF", b"no firmware at all", &[0x7f; 4_096]] {
            std::fs::write(&file, content).unwrap();
            assert!(Firmware::open(&file).is_err());
        }
        // An ELF file without a defmt section.
        let this = std::env::current_exe().unwrap();
        assert!(Firmware::open(&this).is_err(), "a test binary has no log");
    }
}
