//! The real program as a child process, its clients, and its statistics from the kernel.
//!
//! The clients are plain blocking sockets, so that no second runtime is measured.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Longest wait before the benchmark fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// Interval of attempts to reach a starting server: shorter than any printed figure.
const RETRY: Duration = Duration::from_micros(100);
/// Section of the configuration file without the ports of other programs: a server of the user may have them.
const NO_FEEDS: &str = "[feeds]\ntcode_udp = 0\ntcode_tcp = 0\nbuttplug = 0\n";
/// Units of the times in /proc, which Linux fixes for all programs.
const TICKS_PER_S: f64 = 100.0;

/// A running server with a folder of its own.
pub struct Server {
    child: Child,
    address: SocketAddr,
    /// Time from before exec to the first answer with 200.
    pub started_in: Duration,
}

/// A folder for the files of a server, beside cargo's output: on a real disk.
pub fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

impl Server {
    /// Starts the program in `folder` with this configuration file, and waits until it answers. Without a section `[feeds]`
    /// other programs have no port.
    pub fn start(folder: &Path, config: &str) -> Server {
        let address = free_address();
        let feeds = if config.contains("[feeds]") { "" } else { NO_FEEDS };
        let config = format!("{config}\n{feeds}");
        fs::write(folder.join("yep.toml"), config).expect("the configuration");
        let log = File::create(folder.join("log")).expect("the log");
        let begin = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_yep"))
            .args(["run", "--listen", &address.to_string(), "--config", "yep.toml", "--state-dir", "state"])
            .current_dir(folder)
            .env_remove("RUST_LOG")
            .env_remove("JOURNAL_STREAM")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let mut server = Server { child, address, started_in: Duration::ZERO };
        let mut client = loop {
            match Client::to(address) {
                Ok(client) => break client,
                Err(_) if begin.elapsed() < PATIENCE => std::thread::sleep(RETRY),
                Err(error) => panic!("no server: {error}"),
            }
        };
        assert_eq!(client.get("/api/health").0, 200);
        server.started_in = begin.elapsed();
        server
    }

    /// Address of the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection of a client.
    pub fn client(&self) -> Client {
        Client::to(self.address).expect("a connection")
    }

    /// Calibrates the machine, and waits for the end.
    pub fn calibrate(&self) {
        let mut client = self.client();
        client.give_command("calibrate");
        client.wait_for("ready");
    }

    /// A WebSocket on `stream`, after its handshake.
    pub fn socket(&self, stream: &str) -> TcpStream {
        self.socket_at(&format!("/api/stream/{stream}"))
    }

    /// A control socket, after its handshake.
    pub fn control_socket(&self) -> TcpStream {
        self.socket_at("/api/v1/socket")
    }

    fn socket_at(&self, path: &str) -> TcpStream {
        let mut socket = TcpStream::connect(self.address).expect("a connection");
        write!(
            socket,
            "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            self.address
        )
        .expect("a handshake");
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            socket.read_exact(&mut byte).expect("an answer to the handshake");
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        socket
    }

    fn proc(&self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.child.id());
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Resident memory in bytes: `VmRSS` for all of it, `RssAnon` without the pages of files.
    pub fn resident_bytes(&self, which: &str) -> f64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix(which)?.strip_prefix(':'));
        let kib: f64 =
            line.expect("the kernel tells it").trim().trim_end_matches(" kB").parse().expect("a number");
        kib * 1024.0
    }

    /// Processor time of the process so far.
    pub fn cpu_s(&self) -> f64 {
        cpu_s(&self.proc("stat"))
    }

    /// The same by thread, with threads of one name added up.
    pub fn cpu_s_by_thread(&self) -> BTreeMap<String, f64> {
        let mut all = BTreeMap::new();
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("the threads");
        for task in tasks.flatten() {
            // A thread may end in between.
            let Ok(stat) = fs::read_to_string(task.path().join("stat")) else { continue };
            let name = stat[stat.find('(').unwrap_or(0) + 1..stat.rfind(')').unwrap_or(0)].to_owned();
            *all.entry(name).or_default() += cpu_s(&stat);
        }
        all
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// User and system time of a line of /proc/…/stat. The name in it may contain anything, so parsing begins behind it.
fn cpu_s(stat: &str) -> f64 {
    let fields = stat[stat.rfind(')').expect("a name") + 2..].split(' ');
    let ticks: f64 = fields.skip(11).take(2).map(|ticks| ticks.parse::<f64>().expect("ticks")).sum();
    ticks / TICKS_PER_S
}

/// An address that was free a moment ago.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("its number")
}

