//! Finds a small file of a FAT32 partition, so that its only sector can be replaced while the file system is mounted
//! read-only: a mounted file system would write more than that sector.
//!
//! Microsoft, "FAT File System Specification", 1.03: the fields of the first sector, the table, the entries of a folder.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// Length of a sector of the file systems that the card has.
pub const SECTOR_BYTES: usize = 512;
/// Length of an entry of a folder.
const ENTRY_BYTES: usize = 32;
/// Clusters of the root folder that are searched.
const CLUSTERS: usize = 4_096;

/// Place, in bytes, of the only sector of the file with this name (8 and 3 characters, padded with spaces) in the root folder.
///
/// # Errors
/// The system's; no FAT32 of such sectors, no such file, or one that is longer or shorter than a sector.
pub fn sector_of(device: &File, name: &[u8; 11]) -> io::Result<u64> {
    let wrong = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    let mut first = [0; SECTOR_BYTES];
    device.read_exact_at(&mut first, 0)?;
    let half = |at: usize| u64::from(u16::from_le_bytes([first[at], first[at + 1]]));
    let long = |at: usize| half(at) | half(at + 2) << 16;
    let sectors_per_cluster = u64::from(first[13]);
    if half(11) != SECTOR_BYTES as u64 || half(510) != 0xaa55 || half(17) != 0 || sectors_per_cluster == 0 {
        return Err(wrong("no FAT32"));
    }
    let (reserved, tables, table_sectors) = (half(14), u64::from(first[16]), long(36));
    let sector = SECTOR_BYTES as u64;
    let place = |cluster: u64| {
        (reserved + tables * table_sectors + cluster.saturating_sub(2) * sectors_per_cluster) * sector
    };

    let mut cluster = long(44);
    let mut folder = vec![0; sectors_per_cluster as usize * SECTOR_BYTES];
    for _ in 0..CLUSTERS {
        device.read_exact_at(&mut folder, place(cluster))?;
        for entry in folder.as_chunks::<ENTRY_BYTES>().0 {
            let half = |at: usize| u64::from(u16::from_le_bytes([entry[at], entry[at + 1]]));
            if entry[0] == 0 {
                return Err(wrong("no such file"));
            }
            // Neither a folder, nor a label, nor a part of a long name.
            if entry[11] & 0x18 != 0 || !entry.starts_with(name) {
                continue;
            }
            if half(28) | half(30) << 16 != sector {
                return Err(wrong("the file was changed: it is not one sector long any more"));
            }
            return Ok(place(half(26) | half(20) << 16));
        }
        let mut next = [0; 4];
        device.read_exact_at(&mut next, reserved * sector + cluster * 4)?;
        cluster = u64::from(u32::from_le_bytes(next) & 0x0fff_ffff);
        if !(2..0x0fff_fff8).contains(&cluster) {
            break;
        }
    }
    Err(wrong("no such file"))
}
