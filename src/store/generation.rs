//! Generation file: the number of the last write, beside the database.
//!
//! It is written after the database is durable, so it is never ahead of an intact one: if it is, the database has lost
//! acknowledged writes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::session::MAX_WHOLE;

/// The number and its CRC-32, within one sector; a torn write shows.
const BYTES: usize = 12;

/// The open generation file.
pub struct GenerationFile {
    file: File,
    generation: u64,
}

impl GenerationFile {
    /// Opens or creates the file in the folder `dir`. A damaged file counts as new, which reports no lost writes.
    ///
    /// # Errors
    /// The system's.
    pub fn open(dir: &Path) -> io::Result<GenerationFile> {
        let path = dir.join("generation");
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut bytes = [0; BYTES];
        let generation = match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => parse(&bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            Err(error) => return Err(error),
        };
        file.sync_all()?;
        Ok(GenerationFile { file, generation })
    }

    /// Number of the last write, 0 before the first.
    pub fn get(&self) -> u64 {
        self.generation
    }

    /// Stores the number durably.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&mut self, generation: u64) -> io::Result<()> {
        let number = generation.to_be_bytes();
        let crc = crc32fast::hash(&number).to_be_bytes();
        self.file.write_all_at(&[&number[..], &crc].concat(), 0)?;
        self.file.sync_data()?;
        self.generation = generation;
        Ok(())
    }
}

fn parse(bytes: &[u8; BYTES]) -> u64 {
    let number: [u8; 8] = core::array::from_fn(|i| bytes[i]);
    let sound = crc32fast::hash(&number).to_be_bytes() == bytes[8..];
    Some(u64::from_be_bytes(number)).filter(|generation| sound && *generation <= MAX_WHOLE).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_kept_and_damage_forgets_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = GenerationFile::open(dir.path()).unwrap();
        assert_eq!(file.get(), 0);
        file.write(300).unwrap();
        assert_eq!((file.get(), GenerationFile::open(dir.path()).unwrap().get()), (300, 300));
        let path = dir.path().join("generation");
        let last =
            [&u64::MAX.to_be_bytes()[..], &crc32fast::hash(&u64::MAX.to_be_bytes()).to_be_bytes()].concat();
        for damage in [&b"\0\0\0\0\0\0\x01"[..], b"\0\0\0\0\0\0\x01\x2d????", b"", &last] {
            std::fs::write(&path, damage).unwrap();
            assert_eq!(GenerationFile::open(dir.path()).unwrap().get(), 0);
        }
    }
}
