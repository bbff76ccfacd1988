//! Reads the body of a request, inside its limits.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use serde_json::Value;

use super::answer::{self, Rejection};
use super::fields::Complaint;
use super::limits::ServerLimits;
use super::problem::ProblemCode;

/// How much of a body that is too large is read and thrown away. A client that is still sending when the
/// connection closes may never see the answer.
const DRAINED_BYTES: usize = 512 * 1024;

/// How long the body is, by what it says of itself: at most `limit_bytes`, as more is not kept.
#[must_use]
pub fn most_bytes(body: &Incoming, limit_bytes: usize) -> usize {
    let said = body.size_hint().upper().and_then(|bytes| usize::try_from(bytes).ok());
    said.map_or(limit_bytes, |bytes| bytes.min(limit_bytes))
}

/// The whole body, of at most `limit_bytes`.
///
/// # Errors
/// 413 when it is too large, 408 when it takes too long, 400 when it breaks off; the connection ends with each.
pub async fn read(body: Incoming, limit_bytes: usize, limits: &ServerLimits) -> Result<Bytes, Rejection> {
    match tokio::time::timeout(limits.body_time, collect(body, limit_bytes)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(refusal)) => Err(refusal.closing()),
        Err(_) => {
            Err(answer::refuse(ProblemCode::BodyTimeout, "the body of the request took too long").closing())
        }
    }
}

async fn collect(mut body: Incoming, limit: usize) -> Result<Bytes, Rejection> {
    let mut collected = BytesMut::new();
    let mut read = 0;
    // A chunked body says its length only at the end, so the length is checked at each chunk.
    let mut too_large = body.size_hint().lower() > limit as u64;
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|_| answer::refuse(ProblemCode::InvalidJson, "There was an error parsing the body"))?;
        let Ok(data) = frame.into_data() else { continue };
        read += data.len();
        too_large |= read > limit;
        if too_large {
            collected.clear();
            if read > DRAINED_BYTES {
                break;
            }
        } else {
            collected.extend_from_slice(&data);
        }
    }
    if too_large {
        let why = format!("the body of the request is larger than {limit} bytes");
        return Err(answer::refuse(ProblemCode::BodyTooLarge, why));
    }
    Ok(collected.freeze())
}

/// The body as JSON, whatever its content type says; none when it is empty.
///
/// # Errors
/// 400 when it is no JSON, 422 when a key is there twice.
pub fn json(body: &[u8]) -> Result<Option<Value>, Rejection> {
    if body.is_empty() {
        return Ok(None);
    }
    super::json::read(body).map(Some).map_err(|error| {
        if error.is_data() {
            let complaint = Complaint::new(vec!["body".into()], error.to_string(), "value_error.doubled");
            return answer::unprocessable(&[complaint]);
        }
        answer::refuse(ProblemCode::InvalidJson, "There was an error parsing the body")
    })
}
