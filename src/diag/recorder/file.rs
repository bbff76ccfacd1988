//! File format of a recording.
//!
//! ```text
//! magic and version   8 bytes
//! length of the head  u32, little-endian
//! checksum of it      CRC-32, u32
//! number of records   u32
//! head                JSON, a `RecordingHead`
//! records             40 bytes each
//! checksum of them    CRC-32, u32
//! ```
//!
//! The head has a checksum of its own, so a list of recordings needs only the heads. The table of words for the numbers
//! in the records is in the head, so a newer program with other words reads an old file correctly.

use super::record::{self, Record};
use super::recording::{Recording, RecordingHead};
use super::ring::CAPACITY;

/// Magic number of a file; the last byte is the version of the format.
const MAGIC: [u8; 8] = *b"yeprec\0\x01";
/// Bytes before the head.
const FIXED_BYTES: usize = 20;
/// Longest head that is read; a usual one has two kilobytes.
const HEAD_MAX_BYTES: usize = 64 * 1024;
const CRC_BYTES: usize = 4;

/// Number of bytes from the start of a file that hold its head.
pub const BEGIN_BYTES: usize = FIXED_BYTES + HEAD_MAX_BYTES;
/// Longest possible file.
pub const MAX_BYTES: usize = BEGIN_BYTES + CAPACITY * record::BYTES + CRC_BYTES;

/// The reason why a file cannot be decoded.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RecordingFileError {
    /// It is no recording, or from a newer program.
    #[error("it is no recording of this version")]
    Foreign,
    /// It is shorter or longer than its head says.
    #[error("it is {found} bytes long, and says that it has {said}")]
    Length {
        /// Length according to the head.
        said: u64,
        /// Actual length.
        found: u64,
    },
    /// A checksum is wrong.
    #[error("the checksum of its {0} is wrong")]
    Checksum(&'static str),
    /// The head has a correct checksum and cannot be parsed.
    #[error("its head makes no sense: {0}")]
    Head(String),
}

/// Encodes a recording.
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

/// Decodes the head from the first [`BEGIN_BYTES`] of a file and its length; also returns the range of its
/// records.
///
/// # Errors
/// [`RecordingFileError`], except of the records.
pub fn decode_head(
    begin: &[u8],
    file_bytes: u64,
) -> Result<(RecordingHead, core::ops::Range<usize>), RecordingFileError> {
    let (magic, rest) = begin.split_first_chunk::<8>().ok_or(RecordingFileError::Foreign)?;
    if *magic != MAGIC {
        return Err(RecordingFileError::Foreign);
    }
    let short = RecordingFileError::Length { said: FIXED_BYTES as u64, found: file_bytes };
    let Some((fixed, rest)) = rest.split_first_chunk::<{ FIXED_BYTES - 8 }>() else { return Err(short) };
    let number = |index: usize| u32::from_le_bytes(core::array::from_fn(|byte| fixed[4 * index + byte]));
    let (head_bytes, head_crc, records) = (number(0) as usize, number(1), number(2) as usize);
    if head_bytes > HEAD_MAX_BYTES || records == 0 || records > CAPACITY {
        return Err(RecordingFileError::Foreign);
    }
    let records_begin = FIXED_BYTES + head_bytes;
    let records_end = records_begin + records * record::BYTES;
    let said = (records_end + CRC_BYTES) as u64;
    if said != file_bytes {
        return Err(RecordingFileError::Length { said, found: file_bytes });
    }
    let head = rest.get(..head_bytes).ok_or(RecordingFileError::Length { said, found: file_bytes })?;
    if crc32fast::hash(head) != head_crc {
        return Err(RecordingFileError::Checksum("head"));
    }
    let about = serde_json::from_slice(head).map_err(|error| RecordingFileError::Head(error.to_string()))?;
    Ok((about, records_begin..records_end))
}

/// Decodes a file.
///
/// # Errors
/// [`RecordingFileError`].
pub fn decode(file: &[u8]) -> Result<Recording, RecordingFileError> {
    let (about, range) = decode_head(file, file.len() as u64)?;
    let (records, crc) = file[range.start..].split_at(range.len());
    if crc32fast::hash(records).to_le_bytes() != crc {
        return Err(RecordingFileError::Checksum("records"));
    }
    let (chunks, _) = records.as_chunks::<{ record::BYTES }>();
    Ok(Recording { about, records: chunks.iter().map(Record::from_bytes).collect() })
}
