//! The partitions of a slot as block devices, or as files of their size.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use rustix::fs::{Advice, fadvise};

use super::{PartName, SlotParts};

/// The two partitions of a slot.
#[derive(Debug)]
pub struct SlotFiles {
    boot: File,
    root: File,
}

impl SlotFiles {
    /// Opens both.
    ///
    /// # Errors
    /// The system's.
    pub fn open(boot: &Path, root: &Path) -> io::Result<SlotFiles> {
        let open = |path: &Path| File::options().read(true).write(true).open(path);
        Ok(SlotFiles { boot: open(boot)?, root: open(root)? })
    }

    fn of(&mut self, part: PartName) -> &mut File {
        match part {
            PartName::Boot => &mut self.boot,
            PartName::Root => &mut self.root,
        }
    }
}

impl SlotParts for SlotFiles {
    fn size_bytes(&mut self, part: PartName) -> io::Result<u64> {
        // A block device has no length of its own.
        self.of(part).seek(SeekFrom::End(0))
    }

    fn read_at(&mut self, part: PartName, at: u64, block: &mut [u8]) -> io::Result<()> {
        self.of(part).read_exact_at(block, at)
    }

    fn write_at(&mut self, part: PartName, at: u64, block: &[u8]) -> io::Result<()> {
        self.of(part).write_all_at(block, at)
    }

    fn flush(&mut self) -> io::Result<()> {
        for file in [&self.boot, &self.root] {
            file.sync_data()?;
            // Without its pages in memory the next read is one of the card.
            fadvise(file, 0, None, Advice::DontNeed)?;
        }
        Ok(())
    }
}
