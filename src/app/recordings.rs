//! Recordings reader: the flight recorder's archive behind the API's port.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api::port::{RecordingError, RecordingFormat, RecordingSpan, Recordings};
use crate::diag::recorder::archive::ArchiveError;
use crate::diag::recorder::{Archive, export};

/// Number of recordings that may be in memory as text at once; each has some megabytes for as long as its client reads
/// it.
const READ_AT_ONCE: usize = 2;

/// Reads and exports recordings of an archive, a few at a time.
pub struct RecordingsReader {
    archive: Arc<Archive>,
    permits: Arc<Semaphore>,
}

impl RecordingsReader {
    /// A reader of this archive.
    pub fn of(archive: Arc<Archive>) -> Arc<dyn Recordings> {
        Arc::new(RecordingsReader { archive, permits: Arc::new(Semaphore::new(READ_AT_ONCE)) })
    }
}

/// Text of a recording, with the permit that is released when the last byte is sent.
struct ExportInMemory {
    text: Vec<u8>,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for ExportInMemory {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

impl Recordings for RecordingsReader {
    fn list(&self) -> Vec<Value> {
        self.archive.list().iter().map(export::summary).collect()
    }

    fn read(&self, id: u64, form: RecordingFormat, part: &RecordingSpan) -> Result<Bytes, RecordingError> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().map_err(|_| RecordingError::Busy)?;
        let (entry, recording) = self.archive.read(id).map_err(|error| match error {
            ArchiveError::Unknown => RecordingError::Unknown,
            ArchiveError::Damaged(_) | ArchiveError::System(_) => {
                tracing::warn!(id, %error, "a recording cannot be told");
                RecordingError::Unreadable(error.to_string())
            }
        })?;
        let part = export::ExportSpan { seconds: part.from_s..=part.to_s, every: part.every };
        let text = match form {
            RecordingFormat::Json => export::json(&entry, &recording, &part),
            RecordingFormat::Csv => export::csv(&recording, &part).into_bytes(),
        };
        Ok(Bytes::from_owner(ExportInMemory { text, _permit: permit }))
    }
}
