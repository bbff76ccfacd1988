//! Content of an answer: whole, or made piece by piece while it is sent. It holds its share of the
//! [memory budget](super::budget) until the last byte is handed over.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use super::budget::Share;

/// What is handed over at once.
const PIECE_BYTES: usize = 64 * 1024;

/// The content of an answer.
#[derive(Debug)]
pub struct Content {
    source: ContentSource,
    share: Option<Share>,
}

#[derive(Debug)]
enum ContentSource {
    Whole(Bytes),
    Pieces(mpsc::Receiver<Bytes>),
}

impl Content {
    /// All of it.
    #[must_use]
    pub fn whole(bytes: impl Into<Bytes>) -> Content {
        Content { source: ContentSource::Whole(bytes.into()), share: None }
    }

    /// What comes until the sender is gone.
    #[must_use]
    pub fn pieces(pieces: mpsc::Receiver<Bytes>, share: Share) -> Content {
        Content { source: ContentSource::Pieces(pieces), share: Some(share) }
    }

    /// All of it, unless it is made while it is sent.
    #[must_use]
    pub fn whole_bytes(&self) -> Option<Bytes> {
        match &self.source {
            ContentSource::Whole(bytes) => Some(bytes.clone()),
            ContentSource::Pieces(_) => None,
        }
    }

    /// Bytes of it that are held in memory without being counted.
    #[must_use]
    pub fn uncounted_bytes(&self) -> usize {
        match (&self.source, &self.share) {
            (ContentSource::Whole(bytes), None) => bytes.len(),
            _ => 0,
        }
    }

    /// Counts it.
    pub fn count(&mut self, share: Share) {
        self.share.get_or_insert(share);
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.source {
            ContentSource::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            // In pieces, so that what the HTTP library holds of it behind the last one is not much.
            ContentSource::Whole(bytes) => {
                let piece = bytes.split_to(bytes.len().min(PIECE_BYTES));
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            ContentSource::Pieces(pieces) => pieces.poll_recv(cx).map(|piece| Some(Ok(Frame::data(piece?)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.source, ContentSource::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            ContentSource::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            ContentSource::Pieces(_) => SizeHint::default(),
        }
    }
}
