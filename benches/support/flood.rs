//! Floods: clients that use as much of a server as they can, each in threads of their own, until they are dropped.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longest wait of a flood's client for an answer before the next request.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts the clients of a flood against a server; they go on until the flag is set.
type Start = fn(SocketAddr, &Arc<AtomicBool>) -> Vec<JoinHandle<()>>;

/// All floods with their names.
pub const FLOODS: [(&str, Start); 11] = [
    ("quiet", |_, _| Vec::new()),
    ("wave_get_2", |to, over| requests(to, over, 2, "/api/wave/get", LONG_WAVE.into())),
    ("wave_get_8", |to, over| requests(to, over, 8, "/api/wave/get", LONG_WAVE.into())),
    ("wave_get_40", |to, over| requests(to, over, 40, "/api/wave/get", LONG_WAVE.into())),
    ("numbers_40", |to, over| requests(to, over, 40, "/api/wave/get", many_numbers())),
    ("backups_60", |to, over| requests(to, over, 60, "/api/v1/backup", many_values())),
    ("slow_200", |to, over| vec![hold(to, over, 200, b"POST /api/stop HTTP/1.1\r\nHost: loc")]),
    ("forgotten_63", |to, over| {
        vec![hold(to, over, 63, b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    }),
    ("connects", connects),
    ("frames_8", frames),
    ("slow_200_and_commands_8", |to, over| {
        let mut clients = requests(to, over, 8, "/api/commands/run", COMMAND.into());
        clients.push(hold(to, over, 200, b"POST /api/stop HTTP/1.1\r\nHost: loc"));
        clients
    }),
];

/// A command that goes through the machine's queue, moves nothing and asks for no lease.
const COMMAND: &str = r#"{"type":"update_settings"}"#;

const LONG_WAVE: &str = r#"{"type":"sine","duration":8333}"#;

fn many_numbers() -> String {
    format!(r#"{{"type":"points","duration":60,"points":[{}0.5]}}"#, "0.5,".repeat(40_000))
}

fn many_values() -> String {
    format!(r#"{{"version":1,"waves":[{}0]}}"#, "0,".repeat(520_000))
}

/// A running flood.
pub struct Flood {
    over: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

impl Flood {
    /// Starts the flood with that index.
    pub fn begin(number: usize, to: SocketAddr) -> Flood {
        let over = Arc::new(AtomicBool::new(false));
        let clients = FLOODS[number].1(to, &over);
        Flood { over, clients }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        for client in self.clients.drain(..) {
            let _ = client.join();
        }
    }
}

fn repeat(over: &Arc<AtomicBool>, mut act: impl FnMut() -> Option<()> + Send + 'static) -> JoinHandle<()> {
    let over = Arc::clone(over);
    std::thread::spawn(move || {
        while !over.load(Relaxed) {
            // Refused or cut off: try again.
            if act().is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    })
}

/// Clients that each send that request again and again, and read the answer to its end.
fn requests(
    to: SocketAddr,
    over: &Arc<AtomicBool>,
    clients: usize,
    path: &'static str,
    body: String,
) -> Vec<JoinHandle<()>> {
    let body = Arc::new(body);
    let client = |_| {
        let body = Arc::clone(&body);
        repeat(over, move || {
            let mut stream = TcpStream::connect(to).ok()?;
            stream.set_read_timeout(Some(PATIENCE)).ok()?;
            stream.set_write_timeout(Some(PATIENCE)).ok()?;
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).ok()?;
            let mut buffer = vec![0; 256 * 1024];
            while stream.read(&mut buffer).ok()? > 0 {}
            Some(())
        })
    };
    (0..clients).map(client).collect()
}

/// Holds connections on which only `said` is sent; a closed one is opened again.
fn hold(to: SocketAddr, over: &Arc<AtomicBool>, connections: usize, said: &'static [u8]) -> JoinHandle<()> {
    let mut held: Vec<Option<TcpStream>> = (0..connections).map(|_| None).collect();
    repeat(over, move || {
        for place in &mut held {
            let open = place.as_mut().is_some_and(|stream| {
                let mut buffer = [0; 4096];
                matches!(stream.read(&mut buffer), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
            });
            if !open {
                *place = TcpStream::connect(to).ok();
                if let Some(stream) = place {
                    let _ = stream.write_all(said);
                    stream.set_nonblocking(true).ok()?;
                }
            }
        }
        std::thread::sleep(Duration::from_millis(5));
        Some(())
    })
}

/// Clients that connect and leave, as fast as they can.
fn connects(to: SocketAddr, over: &Arc<AtomicBool>) -> Vec<JoinHandle<()>> {
    (0..4).map(|_| repeat(over, move || TcpStream::connect(to).ok().map(drop))).collect()
}

/// Sockets whose clients send frames of 60 KiB as fast as the server reads.
fn frames(to: SocketAddr, over: &Arc<AtomicBool>) -> Vec<JoinHandle<()>> {
    let text = format!(r#"{{"stream":"flood","a":"{}"}}"#, "x".repeat(60_000));
    let mut frame = vec![0x81, 0xfe];
    frame.extend(u16::try_from(text.len()).expect("a short frame").to_be_bytes());
    // A mask of zeros.
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    let socket = |_| {
        let (mut stream, frame) = (None, frame.clone());
        repeat(over, move || {
            if stream.is_none() {
                let mut new = TcpStream::connect(to).ok()?;
                new.set_write_timeout(Some(PATIENCE)).ok()?;
                new.write_all(
                    b"GET /api/stream/command_all HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\n\
                      upgrade: websocket\r\nsec-websocket-version: 13\r\n\
                      sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                )
                .ok()?;
                stream = Some(new);
            }
            let sent = stream.as_mut().map(|stream| stream.write_all(&frame));
            if !matches!(sent, Some(Ok(()))) {
                stream = None;
            }
            stream.as_ref().map(|_| ())
        })
    };
    (0..8).map(socket).collect()
}
