//! The file of an update, read once from its beginning to its end, with one block in memory.
//!
//! ```text
//! 8 bytes   "YEPUPD" and the form of the file, two digits
//! 4 bytes   length of the manifest, little-endian
//! manifest  JSON
//! 64 bytes  Ed25519 signature of it
//! table     for each block that is not only zeros: image (1), number (4), packed length (4), SHA-256 of it packed (32)
//! blocks    in that order, each packed by itself (a frame of Zstandard, RFC 8878)
//! ```
//!
//! The manifest has the hash of the table, the table those of the packed blocks: each byte that is used was signed.

use std::io::{ErrorKind, Read};

use ruzstd::decoding::FrameDecoder;
use sha2::{Digest as _, Sha256};

use super::key::SIGNATURE_BYTES;
use super::{Manifest, UpdateError, UpdateKeys};

/// The first bytes of every form.
const MAGIC: &[u8; 6] = b"YEPUPD";
/// The form that this program reads.
const FORM: u32 = 1;
/// Longest manifest.
const MANIFEST_BYTES: usize = 64 << 10;
/// Longest table: 25 000 blocks.
const TABLE_BYTES: u32 = 1 << 20;
/// Length of an entry of the table.
pub const ENTRY_BYTES: usize = 41;
/// What packing may add to a block that cannot be packed.
const PACKING_BYTES: u32 = 4_096;

/// A hash of a block.
pub type BlockHash = [u8; 32];

/// A block of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    part: usize,
    index: u64,
    packed_bytes: usize,
    hash: BlockHash,
}

/// An update whose signature and table were verified.
pub struct UpdateReader<R> {
    source: R,
    manifest: Manifest,
    signer: String,
    table: Vec<Entry>,
    next: usize,
    packed: Vec<u8>,
    unpacker: FrameDecoder,
}

impl<R: Read> UpdateReader<R> {
    /// Reads up to the first block.
    ///
    /// # Errors
    /// Not an update, not signed by a trusted key, damaged or truncated.
    pub fn open(mut source: R, keys: &UpdateKeys) -> Result<UpdateReader<R>, UpdateError> {
        let mut head = [0; 12];
        read(&mut source, &mut head).map_err(|error| match error {
            UpdateError::Truncated => UpdateError::NoUpdate,
            other => other,
        })?;
        let form = std::str::from_utf8(&head[6..8]).ok().and_then(|digits| digits.parse().ok());
        let form: u32 = form.filter(|_| head.starts_with(MAGIC)).ok_or(UpdateError::NoUpdate)?;
        if form != FORM {
            return Err(UpdateError::NewerForm(form));
        }
        let length = u32::from_le_bytes([head[8], head[9], head[10], head[11]]) as usize;
        if length > MANIFEST_BYTES {
            return Err(UpdateError::Damaged(format!("a description of {length} bytes")));
        }
        let mut text = vec![0; length];
        read(&mut source, &mut text)?;
        let mut signature = [0; SIGNATURE_BYTES];
        read(&mut source, &mut signature)?;
        let signer = keys.verify(&text, &signature)?.to_owned();
        let manifest = Manifest::parse(&text)?;

        if manifest.table_bytes > TABLE_BYTES {
            return Err(UpdateError::Damaged(format!("a table of {} bytes", manifest.table_bytes)));
        }
        let mut table = vec![0; manifest.table_bytes as usize];
        read(&mut source, &mut table)?;
        if data_encoding::HEXLOWER.encode(&Sha256::digest(&table)) != manifest.table_sha256 {
            return Err(UpdateError::Damaged("its table".into()));
        }
        let table = entries(&manifest, &table)?;
        Ok(UpdateReader {
            source,
            manifest,
            signer,
            table,
            next: 0,
            packed: Vec::new(),
            unpacker: FrameDecoder::new(),
        })
    }

    /// Its description.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The owner of the key that signed it.
    pub fn signer(&self) -> &str {
        &self.signer
    }

    /// Reads this block of this image into `block`, which has its length. Blocks are asked for in order; those that are not
    /// in the table are zeros.
    ///
    /// # Errors
    /// Damaged or truncated. `block` then has no meaning.
    pub fn block(&mut self, part: usize, index: u64, block: &mut [u8]) -> Result<(), UpdateError> {
        let Some(entry) =
            self.table.get(self.next).filter(|entry| (entry.part, entry.index) == (part, index))
        else {
            block.fill(0);
            return Ok(());
        };
        self.next += 1;
        self.packed.resize(entry.packed_bytes, 0);
        read(&mut self.source, &mut self.packed)?;
        // Nothing reaches the unpacker that was not signed.
        let is_signed = Sha256::digest(&self.packed)[..] == entry.hash;
        if !is_signed
            || !self.unpacker.decode_all(&self.packed, block).is_ok_and(|bytes| bytes == block.len())
        {
            return Err(UpdateError::Damaged(format!("block {index} of image {part}")));
        }
        Ok(())
    }
}

/// Parses the table, whose entries are in ascending order and inside of their images.
fn entries(manifest: &Manifest, table: &[u8]) -> Result<Vec<Entry>, UpdateError> {
    let wrong = || UpdateError::Damaged("its table makes no sense".into());
    let (whole, rest) = table.as_chunks::<ENTRY_BYTES>();
    if !rest.is_empty() {
        return Err(wrong());
    }
    let mut entries: Vec<Entry> = Vec::with_capacity(whole.len());
    for bytes in whole {
        let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let mut hash = BlockHash::default();
        hash.copy_from_slice(&bytes[9..]);
        let (part, index, packed) = (usize::from(bytes[0]), u64::from(number(1)), number(5));
        let fits = manifest.parts.get(part).is_some_and(|part| index < manifest.blocks(part));
        let follows = entries.last().is_none_or(|last| (last.part, last.index) < (part, index));
        if !fits || !follows || packed > manifest.block_bytes + PACKING_BYTES {
            return Err(wrong());
        }
        entries.push(Entry { part, index, packed_bytes: packed as usize, hash });
    }
    Ok(entries)
}

fn read(source: &mut impl Read, bytes: &mut [u8]) -> Result<(), UpdateError> {
    source.read_exact(bytes).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => UpdateError::Truncated,
        _ => UpdateError::Source(error),
    })
}
