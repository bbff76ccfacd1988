//! The form of a recording on disk.
//!
//! ```text
//! magic and version   8 bytes
//! length of the head  u32, little-endian
//! checksum of it      CRC-32, u32
//! number of records   u32
//! head                JSON, what is known about the recording
//! records             40 bytes each
//! checksum of them    CRC-32, u32
//! ```
//!
//! The head has a checksum of its own, so that a list of recordings needs no more than the heads. The words behind the
//! numbers in the records are in the head: a newer program, with other words, reads an old file right.

use super::record::{self, Record};
use super::recording::{Recording, RecordingSummary};
use super::ring::CAPACITY;

/// What a file begins with; the last byte is the version of the form.
const MAGIC: [u8; 8] = *b"yeprec\0\x01";
/// Bytes before the head.
const FIXED_BYTES: usize = 20;
/// Longest head that is read: one has about two kilobytes.
const HEAD_MAX_BYTES: usize = 64 * 1024;
const CRC_BYTES: usize = 4;

/// How much of a file says what it is about.
pub const ABOUT_BYTES: usize = FIXED_BYTES + HEAD_MAX_BYTES;
/// The longest file that there can be.
pub const MAX_BYTES: usize = ABOUT_BYTES + CAPACITY * record::BYTES + CRC_BYTES;

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Damage {
    /// It is none of ours, or from a newer program.
    #[error("it is no recording of this version")]
    Foreign,
    /// It ends early, or goes on too long.
    #[error("it is {found} bytes long, and says that it has {said}")]
    Length {
        /// What its length should be.
        said: u64,
        /// What it is.
        found: u64,
    },
    /// A checksum is wrong.
    #[error("the checksum of its {0} is wrong")]
    Checksum(&'static str),
    /// The head has a right checksum, and makes no sense.
    #[error("its head makes no sense: {0}")]
    Head(String),
}

/// The file of a recording.
///
/// # Panics
/// Never: what is known about a recording is always JSON, and short.
#[must_use]
pub fn encode(recording: &Recording) -> Vec<u8> {
    let head = serde_json::to_vec(&recording.about).unwrap_or_default();
    let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let records_bytes = recording.records.len() * record::BYTES;
    let mut file = Vec::with_capacity(FIXED_BYTES + head.len() + records_bytes + CRC_BYTES);
    file.extend(MAGIC);
    file.extend(length(head.len()));
    file.extend(crc32fast::hash(&head).to_le_bytes());
    file.extend(length(recording.records.len()));
    file.extend(&head);
    let begin = file.len();
    for record in &recording.records {
        file.extend(record.to_bytes());
    }
    let crc = crc32fast::hash(&file[begin..]);
    file.extend(crc.to_le_bytes());
    file
}

/// What a file is about, from its first [`ABOUT_BYTES`] and its length; and where its records begin and end.
///
/// # Errors
/// [`Damage`], apart from that of the records.
pub fn about(begin: &[u8], file_bytes: u64) -> Result<(RecordingSummary, core::ops::Range<usize>), Damage> {
    let (magic, rest) = begin.split_first_chunk::<8>().ok_or(Damage::Foreign)?;
    if *magic != MAGIC {
        return Err(Damage::Foreign);
    }
    let short = Damage::Length { said: FIXED_BYTES as u64, found: file_bytes };
    let Some((fixed, rest)) = rest.split_first_chunk::<{ FIXED_BYTES - 8 }>() else { return Err(short) };
    let number = |index: usize| u32::from_le_bytes(core::array::from_fn(|byte| fixed[4 * index + byte]));
    let (head_bytes, head_crc, records) = (number(0) as usize, number(1), number(2) as usize);
    if head_bytes > HEAD_MAX_BYTES || records == 0 || records > CAPACITY {
        return Err(Damage::Foreign);
    }
    let records_begin = FIXED_BYTES + head_bytes;
    let records_end = records_begin + records * record::BYTES;
    let said = (records_end + CRC_BYTES) as u64;
    if said != file_bytes {
        return Err(Damage::Length { said, found: file_bytes });
    }
    let head = rest.get(..head_bytes).ok_or(Damage::Length { said, found: file_bytes })?;
    if crc32fast::hash(head) != head_crc {
        return Err(Damage::Checksum("head"));
    }
    let about = serde_json::from_slice(head).map_err(|error| Damage::Head(error.to_string()))?;
    Ok((about, records_begin..records_end))
}

/// The recording of a file.
///
/// # Errors
/// [`Damage`].
pub fn decode(file: &[u8]) -> Result<Recording, Damage> {
    let (about, range) = about(file, file.len() as u64)?;
    let (records, crc) = file[range.start..].split_at(range.len());
    if crc32fast::hash(records).to_le_bytes() != crc {
        return Err(Damage::Checksum("records"));
    }
    let (chunks, _) = records.as_chunks::<{ record::BYTES }>();
    Ok(Recording { about, records: chunks.iter().map(Record::from_bytes).collect() })
}
