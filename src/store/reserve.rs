//! Reserved disk space: a file that is deleted when the disk is full, to make room for the state.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::{files, layout};

/// Size of the file, in allocated bytes; a sparse file would reserve nothing.
const BYTES: usize = layout::STATE_BALLAST_KIB * 1024;
/// The file is only created if this many times its size is free.
const ROOM: u64 = 4;

/// Path of the file.
#[derive(Debug, Clone)]
pub struct ReservedSpace(PathBuf);

impl ReservedSpace {
    /// The reserved space of the state folder `dir`.
    pub fn of(dir: &Path) -> ReservedSpace {
        ReservedSpace(dir.join("ballast"))
    }

    /// Deletes the file. Returns false if there was none.
    #[must_use]
    pub fn release(&self) -> bool {
        fs::remove_file(&self.0).is_ok()
    }

    /// Creates the file, if it is missing and there is enough room.
    pub fn reserve(&self) {
        if fs::metadata(&self.0).is_ok_and(|file| file.len() == BYTES as u64) {
            return;
        }
        let room = self.0.parent().and_then(|dir| rustix::fs::statvfs(dir).ok());
        let enough =
            room.is_some_and(|room| room.f_bavail.saturating_mul(room.f_frsize) > ROOM * BYTES as u64);
        if enough && let Err(error) = self.fill() {
            tracing::debug!(%error, "no room can be held on the disk");
            let _ = fs::remove_file(&self.0);
        }
    }

    fn fill(&self) -> io::Result<()> {
        let mut file = files::create_anew(&self.0)?;
        // Noise, which a file system cannot compress or leave out.
        let mut noise = 1_u32;
        let block: Vec<u8> = (0..64 * 1024)
            .map(|_| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (noise >> 24) as u8
            })
            .collect();
        for _ in 0..BYTES / block.len() {
            file.write_all(&block)?;
        }
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_once_and_can_be_dropped_once() {
        let dir = tempfile::tempdir().unwrap();
        let reserved = ReservedSpace::of(dir.path());
        assert!(!reserved.release());
        reserved.reserve();
        let file = dir.path().join("ballast");
        assert_eq!(fs::metadata(&file).unwrap().len(), BYTES as u64);
        let made = fs::metadata(&file).unwrap().modified().unwrap();
        reserved.reserve();
        assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), made);
        assert!(reserved.release() && !reserved.release());
        // A part of one, as after a power cut.
        fs::write(&file, "a piece").unwrap();
        reserved.reserve();
        assert_eq!(fs::metadata(&file).unwrap().len(), BYTES as u64);
    }
}
