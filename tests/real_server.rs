//! Real server in motion under backpressure and load: a stream that is not read, an unrelated signal, clients that
//! request more than the memory holds.

#[path = "support/real/mod.rs"]
mod real;

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use real::process::QUICK_HOMING;
use real::pulses::speed_mm_s;
use real::{Home, Pulse, eventually, http, terminal};
use rustix::fs::OFlags;
use rustix::termios::{Action, tcflow};
use serde_json::{Value, json};

/// Waits until the axis is fast: a motion that is cut then, instead of braked, shows in the last step.
#[track_caller]
fn wait_until_fast(status: impl Fn() -> Value) {
    let speed = || status()["velocity_mm_s"].as_f64().map(f64::abs);
    eventually("it is fast", || speed().filter(|speed_mm_s| *speed_mm_s > 150.0));
}

/// Asserts that the last step is a slow one: the axis came to rest, and was not cut.
#[track_caller]
fn assert_came_to_rest(pulses: &[Pulse], what: &str) {
    let end_mm_s = speed_mm_s(pulses, pulses.len() - 1, 1);
    assert!(end_mm_s < 75.0, "{what}: {end_mm_s} mm/s at the last step");
}

#[test]
fn a_signal_ends_the_process_at_rest_or_does_nothing() {
    let home = Home::new(QUICK_HOMING);
    let yep = home.start();
    yep.set_in_motion();
    for signal in ["USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "XFSZ", "TSTP", "TTOU", "TTIN", "40"] {
        yep.signal(signal);
        let status = yep.status();
        assert_eq!(status["state"], json!("running"), "{signal}: {status}");
    }
    drop(yep);
    for signal in ["HUP", "QUIT"] {
        let mut yep = home.start();
        yep.set_in_motion();
        wait_until_fast(|| yep.status());
        yep.signal(signal);
        assert_eq!(yep.wait_for_exit().code(), Some(0), "{signal}: {}", yep.log());
        assert_came_to_rest(&home.pulses(), signal);
    }
}

/// Nice values of the threads of that name (proc_pid_stat(5), field 19).
fn nice_values(process: u32, name: &str) -> Vec<i32> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let stats = tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("stat")).ok());
    let of_that_name = stats.filter(|stat| stat.contains(&format!("({name})")));
    of_that_name
        .map(|stat| stat.rsplit(") ").next().unwrap().split(' ').nth(16).unwrap().parse().unwrap())
        .collect()
}

#[test]
fn the_thread_that_answers_stop_comes_before_those_that_work_on_requests() {
    let home = Home::new(QUICK_HOMING);
    let server = ServerWithStreams::start(&home, Stdio::null(), Stdio::null());
    let [front, requests] = ["front", "request"].map(|name| nice_values(server.child.id(), name));
    assert_eq!(front.len(), 1);
    assert!(requests.len() > 1 && requests.iter().all(|nice| *nice > front[0]), "{front:?}, {requests:?}");
}

/// A server whose standard streams a test provides.
struct ServerWithStreams {
    child: Child,
    address: SocketAddr,
}

impl ServerWithStreams {
    /// Starts the server with these streams.
    fn start(home: &Home, output: impl Into<Stdio>, errors: impl Into<Stdio>) -> ServerWithStreams {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let mut command: Command = home.command(&["--listen", &address.to_string()]);
        let child = command.env("RUST_LOG", "debug").stdout(output).stderr(errors).spawn().unwrap();
        let muted = ServerWithStreams { child, address };
        eventually("it answers", || http::attempt(address, "GET", "/api/health", &[], "").ok());
        muted
    }

    fn post(&self, path: &str, body: &Value) -> http::Answer {
        http::request(self.address, "POST", path, &[], &body.to_string())
    }

    fn status(&self) -> Value {
        http::request(self.address, "GET", "/api/v1/machine", &[], "").json()
    }

    fn wait_for_state(&self, state: &str) {
        eventually(&format!("it is {state}"), || (self.status()["state"] == json!(state)).then_some(()));
    }

    fn set_in_motion(&self) {
        self.post("/api/commands/run", &json!({ "type": "calibrate" })).expect_ok();
        self.wait_for_state("homing");
        self.wait_for_state("ready");
        self.run();
    }

