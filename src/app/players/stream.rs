//! Connections on which a player speaks by itself: mpv, HereSphere, DeoVR.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::desk::PlayerDesk;
use super::{DIAL_TIME, SEND_TIME};
use crate::players::headset::{self, HeadsetSession};
use crate::players::mpv::{self, MpvSession};
use crate::players::{MediaUpdate, PlayerAddress, PlayerError, PlayerKind, PlayerSource};

/// How often a player gets a sign of life, and mpv the question for its position.
const TALK_EVERY: Duration = Duration::from_secs(headset::KEEP_ALIVE_S);
/// mpv answers each question, also while it is paused; the others may be silent then.
const MPV_SILENT: Duration = Duration::from_secs(4);
/// Bytes that are read at once.
const READ_BYTES: usize = 4_096;

trait PlayerStream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> PlayerStream for T {}

/// Reader of one of the protocols.
enum PlayerSession {
    Mpv(MpvSession),
    Headset(HeadsetSession),
}

impl PlayerSession {
    fn of(kind: PlayerKind) -> PlayerSession {
        match kind {
            PlayerKind::Mpv | PlayerKind::Vlc => PlayerSession::Mpv(MpvSession::default()),
            PlayerKind::HereSphere => PlayerSession::Headset(HeadsetSession::of_heresphere()),
            PlayerKind::DeoVr => PlayerSession::Headset(HeadsetSession::of_deovr()),
        }
    }

    fn feed(&mut self, bytes: &[u8], take: impl FnMut(Result<MediaUpdate, PlayerError>)) {
        match self {
            PlayerSession::Mpv(session) => session.feed(bytes, take),
            PlayerSession::Headset(session) => session.feed(bytes, take),
        }
    }

    /// What is said first.
    const fn greeting(&self) -> &'static [u8] {
        match self {
            PlayerSession::Mpv(_) => mpv::SUBSCRIBE.as_bytes(),
            PlayerSession::Headset(_) => &headset::KEEP_ALIVE,
        }
    }

    /// What is said each second.
    const fn sign_of_life(&self) -> &'static [u8] {
        match self {
            PlayerSession::Mpv(_) => mpv::ASK_POSITION.as_bytes(),
            PlayerSession::Headset(_) => &headset::KEEP_ALIVE,
        }
    }

    /// What is said behind what was read.
    fn reply(&mut self) -> Option<&'static [u8]> {
        match self {
            PlayerSession::Mpv(session) => session.takes_question().then_some(mpv::ASK_POSITION.as_bytes()),
            PlayerSession::Headset(_) => None,
        }
    }

    /// How long it may be silent.
    const fn silent(&self) -> Duration {
        match self {
            PlayerSession::Mpv(_) => MPV_SILENT,
            PlayerSession::Headset(_) => Duration::MAX,
        }
    }
}

/// Follows a player until its connection fails; why it did.
pub async fn follow(source: &PlayerSource, desk: &mut PlayerDesk) -> io::Error {
    let opened = timeout(DIAL_TIME, open(&source.address)).await;
    match opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(stream) => {
            desk.is_connected(source);
            listen(stream, PlayerSession::of(source.kind), desk).await
        }
        Err(error) => error,
    }
}

async fn open(address: &PlayerAddress) -> io::Result<Box<dyn PlayerStream>> {
    match address {
        PlayerAddress::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        PlayerAddress::Tcp { host, port } => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
    }
}

async fn listen(
    mut stream: Box<dyn PlayerStream>,
    mut session: PlayerSession,
    desk: &mut PlayerDesk,
) -> io::Error {
    if let Err(error) = send(&mut stream, session.greeting()).await {
        return error;
    }
    let mut heard = Instant::now();
    let mut talk = interval(TALK_EVERY);
    talk.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut bytes, mut updates) = ([0; READ_BYTES], Vec::new());
    loop {
        let said = tokio::select! {
            read = stream.read(&mut bytes) => match read {
                Ok(0) => return io::Error::other("the player has closed the connection"),
                Ok(count) => {
                    heard = Instant::now();
                    session.feed(&bytes[..count], |update| updates.push(update));
                    session.reply()
                }
                Err(error) => return error,
            },
            _ = talk.tick() => {
                if heard.elapsed() >= session.silent() {
                    return io::Error::other("the player does not answer any more");
                }
                Some(session.sign_of_life())
            }
        };
        for update in updates.drain(..) {
            match update {
                Ok(update) => desk.report(heard, update).await,
                Err(error) => return io::Error::other(error),
            }
        }
        if let Some(said) = said
            && let Err(error) = send(&mut stream, said).await
        {
            return error;
        }
    }
}

async fn send(stream: &mut Box<dyn PlayerStream>, bytes: &[u8]) -> io::Result<()> {
    timeout(SEND_TIME, stream.write_all(bytes)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
