//! The control socket: what its clients get, what they cost the server, and what one that never reads costs the others.
//!
//! A client is like a page in a browser: it reads everything, answers pings, and sends `alive` each 500 ms. All of them
//! are served by one thread, which looks at each every 5 ms; a gap between two batches is exact to that.
//!
//! Processor time is that of the whole server, while the simulated machine runs a wave. The loops of the motion vary by
//! more than one client costs, so the time of the other threads is printed as well.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use support::server::{Client, Server, folder};
use support::{Samples, ms, print_figure};

const SECONDS: u64 = 10;
const CROWD: usize = 200;
/// Between two looks at the sockets.
const LOOK: Duration = Duration::from_millis(5);
/// Between two signs of life of a client.
const ALIVE: Duration = Duration::from_millis(500);
/// Time from the command to full rate of the wave, and from the handshakes to the usual traffic.
const UNDER_WAY: Duration = Duration::from_secs(4);
/// What the crowd is compared with is watched at most so long.
const COMPARED: Duration = Duration::from_secs(60);
/// A client that never reads is watched at least so long; the server waits 20 s for a sign of life.
const MUTE_WATCHED: Duration = Duration::from_secs(30);
/// Between two looks at the number of open sockets.
const COUNTED: Duration = Duration::from_millis(200);
/// A batch whose first sample is later than this behind that of the batch before: one was lost.
const BATCH_LOST_S: f64 = 0.15;
/// Answers of which the cost of a state is computed, and how often.
const ANSWERS: u32 = 5_000;
const ROUNDS: usize = 7;

