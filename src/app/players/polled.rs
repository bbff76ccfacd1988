//! VLC, which is asked for its status again and again.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use data_encoding::BASE64;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1::handshake;
use hyper::header::{AUTHORIZATION, CONNECTION, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::DIAL_TIME;
use super::desk::PlayerDesk;
use crate::players::vlc::{self, VlcPolls, VlcStatus};
use crate::players::{PlayerAddress, PlayerSource};
use crate::units::Nanos;

/// How long an answer may take: VLC answers nothing while a slow disk or network holds it up.
const ANSWER_TIME: Duration = Duration::from_secs(2);

/// Follows a VLC until it is gone; how that was noticed.
pub async fn follow(source: &PlayerSource, desk: &mut PlayerDesk) -> io::Error {
    let PlayerAddress::Tcp { host, port } = &source.address else {
        return io::Error::other("VLC is reached over TCP");
    };
    let address = VlcAddress {
        host,
        port: *port,
        authority: source.address.to_string(),
        credentials: format!("Basic {}", BASE64.encode(format!(":{}", source.password).as_bytes())),
    };
    match poll(&address, source, desk).await {
        Err(error) => error,
        Ok(never) => match never {},
    }
}

async fn poll(
    address: &VlcAddress<'_>,
    source: &PlayerSource,
    desk: &mut PlayerDesk,
) -> io::Result<std::convert::Infallible> {
    let begun = Instant::now();
    let since_ns = |at: Instant| at.duration_since(begun).as_nanos() as Nanos;
    let mut polls = VlcPolls::default();
    // Name of what plays, by its number in the playlist.
    let mut named: Option<(i64, Option<String>)> = None;
    let mut is_first = true;
    loop {
        let (read, body) = address.get(vlc::STATUS, vlc::MAX_STATUS_BYTES).await?;
        let status = VlcStatus::read(&body).map_err(io::Error::other)?;
        if std::mem::take(&mut is_first) {
            desk.is_connected(source);
        }
        let media = match (&status.file, &named) {
            (Some(file), _) => Some(file.clone()),
            (None, _) if status.playlist_id < 0 => None,
            (None, Some((id, name))) if *id == status.playlist_id => name.clone(),
            (None, _) => {
                let (_, body) = address.get(vlc::PLAYLIST, vlc::MAX_PLAYLIST_BYTES).await?;
                let name = vlc::playlist_media(&body, status.playlist_id).map_err(io::Error::other)?;
                named = Some((status.playlist_id, name.clone()));
                name
            }
        };
        if let Some((held_ns, update)) = polls.take(since_ns(read), status, media) {
            desk.report(begun + Duration::from_nanos(held_ns), update).await;
        }
        sleep(Duration::from_millis(polls.wait_ms())).await;
    }
}

/// HTTP interface of a VLC.
struct VlcAddress<'a> {
    host: &'a str,
    port: u16,
    authority: String,
    credentials: String,
}

impl VlcAddress<'_> {
    /// What VLC answers, and when it read the request.
    ///
    /// VLC makes its answer as soon as it has the request, and sends it 20 to 60 ms later (measured: readings of clients with
    /// different round trips agree on the instant at which a request arrives, and contradict each other on any later one).
    /// So half of the round trip is taken from the handshake of TCP, which has no such delay. It also is the reason for a
    /// connection of its own for each request: on one that is kept, the delay is three times as long.
    async fn get(&self, path: &str, max_bytes: usize) -> io::Result<(Instant, Bytes)> {
        let late = |_| io::Error::other("VLC does not answer");
        let dialled = Instant::now();
        let dialling = timeout(DIAL_TIME, TcpStream::connect((self.host, self.port)));
        let stream = dialling.await.map_err(late)??;
        stream.set_nodelay(true)?;
        let sent = Instant::now();
        let read = sent + sent.duration_since(dialled) / 2;
        let body = timeout(ANSWER_TIME, self.exchange(stream, path, max_bytes)).await.map_err(late)??;
        Ok((read, body))
    }

    async fn exchange(&self, stream: TcpStream, path: &str, max_bytes: usize) -> io::Result<Bytes> {
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        let request = Request::get(path)
            .header(HOST, &self.authority)
            .header(AUTHORIZATION, &self.credentials)
            .header(CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(io::Error::other)?;
        let answering = async {
            let answer = sender.send_request(request).await.map_err(io::Error::other)?;
            match answer.status() {
                StatusCode::OK => {}
                StatusCode::UNAUTHORIZED => return Err(io::Error::other("VLC has another password")),
                status => return Err(io::Error::other(format!("it answers {status}, as no VLC does"))),
            }
            let body =
                Limited::new(answer.into_body(), max_bytes).collect().await.map_err(io::Error::other)?;
            Ok(body.to_bytes())
        };
        // The connection's errors show in the answer.
        let (answer, _) = tokio::join!(answering, connection);
        answer
    }
}