/// One keep-alive connection.
pub struct Client {
    address: SocketAddr,
    stream: TcpStream,
    received: Vec<u8>,
    /// Makes this client distinct from all others.
    agent: u64,
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true).expect("no delay");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    Ok(stream)
}

/// A new client number.
fn next_agent() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Relaxed)
}

impl Client {
    fn to(address: SocketAddr) -> io::Result<Client> {
        let stream = connect(address)?;
        Ok(Client { address, stream, received: Vec::new(), agent: next_agent() })
    }

    /// Sends a GET; returns the status and the body.
    pub fn get(&mut self, path: &str) -> (u16, &[u8]) {
        self.ask("GET", path, "")
    }

    /// The same with a body of JSON.
    pub fn ask(&mut self, method: &str, path: &str, body: &str) -> (u16, &[u8]) {
        // Behind a STOP it poses as another client, which has not been sending (S34).
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: bench {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.agent,
            body.len()
        );
        if path == "/api/stop" {
            self.change_identity();
        }
        let begin = Instant::now();
        let (status, from, length) = loop {
            if let Some(answer) = self.exchange(&request) {
                break answer;
            }
            // With many connections the server may close one that rests.
            assert!(begin.elapsed() < PATIENCE, "the server closes each connection");
            self.stream = connect(self.address).expect("a connection");
        };
        (status, &self.received[from..from + length])
    }

    /// Sends the request; returns status, beginning and length of the content of the answer, or `None` if the server
    /// closed without an answer.
    fn exchange(&mut self, request: &str) -> Option<(u16, usize, usize)> {
        self.received.clear();
        self.stream.write_all(request.as_bytes()).ok()?;
        let (mut chunk, mut head) = ([0; 16 * 1024], None);
        loop {
            let count = match self.stream.read(&mut chunk) {
                Err(error) if error.kind() == ErrorKind::ConnectionReset && self.received.is_empty() => 0,
                read => read.expect("an answer"),
            };
            if count == 0 {
                assert!(self.received.is_empty(), "half an answer");
                return None;
            }
            self.received.extend_from_slice(&chunk[..count]);
            if head.is_none() {
                head = head_of(&self.received);
            }
            if let Some((_, from, length)) = head
                && self.received.len() >= from + length
            {
                return head;
            }
        }
    }

    /// Poses as another client, which has sent no request yet (S34).
    pub fn change_identity(&mut self) {
        self.agent = next_agent();
    }

    /// Sends a POST that must be answered with 200.
    pub fn post(&mut self, path: &str, body: &str) {
        let (status, said) = self.ask("POST", path, body);
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(said));
    }

    /// Sends a command by its name.
    pub fn give_command(&mut self, command: &str) {
        self.post("/api/commands/run", &format!(r#"{{"type": "{command}"}}"#));
    }

    /// Runs a sine with that period, in seconds.
    pub fn run_sine(&mut self, period_s: f64) {
        self.post("/api/wave/run", &format!(r#"{{"type": "sine", "duration": {period_s}}}"#));
    }

    /// The machine as it is now.
    pub fn status(&mut self) -> Value {
        serde_json::from_slice(self.get("/api/v1/machine").1).expect("a status")
    }

    /// Waits for a state of the machine.
    pub fn wait_for(&mut self, state: &str) -> Value {
        let begin = Instant::now();
        loop {
            let status = self.status();
            if status["state"] == state {
                return status;
            }
            assert!(begin.elapsed() < PATIENCE && status["state"] != "faulted", "not {state}: {status}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Status, beginning and length of the body, once the whole header is there.
fn head_of(received: &[u8]) -> Option<(u16, usize, usize)> {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&received[..end]).to_ascii_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"))?.trim().parse().ok()?;
    Some((status, end + 4, length))
}

/// Reads and drops the sockets' input for `time`; returns the number of bytes.
pub fn drain(sockets: &mut [TcpStream], time: Duration) -> usize {
    let (begin, mut bytes, mut buffer) = (Instant::now(), 0, [0; 16 * 1024]);
    while begin.elapsed() < time {
        for socket in &mut *sockets {
            socket.set_nonblocking(true).expect("not blocking");
            match socket.read(&mut buffer) {
                Ok(0) => panic!("the server closed a socket"),
                Ok(count) => bytes += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    bytes
}
