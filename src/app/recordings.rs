//! Recordings reader: the flight recorder's archive behind the API's port.

mod document;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api::documents::faults::RecordingSummary;
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
    fn list(&self) -> Vec<RecordingSummary> {
        self.archive.list().iter().map(document::summary).collect()
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
            // Large, so it is serialised without a tree of values. The types have no key that JSON cannot have.
            RecordingFormat::Json => {
                serde_json::to_vec(&document::recording(&entry, &recording, &part)).unwrap_or_default()
            }
            RecordingFormat::Csv => export::csv(&recording, &part).into_bytes(),
        };
        Ok(Bytes::from_owner(ExportInMemory { text, _permit: permit }))
    }
}
