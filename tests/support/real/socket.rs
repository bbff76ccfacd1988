//! WebSocket client that keeps every frame with the instant of its arrival.

use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

use super::PATIENCE;

/// A frame with its instant of arrival.
#[derive(Debug, Clone)]
pub struct Frame {
    pub at: Instant,
    pub text: String,
}

impl Frame {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The message of the frame: a stream sends arrays of one.
    #[track_caller]
    pub fn message(&self) -> Value {
        match self.json() {
            Value::Array(mut one) if one.len() == 1 => one.remove(0),
            other => panic!("{other}"),
        }
    }
}

#[derive(Default)]
struct SocketLog {
    frames: Vec<Frame>,
    /// The server's close code, once it has closed; 0 without one.
    closed: Option<u16>,
}

/// A client of one stream.
pub struct Socket {
    writer: WebSocket<TcpStream>,
    heard: Arc<(Mutex<SocketLog>, Condvar)>,
}

/// Connects from this host without reading anything behind the handshake.
#[track_caller]
pub fn connect(address: SocketAddr, stream: &str) -> WebSocket<TcpStream> {
    connect_as(address, &format!("localhost:{}", address.port()), stream)
}

fn connect_as(address: SocketAddr, host: &str, stream: &str) -> WebSocket<TcpStream> {
    let tcp = TcpStream::connect(address).expect("no server");
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    tcp.set_nodelay(true).unwrap();
    let url = format!("ws://{host}/api/stream/{stream}");
    let (socket, _) = client(url, tcp).unwrap_or_else(|error| panic!("{stream}: {error}"));
    socket.get_ref().set_read_timeout(None).unwrap();
    socket
}

impl Socket {
    #[track_caller]
    pub fn open(address: SocketAddr, stream: &str) -> Socket {
        Socket::open_as(address, &format!("localhost:{}", address.port()), stream)
    }

    /// Opens a socket with another name of the server in its request.
    #[track_caller]
    pub fn open_as(address: SocketAddr, host: &str, stream: &str) -> Socket {
        let mut reader = connect_as(address, host, stream);
        // Frames are small, so each is sent in one piece, also beside a pong of the reader.
        let writer = WebSocket::from_raw_socket(reader.get_ref().try_clone().unwrap(), Role::Client, None);
        let heard = Arc::new((Mutex::new(SocketLog::default()), Condvar::new()));
        let hearing = Arc::clone(&heard);
        std::thread::spawn(move || {
            loop {
                let message = reader.read();
                let at = Instant::now();
                let mut heard = hearing.0.lock().unwrap();
                match message {
                    Ok(Message::Text(text)) => heard.frames.push(Frame { at, text: text.to_string() }),
                    Ok(Message::Close(frame)) => {
                        heard.closed = Some(frame.map_or(0, |frame| frame.code.into()))
                    }
                    Ok(_) => {}
                    Err(_) => {
                        heard.closed.get_or_insert(0);
                    }
                }
                hearing.1.notify_all();
                if heard.closed.is_some() {
                    return;
                }
            }
        });
        Socket { writer, heard }
    }

    pub fn send(&mut self, text: &str) {
        self.writer.send(Message::text(text)).unwrap();
    }

    /// All frames until now.
    pub fn frames(&self) -> Vec<Frame> {
        self.heard.0.lock().unwrap().frames.clone()
    }

    /// Number of frames so far, for waiting for a later one.
    pub fn count(&self) -> usize {
        self.heard.0.lock().unwrap().frames.len()
    }

    /// Waits for the first frame behind the first `from` that fits; returns the number of frames up to it, and the
    /// frame.
    #[track_caller]
    pub fn wait_from(&self, from: usize, what: &str, fits: impl Fn(&Frame) -> bool) -> (usize, Frame) {
        let began = Instant::now();
        let mut seen = from;
        let mut heard = self.heard.0.lock().unwrap();
        loop {
            while let Some(frame) = heard.frames.get(seen) {
                seen += 1;
                if fits(frame) {
                    return (seen, frame.clone());
                }
            }
            let left = PATIENCE.saturating_sub(began.elapsed());
            let last = heard.frames.last().map(|frame| frame.text.chars().take(500).collect::<String>());
            assert!(!left.is_zero() && heard.closed.is_none(), "{what}: no such frame; the last: {last:?}");
            heard = self.heard.1.wait_timeout(heard, left.min(Duration::from_millis(100))).unwrap().0;
        }
    }

    /// Waits for the server's close code.
    #[track_caller]
    pub fn closed(&self) -> u16 {
        super::eventually("the server closes the socket", || self.heard.0.lock().unwrap().closed)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Ends the thread that reads.
        let _ = self.writer.get_ref().shutdown(std::net::Shutdown::Both);
    }
}
