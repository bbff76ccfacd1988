//! Writes an update into a slot: a block at a time, only where it differs, and reads all of it once more at the end.

use std::io;
use std::ops::ControlFlow;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::manifest::ImagePart;
use super::reader::BlockHash;
use super::{Manifest, PartName, SystemSlot, UpdateError, UpdateReader};

/// So many bytes are written before they are made durable. More would pile up in memory, and delay the store's own writes
/// to the same card.
const FLUSH_EVERY_BYTES: u64 = 8 << 20;

/// The partitions of one slot.
pub trait SlotParts {
    /// Size of a partition.
    ///
    /// # Errors
    /// The system's.
    fn size_bytes(&mut self, part: PartName) -> io::Result<u64>;
    /// Fills `block` from this place on.
    ///
    /// # Errors
    /// The system's.
    fn read_at(&mut self, part: PartName, at: u64, block: &mut [u8]) -> io::Result<()>;
    /// Writes `block` to this place.
    ///
    /// # Errors
    /// The system's.
    fn write_at(&mut self, part: PartName, at: u64, block: &[u8]) -> io::Result<()>;
    /// Makes everything durable; later reads come from the medium.
    ///
    /// # Errors
    /// The system's.
    fn flush(&mut self) -> io::Result<()>;
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WriteProgress {
    /// What is done: the blocks are written, or read once more.
    pub step: WriteStep,
    /// Bytes of the images that are done in this step.
    pub done_bytes: u64,
    /// Bytes of the images.
    pub all_bytes: u64,
    /// Bytes that differed, and were written.
    pub written_bytes: u64,
}

/// The two passes over a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteStep {
    /// Blocks are unpacked, compared and written.
    Write,
    /// The slot is read once more.
    Verify,
}

/// A slot that has all of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Bytes of the images.
    pub all_bytes: u64,
    /// Bytes that differed, and were written.
    pub written_bytes: u64,
}

/// Writes the update into the parts of `slot`. `watch` is told of each block, and may end it.
///
/// # Errors
/// The slot then has parts of both systems, and must not be started.
pub fn write<R: io::Read>(
    update: &mut UpdateReader<R>,
    slot: SystemSlot,
    parts: &mut impl SlotParts,
    mut watch: impl FnMut(WriteProgress) -> ControlFlow<String>,
) -> Result<Written, UpdateError> {
    let manifest = update.manifest().clone();
    for part in &manifest.parts {
        let size_bytes = parts.size_bytes(part.name).map_err(UpdateError::Slot)?;
        if part.size_bytes > size_bytes {
            let what = format!("an image of {} bytes, and a partition of {size_bytes}", part.size_bytes);
            return Err(UpdateError::Damaged(what));
        }
    }
    let all_bytes = manifest.parts.iter().map(|part| part.size_bytes).sum();
    let mut progress = WriteProgress { step: WriteStep::Write, done_bytes: 0, all_bytes, written_bytes: 0 };
    let mut tell = |progress: WriteProgress| match watch(progress) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(why) => Err(UpdateError::Cancelled(why)),
    };
    tell(progress)?;

    let mut hashes: Vec<BlockHash> = Vec::new();
    let mut wanted = vec![0; manifest.block_bytes as usize];
    let mut found = wanted.clone();
    let mut unflushed_bytes = 0;
    for (number, part, index, at, len) in blocks(&manifest) {
        let (wanted, found) = (&mut wanted[..len], &mut found[..len]);
        update.block(number, index, wanted)?;
        if let Some(byte) = part.slot_byte.and_then(|place| place.checked_sub(at))
            && let Some(byte) = wanted.get_mut(byte as usize)
        {
            *byte = slot.mark();
        }
        hashes.push(Sha256::digest(&*wanted).into());
        parts.read_at(part.name, at, found).map_err(UpdateError::Slot)?;
        if wanted != found {
            parts.write_at(part.name, at, wanted).map_err(UpdateError::Slot)?;
            progress.written_bytes += len as u64;
            unflushed_bytes += len as u64;
        }
        if unflushed_bytes >= FLUSH_EVERY_BYTES {
            parts.flush().map_err(UpdateError::Slot)?;
            unflushed_bytes = 0;
        }
        progress.done_bytes += len as u64;
        tell(progress)?;
    }
    parts.flush().map_err(UpdateError::Slot)?;

    (progress.step, progress.done_bytes) = (WriteStep::Verify, 0);
    for ((_, part, index, at, len), hash) in blocks(&manifest).zip(&hashes) {
        let found = &mut found[..len];
        parts.read_at(part.name, at, found).map_err(UpdateError::Slot)?;
        if Sha256::digest(&*found)[..] != hash[..] {
            let what = format!("block {index} of {:?} reads differently than it was written", part.name);
            return Err(UpdateError::Slot(io::Error::new(io::ErrorKind::InvalidData, what)));
        }
        progress.done_bytes += len as u64;
        tell(progress)?;
    }
    Ok(Written { all_bytes, written_bytes: progress.written_bytes })
}

/// Each block: number of its image, image, number in it, place, length.
fn blocks(manifest: &Manifest) -> impl Iterator<Item = (usize, &ImagePart, u64, u64, usize)> {
    manifest.parts.iter().enumerate().flat_map(move |(number, part)| {
        (0..manifest.blocks(part)).map(move |index| {
            let at = index * u64::from(manifest.block_bytes);
            (number, part, index, at, manifest.block_len(part, index))
        })
    })
}
