//! The ELF file of the board's firmware, as far as its log needs it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use defmt_decoder::{Location, Table};

use crate::files;

/// No firmware of such a board is larger, debug information included.
const LARGEST: usize = 64 << 20;

/// The texts of a firmware's log, and where they are said.
pub struct Firmware {
    table: Table,
    /// By the number of the text.
    places: std::collections::BTreeMap<u64, Location>,
}

/// A line of the board's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardLogLine {
    /// How much it matters.
    pub level: tracing::Level,
    /// The board's own clock; empty when the firmware does not say it.
    pub time: String,
    /// File and line of the firmware's source; empty when the file was built without.
    pub place: String,
    /// What it says.
    pub text: String,
}

impl Firmware {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read, is no ELF file, or is one without a defmt log.
    pub fn open(file: &Path) -> Result<Firmware, String> {
        let elf = files::read_regular(file, LARGEST).map_err(|error| error.to_string())?;
        // A library that reads foreign files, and panics where they are made to hurt it.
        catch_unwind(|| Firmware::parse(&elf)).unwrap_or_else(|_| Err("it makes no sense".to_owned()))
    }

    fn parse(elf: &[u8]) -> Result<Firmware, String> {
        let table = Table::parse(elf).map_err(|error| format!("{error:#}"))?;
        let table = table.filter(|table| !table.is_empty()).ok_or("it has no defmt log")?;
        // Without debug information lines are said all the same.
        let places = table.get_locations(elf).unwrap_or_default();
        Ok(Firmware { table, places })
    }

    /// What a frame says, if it is one of this firmware.
    #[must_use]
    pub fn read(&self, frame: &[u8]) -> Option<BoardLogLine> {
        catch_unwind(AssertUnwindSafe(|| self.decode(frame))).ok().flatten()
    }

    fn decode(&self, frame: &[u8]) -> Option<BoardLogLine> {
        let (decoded, consumed) = self.table.decode(frame).ok()?;
        // A frame that leaves something over is one of another firmware.
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
        // An ELF file, but not one of a firmware.
        let this = std::env::current_exe().unwrap();
        assert!(Firmware::open(&this).is_err(), "a test binary has no log");
    }
}
