//! T-Code on a stream of bytes: TCP, a serial line, a pseudo terminal.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{interval, timeout};

use super::link::{FeedLink, LinkOrigin};
use super::service::FeedService;
use crate::feeds::tcode::{TcodeAnswer, TcodeEvent, TcodeSession};
use crate::motion::FeedTarget;

/// Bytes that are read at once: two longest lines.
const READ_BYTES: usize = 2048;
/// A client that does not take an answer for so long has gone.
const ANSWER_TIME: Duration = Duration::from_secs(1);
/// How often an open stream is a sign of life.
const ALIVE_EVERY: Duration = Duration::from_secs(1);

/// What came in one piece: it is carried out in the same instant, so the last target counts.
#[derive(Debug, Default)]
pub struct TcodeCommands {
    /// What is done in order: a stop, and the target behind it.
    stops: bool,
    target: Option<FeedTarget>,
    answers: Vec<TcodeAnswer>,
}

impl TcodeCommands {
    /// Adds what a line says.
    pub fn add(&mut self, event: TcodeEvent) {
        match event {
            TcodeEvent::Toward(target) => self.target = Some(target),
            TcodeEvent::Stop => (self.stops, self.target) = (true, None),
            TcodeEvent::Answer(answer) => self.answers.push(answer),
        }
    }

    /// Carries it out; the answers.
    pub async fn carry_out(self, link: &FeedLink) -> Vec<TcodeAnswer> {
        if self.stops {
            link.stop().await;
        }
        if let Some(target) = self.target {
            // T-Code has no word for a refusal; the status of the feed has it.
            let _ = link.toward(target).await;
        }
        self.answers
    }
}

/// Serves one stream to its end, which is a planned stop.
pub async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    service: Arc<FeedService>,
    origin: LinkOrigin,
) {
    let Some(link) = service.open(origin) else { return };
    let mut session = TcodeSession::default();
    let mut bytes = vec![0; READ_BYTES];
    let mut signs = interval(ALIVE_EVERY);
    loop {
        let length = tokio::select! {
            read = stream.read(&mut bytes) => match read {
                Ok(0) | Err(_) => return,
                Ok(length) => length,
            },
            _ = signs.tick() => {
                link.is_alive();
                continue;
            }
        };
        let mut commands = TcodeCommands::default();
        session.feed(&bytes[..length], |event| commands.add(event));
        for answer in commands.carry_out(&link).await {
            let written = timeout(ANSWER_TIME, stream.write_all(answer.line().as_bytes())).await;
            if !matches!(written, Ok(Ok(()))) {
                return;
            }
        }
    }
}