    fn run(&self) {
        // Behind a STOP another client starts the wave, after a pause (promise S34).
        std::thread::sleep(yep::api::charge::fence::GUARD);
        let wave = json!({ "type": "sine", "duration": 2.0, "lease": "continue" }).to_string();
        let agent = format!("{:?}", Instant::now());
        http::request(self.address, "POST", "/api/wave/run", &[("user-agent", &agent)], &wave).expect_ok();
        self.wait_for_state("running");
    }

    /// Makes the server write a lot of output.
    fn provoke_output(&self) {
        for _ in 0..300 {
            self.post("/api/commands/run", &json!({ "type": "no such command" })).expect_ok();
        }
        for _ in 0..20 {
            let stream = real::socket::connect(self.address, "command_all");
            drop(stream);
        }
    }
}

impl Drop for ServerWithStreams {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A terminal with stopped output (Ctrl-S) that nobody reads; both ends.
fn stopped_terminal() -> (OwnedFd, OwnedFd) {
    let (ours, theirs) = terminal::open();
    tcflow(&theirs, Action::OOff).unwrap();
    (ours, theirs)
}

/// A full pipe without a reader.
fn full_pipe() -> (OwnedFd, OwnedFd) {
    let (read, write) = io::pipe().unwrap();
    let (read, write) = (OwnedFd::from(read), OwnedFd::from(write));
    rustix::fs::fcntl_setfl(&write, OFlags::NONBLOCK).unwrap();
    while rustix::io::write(&write, &[b'x'; 4096]).is_ok() {}
    rustix::fs::fcntl_setfl(&write, OFlags::empty()).unwrap();
    (read, write)
}

#[test]
fn streams_that_take_nothing_hold_up_neither_stop_nor_the_end() {
    for (what, stream) in
        [("a stopped terminal", stopped_terminal as fn() -> (OwnedFd, OwnedFd)), ("a full pipe", full_pipe)]
    {
        let home = Home::new(QUICK_HOMING);
        let (_ours, theirs) = stream();
        let errors = File::from(theirs.try_clone().unwrap());
        let mut yep = ServerWithStreams::start(&home, File::from(theirs), errors);
        yep.set_in_motion();
        yep.provoke_output();
        let asked = Instant::now();
        yep.post("/api/stop", &json!({})).expect_ok();
        assert!(asked.elapsed() < Duration::from_secs(1), "{what}: {:?}", asked.elapsed());
        yep.wait_for_state("ready");
        yep.run();
        yep.provoke_output();
        wait_until_fast(|| yep.status());
        let kill = format!("kill -TERM {}", yep.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let told = Instant::now();
        let ended = eventually("the server ends", || yep.child.try_wait().unwrap());
        assert_eq!(ended.code(), Some(0), "{what}");
        assert!(told.elapsed() < Duration::from_secs(5), "{what}: {:?}", told.elapsed());
        assert_came_to_rest(&home.pulses(), what);
    }
}

#[test]
fn a_reader_of_the_greeting_that_has_seen_enough_ends_nothing() {
    let home = Home::new("");
    let (read, write) = io::pipe().unwrap();
    drop(read);
    let mut yep = ServerWithStreams::start(&home, write, Stdio::piped());
    let kill = format!("kill -TERM {}", yep.child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let ended = eventually("the server ends", || yep.child.try_wait().unwrap());
    let mut said = String::new();
    yep.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(ended.code(), Some(0), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn a_flood_of_one_message_has_a_budget_in_the_log() {
    let home = Home::new("");
    let yep = home.start();
    let mut socket = yep.socket("command_all");
    for frame in 0..400 {
        socket.send(r#"{"stream": "command_all", "type": "loop_wave"}"#);
        if frame % 20 == 0 {
            // As many as are accepted: the number of waiting commands is limited.
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let lines = || yep.log().matches("was not obeyed").count();
    eventually("the first of them are there", || (lines() >= 100).then_some(()));
    std::thread::sleep(Duration::from_millis(500));
    assert!(lines() <= 120, "{}", lines());
}

/// Memory limit of the service (systemd/yep.service).
const MEMORY_BYTES: u64 = 128 * 1024 * 1024;

/// Puts the process under that limit, where memory cgroups can be made; returns the folder of the group.
fn limit_memory(process: u32) -> Option<std::path::PathBuf> {
    for (root, limit) in
        [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")]
    {
        let group = std::path::Path::new(root).join(format!("yep-test-{process}"));
        if std::fs::create_dir(&group).is_err() {
            continue;
        }
        let limited = std::fs::write(group.join(limit), MEMORY_BYTES.to_string())
            .and_then(|()| std::fs::write(group.join("cgroup.procs"), process.to_string()));
        if limited.is_ok() {
            return Some(group);
        }
        let _ = std::fs::remove_dir(&group);
    }
    eprintln!("no memory cgroup can be made here: the largest size of the process is judged instead");
    None
}

/// Sends a request without reading the answer.
fn ask(address: SocketAddr, path: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    // The server may refuse the request before it has read all of it.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    stream
}

fn status_of(stream: &mut TcpStream) -> u16 {
    stream.set_read_timeout(Some(real::PATIENCE)).unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    String::from_utf8_lossy(&head[9..]).parse().unwrap()
}

#[test]
fn its_memory_is_bounded_whatever_clients_ask_for_and_the_axis_moves_on() {
    let home = Home::new(QUICK_HOMING)
        // As in the service unit.
        .with("MALLOC_ARENA_MAX", "2")
        .with("MALLOC_MMAP_THRESHOLD_", "131072");
    let mut yep = home.start();
    let group = limit_memory(yep.id());
    yep.set_in_motion();
    let address = yep.address;
    let long_wave = r#"{"type":"sine","duration":8333}"#;
    let numbers = format!("[{}0.5]", "0.5,".repeat(40_000));
    let many_numbers = format!(r#"{{"type":"points","duration":60,"points":{numbers}}}"#);
    let backup = format!(r#"{{"version":1,"waves":[{}0]}}"#, "0,".repeat(520_000));
    let mut asked = 0;
    for (path, body, times) in [
        ("/api/wave/get", long_wave, 40),
        ("/api/wave/get", many_numbers.as_str(), 40),
        ("/api/v1/backup", backup.as_str(), 60),
    ] {
        // All at once; half of them are read late.
        let mut streams: Vec<_> = (0..times).map(|_| ask(address, path, body)).collect();
        asked += times;
        for stream in &mut streams {
            let status = status_of(stream);
            assert!([200, 413, 415, 422, 503].contains(&status), "{path}: {status}");
        }
        let status = yep.status();
        assert_eq!(status["state"], json!("running"), "{path}: {status}");
    }
    // Listeners that do not read.
    let deaf: Vec<_> = (0..8).map(|_| real::socket::connect(address, "command_all")).collect();
    for _ in 0..40 {
        let wave = json!({ "type": "sine", "duration": 8333, "lease": "continue" });
        let answer = yep.post("/api/wave/run", &wave);
        assert!([200, 503].contains(&answer.status), "{}", answer.body);
    }
    drop(deaf);
    yep.request("POST", "/api/stop", &[], "").expect_ok();
    yep.wait_for_state("ready");
    // A request that did not fit is refused, and fits later.
    let answer = eventually("there is room again", || {
        let answer = yep.request("POST", "/api/wave/get", &[], r#"{"type":"sine","duration":8000}"#);
        (answer.status == 200).then_some(answer)
    });
    let drawn: Value = serde_json::from_str(&dechunked(&answer.body)).unwrap();
    assert_eq!(drawn["positions"].as_array().unwrap().len(), 959_999);
    let file = std::fs::read_to_string(format!("/proc/{}/status", yep.id())).unwrap();
    let line = file.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let most_kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    println!("{asked} requests; at most {most_kib} KiB");
    assert!(most_kib * 1024 < MEMORY_BYTES, "{most_kib} KiB");
    yep.signal("TERM");
    assert_eq!(yep.wait_for_exit().code(), Some(0), "{}", yep.log());
    if let Some(group) = group {
        let _ = std::fs::remove_dir(group);
    }
}

/// The content of a chunked body.
fn dechunked(body: &str) -> String {
    let (mut content, mut rest) = (String::new(), body);
    while let Some((length, behind)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        content += &behind[..length];
        rest = behind[length..].trim_start_matches("\r\n");
    }
    content
}
