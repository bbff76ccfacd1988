//! Other programs move the real binary: T-Code over UDP, TCP and WebSocket as players send it, and the Buttplug libraries that people
//! use, as child processes. Motion is read from the pulses.

#[path = "support/real/mod.rs"]
mod real;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use real::clock::Zero;
use real::process::QUICK_HOMING;
use real::{Home, Pulse, Yep, eventually};
use serde_json::{Value, json};

/// Promise S4 from the highest speed, and what the way from a client to the stop line may take on a busy computer.
const STOPS_WITHIN: Duration = Duration::from_millis(500);
/// A client that was killed is noticed as soon as its connection breaks.
const LEAVES_WITHIN: Duration = Duration::from_millis(700);

/// Ports that nobody uses.
struct Ports {
    udp: u16,
    tcp: u16,
    buttplug: u16,
}

impl Ports {
    fn free() -> Ports {
        let tcp = || TcpListener::bind("127.0.0.1:0").unwrap();
        let (a, b, udp) = (tcp(), tcp(), UdpSocket::bind("127.0.0.1:0").unwrap());
        Ports {
            udp: udp.local_addr().unwrap().port(),
            tcp: a.local_addr().unwrap().port(),
            buttplug: b.local_addr().unwrap().port(),
        }
    }

    fn config(&self) -> String {
        let Ports { udp, tcp, buttplug } = self;
        format!("{QUICK_HOMING}[feeds]\ntcode_udp = {udp}\ntcode_tcp = {tcp}\nbuttplug = {buttplug}\n")
    }
}

/// A calibrated machine that other programs reach.
struct Machine {
    home: Home,
    yep: Yep,
    zero: Zero,
    ports: Ports,
}

impl Machine {
    fn calibrated() -> Machine {
        let ports = Ports::free();
        let home = Home::new(&ports.config());
        let yep = home.start();
        yep.send_command("calibrate").expect_ok();
        let zero = Zero::find(&yep, &home);
        yep.wait_until_calibrated();
        Machine { home, yep, zero, ports }
    }

    fn position_mm(&self) -> f64 {
        self.yep.status()["position_mm"].as_f64().expect("a calibrated axis")
    }

    fn feeds(&self) -> Value {
        self.yep.get("/api/v1/feeds").json()
    }

    fn request(&self, method: &str, path: &str, body: &Value) -> real::http::Answer {
        self.yep.request(method, path, &[("content-type", "application/json")], &body.to_string())
    }

    fn wait_for_position(&self, mm: f64) {
        eventually(&format!("{mm} mm"), || ((self.position_mm() - mm).abs() < 0.2).then_some(()));
    }

    fn udp(&self) -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(("127.0.0.1", self.ports.udp)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        socket
    }

    fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.ports.tcp)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream
    }

    /// Pulses between two instants.
    fn pulses(&self, from: Instant, to: Instant) -> Vec<Pulse> {
        let inside = |pulse: &Pulse| (from..to).contains(&self.zero.of(pulse));
        self.home.pulses().into_iter().filter(inside).collect()
    }
}

fn read_line(stream: &mut impl Read) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while byte != *b"\n" {
        stream.read_exact(&mut byte).unwrap();
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap()
}

#[test]
fn a_player_that_asks_for_the_version_drives_by_datagrams_and_stops() {
    let machine = Machine::calibrated();
    let udp = machine.udp();
    let mut answer = [0; 100];
    udp.send(b"D1\n").unwrap();
    let length = udp.recv(&mut answer).unwrap();
    assert_eq!(&answer[..length], b"TCode v0.3\n");
    // Key frames, with words for axes that are not there.
    udp.send(b"L09999I250 R05000I250 V0000I250\n").unwrap();
    machine.wait_for_position(145.0);
    udp.send(b"L00000I4000\n").unwrap();
    std::thread::sleep(Duration::from_millis(700));
    udp.send(b"DSTOP\n").unwrap();
    let stopped = Instant::now();
    std::thread::sleep(STOPS_WITHIN);
    let at_mm = machine.position_mm();
    assert!((20.0..140.0).contains(&at_mm), "{at_mm} mm");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(machine.pulses(stopped + STOPS_WITHIN, Instant::now()), [], "pulses behind its stop");
    // A stop of its own latches nothing.
    udp.send(b"L05000I500\n").unwrap();
    machine.wait_for_position(72.5);
    // Silence is no leave as long as its moves last; then its sender is forgotten.
    assert_eq!(machine.feeds()["links"][0]["is_owner"], true);
    eventually("the sender is forgotten", || {
        machine.feeds()["links"].as_array().unwrap().is_empty().then_some(())
    });
    assert_eq!(machine.yep.wait_for_state("ready")["fault"], json!(null));
}

