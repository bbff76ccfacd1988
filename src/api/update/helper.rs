//! The helper that owns the card: a process with the rights that this one has not. A connection to its Unix socket carries one request,
//! a line of JSON, and for an update the bytes of the file behind it; the answers are lines of JSON.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use crate::api::documents::update::{CardSystems, OfferedSystem, WrittenSoFar};

/// Longest line of an answer.
const LINE_BYTES: u64 = 64 * 1024;

/// What is asked of the helper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum HelperRequest {
    /// Take the update that follows.
    Take {
        /// Also one that is older than what runs.
        allow_older: bool,
        /// Verify its description only.
        check: bool,
    },
    /// Say which systems there are.
    Show,
    /// Restart into the system that waits for a try.
    Try,
    /// Restart into the other system, which was replaced.
    Back,
}

/// An answer of the helper.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum HelperAnswer {
    /// The update is verified and fits; nothing is written yet.
    Accepted(OfferedSystem),
    /// So much is written.
    Write(WrittenSoFar),
    /// All is written, and so much is read once more.
    Verify(WrittenSoFar),
    /// The new system waits for its first try.
    Done(WrittenSoFar),
    /// It is not done.
    Refused {
        /// The reason, for programs.
        code: String,
        /// The reason, for people.
        message: String,
    },
    /// The systems of the card.
    Slots(Box<CardSystems>),
    /// The computer starts another system now.
    Restarting,
}

/// The answers to one request.
#[derive(Debug)]
pub struct HelperAnswers(BufReader<OwnedReadHalf>);

impl HelperAnswers {
    /// The next answer; none when the helper has closed the connection. A step that is not known here is passed over: a newer helper
    /// may say more.
    ///
    /// # Errors
    /// The system's, or a line that is none.
    pub async fn next(&mut self) -> io::Result<Option<HelperAnswer>> {
        loop {
            let mut line = String::new();
            let read = match (&mut self.0).take(LINE_BYTES).read_line(&mut line).await {
                // It has ended with bytes of ours unread.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => 0,
                read => read?,
            };
            if read == 0 {
                return Ok(None);
            }
            let value: serde_json::Value = serde_json::from_str(&line)?;
            match HelperAnswer::deserialize(&value) {
                Ok(answer) => return Ok(Some(answer)),
                Err(error) => tracing::debug!(%error, "an answer of the helper is passed over"),
            }
        }
    }
}

/// Sends the request; the answers, and where the bytes of an update go.
///
/// # Errors
/// The system's: without a socket there is no helper.
pub async fn ask(socket: &Path, request: HelperRequest) -> io::Result<(HelperAnswers, OwnedWriteHalf)> {
    let (answers, mut bytes) = UnixStream::connect(socket).await?.into_split();
    let mut line = serde_json::to_vec(&request)?;
    line.push(b'\n');
    // One that has ended already may have said why.
    let _ = bytes.write_all(&line).await;
    Ok((HelperAnswers(BufReader::new(answers)), bytes))
}
