//! The body of a request on its way to the helper, and what the helper says meanwhile.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::OwnedWriteHalf;

use super::helper::{self, HelperAnswer, HelperAnswers, HelperRequest};
use super::refusal::UpdateRefusal;
use crate::api::body_stream::{BodyStream, BodyStreamError};
use crate::api::problem::ProblemCode;

/// News of a transfer.
#[derive(Debug)]
pub enum TransferNews {
    /// So many bytes more have come.
    Received(usize),
    /// The helper says something.
    Heard(Box<HelperAnswer>),
}

/// So long a helper that is told to give up may write on.
const END_TIME: Duration = Duration::from_secs(10);

/// Hands the update on, until the helper has taken or refused it, or until `given_up` says why it is given up: then its file ends too
/// early, or nobody listens any more, and the helper keeps nothing.
///
/// # Errors
/// [`UpdateRefusal`].
pub async fn carry(
    (socket, request): (&Path, HelperRequest),
    body: &mut BodyStream,
    tell: &(impl Fn(TransferNews) + Sync),
    given_up: impl Future<Output = UpdateRefusal> + Send,
) -> Result<(), UpdateRefusal> {
    let asked = helper::ask(socket, request).await;
    let (answers, bytes) = asked.map_err(|error| UpdateRefusal::unreachable(&error))?;
    let only_checks = matches!(request, HelperRequest::Take { check: true, .. });
    let mut given_up = pin!(given_up);
    let mut hearing = pin!(hear(answers, only_checks, tell));
    let refusal = {
        let mut sending = pin!(send(body, bytes, tell));
        let mut is_sent = false;
        loop {
            tokio::select! {
                biased;
                refusal = &mut given_up => {
                    if is_sent {
                        return Err(refusal);
                    }
                    break refusal;
                }
                heard = &mut hearing => return heard,
                sent = &mut sending, if !is_sent => match sent {
                    Ok(()) => is_sent = true,
                    Err(refusal) => break refusal,
                }
            }
        }
    };
    // Its file has ended too early. What it says of that is known; when it has ended, it can be asked again.
    let _ = tokio::time::timeout(END_TIME, hearing).await;
    Err(refusal)
}

/// Reads what the helper says, to the end of the update.
async fn hear(
    mut answers: HelperAnswers,
    only_checks: bool,
    tell: &impl Fn(TransferNews),
) -> Result<(), UpdateRefusal> {
    let broke = |error: io::Error| UpdateRefusal::failed(format!("the helper that writes updates: {error}"));
    while let Some(answer) = answers.next().await.map_err(broke)? {
        let is_end = match &answer {
            HelperAnswer::Refused { code, message } => return Err(UpdateRefusal::of_helper(code, message)),
            HelperAnswer::Accepted(_) => only_checks,
            HelperAnswer::Done(_) => true,
            _ => false,
        };
        tell(TransferNews::Heard(Box::new(answer)));
        if is_end {
            return Ok(());
        }
    }
    Err(UpdateRefusal::ended_silently())
}

/// Hands the bytes on. That the helper takes no more is no error: it says itself why.
async fn send(
    body: &mut BodyStream,
    mut bytes: OwnedWriteHalf,
    tell: &impl Fn(TransferNews),
) -> Result<(), UpdateRefusal> {
    while let Some(part) = body.next().await.map_err(broken)? {
        tell(TransferNews::Received(part.len()));
        if bytes.write_all(&part).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn broken(error: BodyStreamError) -> UpdateRefusal {
    let code = match error {
        BodyStreamError::Broken => ProblemCode::Truncated,
        BodyStreamError::Stalled(_) => ProblemCode::BodyTimeout,
        BodyStreamError::TooLarge => ProblemCode::BodyTooLarge,
    };
    UpdateRefusal::new(code, format!("the update: {error}"))
}