fn main() {
    if !support::is_bench_run() {
        return;
    }
    let watched = Duration::from_secs(support::number("--seconds").unwrap_or(SECONDS));
    let folder = folder();
    // The crowd and the one that never reads; more connections than that, for requests.
    let config = format!("[limits]\nconnections = {}\nws_sockets = {}\n", CROWD + 50, CROWD + 1);
    let server = Server::start(folder.path(), &config);
    server.calibrate();
    server.client().post("/api/wave/run", r#"{"type": "sine", "duration": 5, "lease": "continue"}"#);

    let mut crowd = Crowd::default();
    crowd.watch(&server, UNDER_WAY);
    let compared = watched.min(COMPARED);
    let without = crowd.watch(&server, compared);
    without.print_cpu("control_socket.none", None);

    crowd.grow_to(1, &server);
    crowd.watch(&server, UNDER_WAY);
    let one = crowd.watch(&server, compared);
    one.print_traffic("control_socket.one");
    one.print_cpu("control_socket.one", Some(&without));

    crowd.grow_to(CROWD, &server);
    crowd.watch(&server, UNDER_WAY);
    let all = crowd.watch(&server, watched);
    let name = format!("control_socket.{CROWD}");
    all.print_traffic(&name);
    all.print_cpu(&name, Some(&without));
    all.print_gap(&name);

    let (all, closed_in) = watch_beside_a_mute_client(&mut crowd, &server, compared.max(MUTE_WATCHED));
    let name = format!("control_socket.{CROWD}_and_mute");
    all.print_gap(&name);
    let how = "until the socket of the client that never reads was closed";
    print_figure(&format!("{name}.closed_in"), closed_in.as_secs_f64(), "s", how);
    // Its place is free again.
    drop(server.control_socket());
    drop(crowd);

    // One after the other, so that both have the same computer.
    let beyond_health_us =
        |_| us_per_answer(&server, "/api/v1/machine") - us_per_answer(&server, "/api/health");
    Samples::new((0..ROUNDS).map(beyond_health_us).collect()).print("control_socket.state_document", "us");
}

/// The crowd as before, with one more client that never reads; and the time until that one was closed.
fn watch_beside_a_mute_client(
    crowd: &mut Crowd,
    server: &Server,
    watched: Duration,
) -> (Measurement, Duration) {
    let mute = server.control_socket();
    let opened = Instant::now();
    std::thread::scope(|threads| {
        let closing = threads.spawn(|| {
            let mut client = server.client();
            while control_sockets(&mut client) > CROWD {
                assert!(opened.elapsed() < watched, "a client that never reads stays connected");
                std::thread::sleep(COUNTED);
            }
            opened.elapsed()
        });
        let all = crowd.watch(server, watched);
        let closed_in = closing.join().expect("it is closed");
        drop(mute);
        (all, closed_in)
    })
}

fn control_sockets(client: &mut Client) -> usize {
    let page = String::from_utf8_lossy(client.get("/metrics").1);
    let line = page.lines().find_map(|line| line.strip_prefix("yep_control_sockets "));
    line.and_then(|count| count.parse().ok()).expect("the number of control sockets")
}

/// Mean processor time of the server's threads for an answer, in microseconds.
fn us_per_answer(server: &Server, path: &str) -> f64 {
    let mut client = server.client();
    let before_s = serving_s(server);
    for _ in 0..ANSWERS {
        assert_eq!(client.get(path).0, 200);
    }
    (serving_s(server) - before_s) * 1e6 / f64::from(ANSWERS)
}

/// Processor time of the threads that are no loops of the motion.
fn serving_s(server: &Server) -> f64 {
    let threads = server.cpu_s_by_thread();
    threads.iter().filter(|(name, _)| !["control", "step"].contains(&name.as_str())).map(|(_, s)| s).sum()
}

/// What was measured in a time.
#[derive(Default)]
struct Measurement {
    time: Duration,
    clients: usize,
    bytes: usize,
    messages: usize,
    states: usize,
    state_bytes: usize,
    lost_batches: usize,
    /// The greatest time between two batches of a client.
    gap: Duration,
    /// The greatest time between two looks at the sockets.
    look: Duration,
    /// Processor time of the server, and that of its threads that are no loops of the motion.
    cpu_s: f64,
    serving_s: f64,
}

impl Measurement {
    fn print_traffic(&self, name: &str) {
        let per_client = |count: usize| count as f64 / self.time.as_secs_f64() / self.clients as f64;
        let how = format!(
            "for each client, over {} s; a state has {:.0} bytes",
            self.time.as_secs(),
            self.state_bytes as f64 / self.states.max(1) as f64
        );
        print_figure(&format!("{name}.traffic"), per_client(self.bytes), "bytes/s", &how);
        let how = format!("for each client; {:.2} states among them", per_client(self.states));
        print_figure(&format!("{name}.messages"), per_client(self.messages), "messages/s", &how);
    }

    fn print_cpu(&self, name: &str, without: Option<&Measurement>) {
        let percent = |spent_s: f64, time: Duration| 100.0 * spent_s / time.as_secs_f64();
        let serving = percent(self.serving_s, self.time);
        let mut how = format!("over {} s; {serving:.2} without the motion", self.time.as_secs());
        if let Some(without) = without {
            let before = percent(without.serving_s, without.time);
            how += &format!(", {:.2} more than with no client", serving - before);
        }
        let share = percent(self.cpu_s, self.time);
        print_figure(&format!("{name}.cpu"), share, "% of a core", &how);
        if let Some(without) = without {
            let ratio = share / percent(without.cpu_s, without.time);
            print_figure(&format!("{name}.cpu_ratio"), ratio, "x", "of the time with no client, in this run");
        }
    }

    fn print_gap(&self, name: &str) {
        let how = format!(
            "the greatest between two batches of any of {} clients over {} s; {} batches lost; looks up to {} ms apart",
            self.clients,
            self.time.as_secs(),
            self.lost_batches,
            self.look.as_millis()
        );
        print_figure(&format!("{name}.gap"), ms(self.gap), "ms", &how);
    }
}

/// Clients of the control socket.
#[derive(Default)]
struct Crowd(Vec<BrowserClient>);

impl Crowd {
    /// Connects more clients, until there are so many.
    fn grow_to(&mut self, count: usize, server: &Server) {
        while self.0.len() < count {
            let socket = server.control_socket();
            socket.set_nonblocking(true).expect("not blocking");
            // Their signs of life are spread over the time, as those of pages are.
            let phase = ALIVE.mul_f64(self.0.len() as f64 / CROWD as f64);
            let next_alive = Instant::now() + phase;
            self.0.push(BrowserClient {
                socket,
                received: Vec::new(),
                next_alive,
                newest_batch: None,
                newest_t0_s: None,
            });
            // Those who are connected already go on meanwhile.
            self.look(&mut Measurement::default());
        }
    }

    /// Serves the clients for that time.
    fn watch(&mut self, server: &Server, time: Duration) -> Measurement {
        let mut seen = Measurement { clients: self.0.len(), ..Measurement::default() };
        let (begin, cpu_before_s, serving_before_s) = (Instant::now(), server.cpu_s(), serving_s(server));
        let mut looked = begin;
        while begin.elapsed() < time {
            self.look(&mut seen);
            seen.look = seen.look.max(looked.elapsed());
            looked = Instant::now();
            std::thread::sleep(LOOK);
        }
        for newest in self.0.iter().filter_map(|client| client.newest_batch) {
            seen.gap = seen.gap.max(newest.elapsed());
        }
        seen.cpu_s = server.cpu_s() - cpu_before_s;
        seen.serving_s = serving_s(server) - serving_before_s;
        seen.time = begin.elapsed();
        // A computer that is busy elsewhere may be too late for the step loop, and a machine at rest costs less.
        let status = server.client().status();
        if status["state"] != "running" {
            eprintln!("no wave runs any more, so the processor times do not compare: {}", status["why"]);
        }
        seen
    }

    fn look(&mut self, seen: &mut Measurement) {
        for client in &mut self.0 {
            client.read(seen);
            client.give_sign_of_life();
        }
    }
}

/// A client like a page in a browser.
struct BrowserClient {
    socket: TcpStream,
    /// Bytes of frames that are not complete yet.
    received: Vec<u8>,
    next_alive: Instant,
    /// When the newest batch came, and the time of its first sample on the machine's clock.
    newest_batch: Option<Instant>,
    newest_t0_s: Option<f64>,
}

impl BrowserClient {
    fn read(&mut self, seen: &mut Measurement) {
        let mut chunk = [0; 16 * 1024];
        loop {
            match self.socket.read(&mut chunk) {
                Ok(0) => panic!("the server closed a socket that is read"),
                Ok(count) => {
                    seen.bytes += count;
                    self.received.extend_from_slice(&chunk[..count]);
                    if count < chunk.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        let received = std::mem::take(&mut self.received);
        let mut rest = &received[..];
        while let Some((opcode, payload, behind)) = first_frame(rest) {
            match opcode {
                TEXT => self.hear(payload, seen),
                PING => self.send(PONG, payload),
                other => panic!("a frame of kind {other}: {}", String::from_utf8_lossy(payload)),
            }
            rest = behind;
        }
        self.received = rest.to_vec();
    }

    fn hear(&mut self, message: &[u8], seen: &mut Measurement) {
        seen.messages += 1;
        if message.starts_with(br#"{"type":"state""#) {
            seen.states += 1;
            seen.state_bytes += message.len();
        }
        let Some(live) = message.strip_prefix(br#"{"type":"live","t0":"#) else { return };
        let end = live.iter().position(|byte| *byte == b',').expect("more behind t0");
        let t0_s: f64 =
            std::str::from_utf8(&live[..end]).ok().and_then(|t0| t0.parse().ok()).expect("a time");
        if self.newest_t0_s.replace(t0_s).is_some_and(|before_s| t0_s - before_s > BATCH_LOST_S) {
            seen.lost_batches += 1;
        }
        if let Some(before) = self.newest_batch.replace(Instant::now()) {
            seen.gap = seen.gap.max(before.elapsed());
        }
    }

    fn give_sign_of_life(&mut self) {
        if self.next_alive <= Instant::now() {
            self.next_alive += ALIVE;
            self.send(TEXT, br#"{"type":"alive"}"#);
        }
    }

    /// Sends a short frame, masked with zeros.
    fn send(&mut self, opcode: u8, payload: &[u8]) {
        let length = u8::try_from(payload.len()).ok().filter(|length| *length < 126).expect("a short frame");
        let head = [0x80 | opcode, 0x80 | length, 0, 0, 0, 0];
        // Some bytes each half second: the kernel has room for them.
        self.socket.write_all(&[&head, payload].concat()).expect("the server reads");
    }
}

const TEXT: u8 = 1;
const PING: u8 = 9;
const PONG: u8 = 10;

/// The kind of the first frame, its payload and what is behind it, if the frame is complete.
fn first_frame(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match head[1] {
        126 => {
            rest.split_first_chunk().map(|(length, rest)| (usize::from(u16::from_be_bytes(*length)), rest))?
        }
        127 => rest.split_first_chunk().map(|(length, rest)| (u64::from_be_bytes(*length) as usize, rest))?,
        length => (usize::from(length), rest),
    };
    let (payload, behind) = rest.split_at_checked(length)?;
    Some((head[0] & 0x0f, payload, behind))
}
