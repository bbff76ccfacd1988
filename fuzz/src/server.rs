//! The server under test, in this process.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use yep::options::{ConnectionOptions, FeedOptions, HomingSection, Options, Sim};
use yep::units::{Mm, MmPerS};

/// Longest wait before a test counts as failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Number of panics of any thread, except those of the database: a damaged file makes it panic, and the store expects
/// that.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Starts to count panics.
fn count_panics() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let previous_hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let database = panic.location().is_some_and(|location| location.file().contains("sled-"));
            // A panic in a target's own thread is a finding; other panics are counted.
            let thread = std::thread::current();
            let own = thread
                .name()
                .is_some_and(|name| name == "main" || super::TARGETS.iter().any(|t| t.name == name));
            if own {
                previous_hook(panic);
            } else if !database {
                PANICS.fetch_add(1, Ordering::SeqCst);
                previous_hook(panic);
            }
        }));
    });
}

/// Panics if another thread panicked meanwhile.
#[track_caller]
pub fn assert_nothing_panicked() {
    assert_eq!(PANICS.swap(0, Ordering::SeqCst), 0, "a thread of the program panicked");
}

/// Address of the server, which is started by the first call.
pub fn address() -> SocketAddr {
    static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();
    *ADDRESS.get_or_init(start)
}

fn start() -> SocketAddr {
    count_panics();
    // Another process may take the port meanwhile: then `run` fails, and so does the first connection.
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    let address = free.expect("a free port");
    let state = tempfile::tempdir().expect("a folder").keep();
    let options = Options {
        listen: address,
        state_dir: state.clone(),
        // Fast homing, so that all states of the machine occur.
        homing: HomingSection {
            fast: MmPerS::constant(100.0),
            slow: MmPerS::constant(50.0),
            back_off: Mm::constant(1.0),
        },
        sim: Sim { length: Mm::constant(20.0), start: Mm::constant(10.0), ..Sim::default() },
        // Several fuzz targets run at once.
        feeds: FeedOptions::off(),
        limits: ConnectionOptions { connections: 128, ws_sockets: 64 },
        ..Options::default()
    };
    std::thread::spawn(move || {
        // Returns only on an error.
        let ended = yep::app::run(&options, std::sync::Arc::default());
        eprintln!("the server ended: {ended:?}");
    });
    let began = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(began.elapsed() < PATIENCE, "no server at {address}");
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::spawn(move || keep_busy(address));
    address
}

/// A connection to it.
pub fn connect() -> TcpStream {
    let stream = TcpStream::connect(address()).expect("the server is gone");
    stream.set_nodelay(true).expect("a socket");
    stream
}

/// Sends a request on a connection of its own; returns the whole answer.
fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The answer of a path, if it is JSON.
pub fn get_json(path: &str) -> Option<String> {
    let answer = ask(address(), "GET", path, "").ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    (head.starts_with("HTTP/1.1 200 ") && body.starts_with('{')).then(|| body.to_owned())
}

/// Panics if the server does not answer any more.
#[track_caller]
pub fn assert_alive() {
    let answer = ask(address(), "GET", "/api/health", "").expect("no answer");
    assert!(answer.starts_with("HTTP/1.1 200 "), "it is not well: {answer}");
}

/// Keeps the machine in motion: inputs break it and stop it, so without this it would stay faulted for ever.
fn keep_busy(address: SocketAddr) {
    const CARES: [(&str, &str, &str); 5] = [
        ("PUT", "/api/v1/sim", r#"{"mishaps": [], "push_g": 0}"#),
        (
            "PUT",
            "/api/settings/machine-thrust/default",
            r#"{"max_stroke": 20, "stroke_limit": 20, "padding_mm": 2}"#,
        ),
        ("POST", "/api/commands/run", r#"{"type": "calibrate"}"#),
        ("GET", "/api/v1/machine", ""),
        ("POST", "/api/wave/run", r#"{"type": "sine", "duration": 1}"#),
    ];
    for (method, path, body) in CARES.into_iter().cycle() {
        // Long enough for a calibration of this short rail.
        std::thread::sleep(Duration::from_millis(if path.ends_with("status") { 500 } else { 30 }));
        // The answer depends on earlier inputs.
        let _ = ask(address, method, path, body);
    }
}