#[test]
fn lines_that_arrive_byte_by_byte_and_behind_each_other_are_the_same_lines() {
    let machine = Machine::calibrated();
    let mut tcp = machine.tcp();
    for byte in b"D0\r\nD1\r\nD2\nL0" {
        tcp.write_all(&[*byte]).unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
    let lines: Vec<String> = (0..3).map(|_| read_line(&mut tcp)).collect();
    assert_eq!(lines[1..], ["TCode v0.3\n", "L0 0 9999 Up\n"]);
    assert!(lines[0].starts_with("yep v"), "{lines:?}");
    tcp.write_all(b"5000I800\nL0").unwrap();
    machine.wait_for_position(72.5);
    tcp.write_all(b"6000I400\n\0\xff\xfe L0\nL0x\n").unwrap();
    machine.wait_for_position(0.6001 * 145.0);
    // Leaving is a planned stop; the position is kept.
    tcp.write_all(b"L00000I5000\n").unwrap();
    std::thread::sleep(Duration::from_millis(500));
    drop(tcp);
    let left = Instant::now();
    machine.yep.wait_for_state("ready");
    std::thread::sleep(LEAVES_WITHIN);
    assert_eq!(machine.pulses(left + LEAVES_WITHIN, Instant::now()), [], "pulses behind its leave");
    assert!(machine.position_mm() > 5.0);
}

#[test]
fn frames_of_a_websocket_are_answered_as_players_read_them() {
    use tokio_tungstenite::tungstenite::{Message, client};
    let machine = Machine::calibrated();
    let address = machine.yep.url().replace("http://", "");
    let stream = TcpStream::connect(&address).unwrap();
    let (mut socket, _) = client(format!("ws://{address}/ws"), stream).unwrap();
    let mut ask = |question: Message| {
        socket.send(question).unwrap();
        loop {
            match socket.read().unwrap() {
                Message::Ping(_) => {}
                answer => return answer,
            }
        }
    };
    assert_eq!(ask(Message::text("D1\n")), Message::text(r#"{"command":"TCode v0.3\n"}"#));
    assert_eq!(ask(Message::binary(b"D1\n".to_vec())), Message::binary(b"TCode v0.3\n".to_vec()));
    socket.send(Message::text("L02500I500 L11000I500\n")).unwrap();
    machine.wait_for_position(0.25 * 145.0);
    // A page of another site comes in nowhere, and neither does whoever comes through a proxy on this computer.
    let buttplug = format!("127.0.0.1:{}", machine.ports.buttplug);
    for address in [&address, &buttplug] {
        for header in
            [("origin", "https://elsewhere.example"), ("x-forwarded-for", "10.0.0.7"), ("host", "yep.local")]
        {
            let stream = TcpStream::connect(address).unwrap();
            assert!(client(upgrade(address, header), stream).is_err(), "{address}: {header:?}");
        }
    }
}

fn upgrade(
    address: &str,
    (name, value): (&'static str, &str),
) -> tokio_tungstenite::tungstenite::http::Request<()> {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;
    let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

#[test]
fn stop_latches_against_who_goes_on_sending_until_a_person_lets_it_go_on() {
    let machine = Machine::calibrated();
    let udp = machine.udp();
    let stream = |seconds: f64| {
        let begun = Instant::now();
        let mut count = 0u32;
        while begun.elapsed().as_secs_f64() < seconds {
            let phase = begun.elapsed().as_secs_f64() * std::f64::consts::TAU * 0.5;
            udp.send(format!("L0{:04}I10\n", (5_000.0 + 3_000.0 * phase.sin()) as u32).as_bytes()).unwrap();
            count += 1;
            std::thread::sleep(Duration::from_millis(10));
        }
        count
    };
    stream(3.0);
    assert_eq!(machine.yep.status()["state"], "following");
    assert_eq!(machine.feeds()["motion"]["is_met"], true);
    machine.yep.post("/api/v1/stop", &json!({}));
    let stopped = Instant::now();
    let sent = stream(1.5);
    assert_eq!(machine.pulses(stopped + STOPS_WITHIN, Instant::now()), [], "pulses behind STOP");
    let feeds = machine.feeds();
    assert_eq!(feeds["is_latched"], true);
    let refused = feeds["links"][0]["refused"].as_u64().unwrap();
    assert!(refused + 20 >= u64::from(sent), "{refused} of {sent}");
    assert!(feeds["links"][0]["refusal"].as_str().unwrap().contains("Programs"), "{feeds}");
    // Not by the number of another STOP.
    let stops = machine.yep.status()["stops"].as_u64().unwrap();
    let resume =
        |stops: u64| machine.request("POST", "/api/v1/feeds/resume", &json!({ "after_stop": stops }));
    assert_eq!(resume(stops + 1).status, 409);
    assert_eq!(resume(stops).expect_ok()["is_latched"], false);
    stream(1.0);
    assert_eq!(machine.yep.status()["state"], "following");
}

#[test]
fn a_window_that_a_person_sets_holds_what_every_program_sends() {
    let machine = Machine::calibrated();
    let window = json!({ "window": { "back_mm": 40.0, "front_mm": 60.0 } });
    let changed = machine.request("PATCH", "/api/v1/feeds", &window);
    assert_eq!(changed.expect_ok()["window"], window["window"]);
    let wrong = json!({ "window": { "back_mm": 60.0, "front_mm": 40.0 } });
    assert_eq!(machine.request("PATCH", "/api/v1/feeds", &wrong).status, 422);
    let udp = machine.udp();
    udp.send(b"L09999I100\n").unwrap();
    machine.wait_for_position(60.0);
    udp.send(b"L00000I100\n").unwrap();
    machine.wait_for_position(40.0);
    // Another one takes the axis along, while the program says nothing new.
    let other = json!({ "window": { "back_mm": 100.0, "front_mm": 120.0 } });
    machine.request("PATCH", "/api/v1/feeds", &other).expect_ok();
    machine.wait_for_position(100.0);
}

#[test]
fn a_port_in_use_is_said_and_the_rest_goes_on() {
    let ports = Ports::free();
    let _taken = TcpListener::bind(("127.0.0.1", ports.tcp)).unwrap();
    let home = Home::new(&ports.config());
    let yep = home.start();
    let listeners = eventually("the listeners", || {
        let listeners = yep.get("/api/v1/feeds").json()["listeners"].as_array().unwrap().clone();
        (listeners.len() == 3).then_some(listeners)
    });
    for listener in listeners {
        let trouble = listener["trouble"].as_str();
        if listener["name"] == "tcode_tcp" {
            assert!(trouble.is_some_and(|why| why.contains("another program uses port")), "{listener}");
        } else {
            assert_eq!(trouble, None, "{listener}");
        }
    }
}

/// A client library of other people, as a child process.
struct Library {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Library {
    fn start(name: &str, port: u16, mode: &str) -> Library {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/clients-test");
        let mut child = Command::new(script)
            .args(["--run", name, &port.to_string(), mode])
            .stdout(Stdio::piped())
            .spawn()
            .expect("scripts/clients-test");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Library { child, lines }
    }

    fn next(&mut self) -> Option<Value> {
        let line = self.lines.next()?.unwrap();
        Some(serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}")))
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CLOCK_MONOTONIC, as the client programs say it, as an instant of this process.
fn instant(monotonic_s: f64) -> Instant {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let now_s = now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9;
    let ago = Duration::from_secs_f64((now_s - monotonic_s).max(0.0));
    Instant::now().checked_sub(ago).expect("an instant of this run")
}

const LIBRARIES: [&str; 4] = ["js_v4", "js_v3", "py_v4", "py_v3"];

#[test]
fn the_libraries_that_people_use_move_the_axis_and_stop_it() {
    let machine = Machine::calibrated();
    for name in LIBRARIES {
        let mut library = Library::start(name, machine.ports.buttplug, "full");
        let mut steps = Vec::new();
        let mut since = Instant::now();
        while let Some(step) = library.next() {
            let at = instant(step["t"].as_f64().unwrap());
            let moved = machine.pulses(since, at).len();
            steps.push((step["step"].as_str().unwrap().to_owned(), at, moved, step.clone()));
            since = at;
        }
        for (step, _, _, said) in &steps {
            assert_eq!(said["ok"], true, "{name}: {step}: {said}");
        }
        let all = |wanted: &str| steps.iter().filter(|(step, ..)| step == wanted).collect::<Vec<_>>();
        let refused = all("refused");
        assert!(
            refused.iter().any(|(.., said)| said["error"].as_str().unwrap().contains("vibrate")),
            "{refused:?}"
        );
        // A step says when the answer came; what it moves shows in the time behind it.
        let moved: usize = steps.iter().map(|(_, _, moved, _)| moved).sum();
        assert!(moved > 4_000, "{name}: {moved} steps");
        for wanted in ["stop", "stop_all"] {
            let (_, at, ..) = all(wanted)[0];
            let next = steps
                .iter()
                .find(|(_, later, ..)| *later > *at + STOPS_WITHIN)
                .map_or(Instant::now(), |it| it.1);
            let behind = machine.pulses(*at + STOPS_WITHIN, next.min(*at + Duration::from_secs(1)));
            assert!(behind.len() <= 3, "{name}: {} pulses behind {wanted}", behind.len());
        }
    }
}

#[test]
fn a_library_that_is_killed_has_left() {
    let machine = Machine::calibrated();
    for name in LIBRARIES {
        let mut library = Library::start(name, machine.ports.buttplug, "hold");
        while let Some(step) = library.next() {
            if step["step"] == "holding" {
                break;
            }
        }
        eventually("a stroke", || {
            (machine.yep.status()["velocity_mm_s"].as_f64().unwrap().abs() > 20.0).then_some(())
        });
        // SIGKILL: no library says goodbye then.
        library.child.kill().unwrap();
        let killed = Instant::now();
        std::thread::sleep(LEAVES_WITHIN + Duration::from_millis(300));
        assert_eq!(machine.pulses(killed + LEAVES_WITHIN, Instant::now()), [], "{name}: it moves on");
        let status = machine.yep.wait_for_state("ready");
        assert!(status["position_mm"].is_f64(), "{status}");
    }
}

#[test]
fn a_machine_that_is_not_homed_says_so_to_a_library() {
    let ports = Ports::free();
    let home = Home::new(&ports.config());
    let _yep = home.start();
    let mut library = Library::start("py_v3", ports.buttplug, "full");
    let mut refusals = 0;
    while let Some(step) = library.next() {
        if step["step"] == "linear" {
            let why = step["error"].as_str().unwrap_or_default();
            assert!(why.contains("not homed: calibrate first"), "{step}");
            refusals += 1;
        }
    }
    assert!(refusals >= 4);
    assert_eq!(home.pulses(), []);
}

/// Sends a place that moves slowly, each 10 ms, until it is dropped.
struct Sender {
    ends: std::sync::Arc<std::sync::atomic::AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Sender {
    fn start(socket: UdpSocket) -> Sender {
        let ends = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let thread = std::thread::spawn({
            let ends = std::sync::Arc::clone(&ends);
            move || {
                let begun = Instant::now();
                while !ends.load(std::sync::atomic::Ordering::Relaxed) {
                    let phase = begun.elapsed().as_secs_f64() * std::f64::consts::TAU * 0.25;
                    let line = format!("L0{:04}I10\n", (5_000.0 + 3_000.0 * phase.sin()) as u32);
                    let _ = socket.send(line.as_bytes());
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
        });
        Sender { ends, thread: Some(thread) }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.ends.store(true, std::sync::atomic::Ordering::Relaxed);
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

#[test]
fn what_only_goes_on_sending_starts_nothing_when_its_reason_is_gone() {
    let ports = Ports::free();
    let home = Home::new(&ports.config());
    let yep = home.start();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(("127.0.0.1", ports.udp)).unwrap();
    let sender = Sender::start(socket.try_clone().unwrap());
    let link = || yep.get("/api/v1/feeds").json()["links"][0].clone();
    eventually("a refusal", || {
        link()["refusal"].as_str().filter(|why| why.contains("not homed")).map(str::to_owned)
    });
    yep.send_command("calibrate").expect_ok();
    yep.wait_until_calibrated();
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(yep.status()["state"], "ready", "the axis moves, as nobody wanted it to");
    assert!(link()["refusal"].as_str().unwrap().contains("gone on sending"), "{}", link());
    // A pause is a new act.
    drop(sender);
    std::thread::sleep(Duration::from_millis(2_300));
    let sender = Sender::start(socket);
    yep.wait_for_state("following");
    // Who takes over has the axis, and keeps it at rest when the lease is given back.
    let lease = |act: &str| {
        let headers = [("content-type", "application/json"), ("yep-tab", "a")];
        yep.request("POST", "/api/v1/lease", &headers, &json!({ "act": act }).to_string()).expect_ok();
    };
    lease("force");
    assert_eq!(yep.wait_for_state("ready")["fault"], json!(null));
    std::thread::sleep(Duration::from_millis(500));
    lease("release");
    std::thread::sleep(Duration::from_millis(1_000));
    assert_eq!(yep.status()["state"], "ready");
    assert_eq!(yep.get("/api/v1/feeds").json()["is_latched"], true);
    drop(sender);
}
