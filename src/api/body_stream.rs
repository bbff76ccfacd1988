//! The body of a request, handed on while it comes: what is larger than the memory never lies in it.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::limits::ServerLimits;

/// A body that a handler reads itself. The sender is slowed down while the handler waits.
#[derive(Debug)]
pub struct BodyStream {
    body: Incoming,
    left_bytes: u64,
    /// For the next bytes.
    wait: Duration,
}

/// Why no more comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyStreamError {
    /// The connection broke, or the body is not well written.
    #[error("the connection broke before all of it was here")]
    Broken,
    /// Nothing came for too long.
    #[error("nothing came for {0} s")]
    Stalled(u64),
    /// There is more than the route takes.
    #[error("it is larger than an update may be")]
    TooLarge,
}

impl BodyStream {
    /// A body of at most `limit_bytes`.
    #[must_use]
    pub fn new(body: Incoming, limit_bytes: usize, limits: &ServerLimits) -> BodyStream {
        BodyStream { body, left_bytes: limit_bytes as u64, wait: limits.body_time }
    }

    /// Its length in bytes, if the sender says so.
    #[must_use]
    pub fn length_bytes(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// The next bytes; none at its end.
    ///
    /// # Errors
    /// [`BodyStreamError`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, BodyStreamError> {
        if self.body.size_hint().lower() > self.left_bytes {
            return Err(BodyStreamError::TooLarge);
        }
        loop {
            let frame = tokio::time::timeout(self.wait, self.body.frame()).await;
            let Some(frame) = frame.map_err(|_| BodyStreamError::Stalled(self.wait.as_secs()))? else {
                return Ok(None);
            };
            let Ok(data) = frame.map_err(|_| BodyStreamError::Broken)?.into_data() else { continue };
            let left_bytes = self.left_bytes.checked_sub(data.len() as u64);
            self.left_bytes = left_bytes.ok_or(BodyStreamError::TooLarge)?;
            return Ok(Some(data));
        }
    }

    /// Throws away what still comes, for a while: a client that is still sending when the connection closes may never see the answer.
    pub async fn drain(mut self) {
        let wait = self.wait;
        let draining = async { while let Ok(Some(_)) = self.next().await {} };
        let _ = tokio::time::timeout(wait, draining).await;
    }
}
