//! The real server as a child process.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::http::{self, Answer, Headers};
use super::{Pulse, Socket, eventually, pulses};

/// Fast homing, for tests with another subject.
pub const QUICK_HOMING: &str = "[homing]\nfast_mm_s = 100.0\nslow_mm_s = 10.0\n";

/// Section of the configuration file without the ports of other programs, for several servers at once.
pub const NO_FEEDS: &str = "[feeds]\ntcode_udp = 0\ntcode_tcp = 0\nbuttplug = 0\n";

/// Folder with the files of a server; it outlives the server, so that another one can follow.
pub struct Home {
    folder: TempDir,
    environment: Vec<(&'static str, OsString)>,
}

impl Home {
    /// A home with these lines in the configuration file, for sections other than `[sim]`. Without a section `[feeds]`
    /// among them, other programs have no port.
    pub fn new(config: &str) -> Home {
        Home::with_rail(config, "")
    }

    /// The same with these lines in the section `[sim]`.
    pub fn with_rail(config: &str, rail: &str) -> Home {
        let home = Home { folder: tempfile::tempdir().unwrap(), environment: Vec::new() };
        let top =
            format!("listen = '127.0.0.1:0'\nstate_dir = '{}'", home.folder.path().join("state").display());
        let feeds = if config.contains("[feeds]") { "" } else { NO_FEEDS };
        let sim = format!("[sim]\npulse_log = '{}'\n{rail}", home.pulse_log().display());
        fs::write(home.config(), format!("{top}\n{config}\n{feeds}{sim}\n")).unwrap();
        home
    }

    /// Adds a variable to the environment of its servers.
    pub fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Home {
        self.environment.push((name, value.into()));
        self
    }

    /// A command of the binary with this home's environment, other than a server.
    pub fn command_in_env(&self, arguments: &[&str]) -> Command {
        let mut command = yep();
        command.args(arguments).envs(self.environment.iter().cloned());
        command
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("yep.toml")
    }

    /// The state folder.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn pulse_log(&self) -> PathBuf {
        self.folder.path().join("pulses")
    }

    /// Position of the carriage at power-on.
    pub fn start_mm(&self) -> f64 {
        77.5
    }

    /// The pulses of the server that was started last.
    #[track_caller]
    pub fn pulses(&self) -> Vec<Pulse> {
        pulses::read(&self.pulse_log())
    }

    /// Instant at which the driver was last switched off, on the clock of the last started server.
    pub fn driver_off_ns(&self) -> Option<u64> {
        pulses::driver_off_ns(&self.pulse_log())
    }

    /// A command of the binary with this folder's configuration.
    pub fn command(&self, arguments: &[&str]) -> Command {
        // As a user starts it, and never with a real-time policy for the whole process: the store's own threads spin
        // while they wait, and would block the host. A simulated machine tolerates the stalls of a busy host.
        let mut command = self.command_in_env(&["run", "--config"]);
        command.arg(self.config()).args(arguments);
        command
    }

    /// Starts a server, and waits until it prints its address.
    #[track_caller]
    pub fn start(&self) -> Yep {
        self.start_with(&[])
    }

    #[track_caller]
    pub fn start_with(&self, arguments: &[&str]) -> Yep {
        let mut child =
            self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let errors = BufReader::new(child.stderr.take().unwrap());
        let logging = keep(errors, Arc::clone(&log));
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        output.read_line(&mut greeting).unwrap();
        let address = greeting.trim().rsplit_once("http://").and_then(|(_, address)| address.parse().ok());
        let said = Arc::new(Mutex::new(greeting));
        let listening = keep(output, Arc::clone(&said));
        let mut yep =
            Yep { child, address: ([0, 0, 0, 0], 0).into(), log, said, readers: vec![logging, listening] };
        match address {
            Some(address) => yep.address = address,
            None => panic!("it does not say where it is: {:?}", yep.stdout()),
        }
        yep
    }

    /// Starts a server that must fail; returns its exit code and error output.
    #[track_caller]
    pub fn start_and_fail(&self, arguments: &[&str]) -> (i32, String) {
        let mut child = self.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let ended = eventually("the server ends", || child.try_wait().unwrap());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (ended.code().expect("no exit code"), said)
    }
}

/// A command of the binary without the environment variables that change its output or behaviour; `nohup` around the
/// tests must not affect the binary.
pub fn yep() -> Command {
    let mut command = Command::new("env");
    command.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_yep")]);
    for variable in
        ["YEP_SERVER", "STATE_DIRECTORY", "JOURNAL_STREAM", "RUST_LOG", "NOTIFY_SOCKET", "WATCHDOG_USEC"]
    {
        command.env_remove(variable);
    }
    command.env("COLUMNS", "80").stdin(Stdio::null());
    command
}

fn keep(lines: impl BufRead + Send + 'static, kept: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            let mut kept = kept.lock().unwrap();
            kept.push_str(&line);
            kept.push('\n');
        }
    })
}

/// A running server; killed when dropped.
pub struct Yep {
    child: Child,
    pub address: SocketAddr,
    log: Arc<Mutex<String>>,
    said: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Yep {
    /// Its standard output.
    pub fn stdout(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Its log.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    #[track_caller]
    pub fn request(&self, method: &str, path: &str, headers: Headers<'_>, body: &str) -> Answer {
        http::request(self.address, method, path, headers, body)
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], "")
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", path, &[], &body.to_string())
    }

    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.request("PUT", path, &[("content-type", "application/json")], &body.to_string())
    }

    #[track_caller]
    pub fn socket(&self, stream: &str) -> Socket {
        Socket::open(self.address, stream)
    }

    /// Sends a command by its name.
    #[track_caller]
    pub fn send_command(&self, name: &str) -> Answer {
        self.post("/api/commands/run", &json!({ "type": name }))
    }

    /// Runs a wave.
    #[track_caller]
    pub fn run_wave(&self, shape: &str, duration_s: f64) -> Answer {
        self.post("/api/wave/run", &json!({ "type": shape, "duration": duration_s, "lease": "continue" }))
    }

    /// Pauses behind a STOP as a person does, so that the next start is not refused.
    pub fn pause_behind_stop(&self) {
        std::thread::sleep(yep::api::charge::fence::PAUSE);
    }

    /// Sends `what` to `/api/v1/sim`.
    #[track_caller]
    pub fn put_sim(&self, what: &Value) {
        self.put("/api/v1/sim", what).expect_ok();
    }

    /// True position of the carriage.
    #[track_caller]
    pub fn carriage_mm(&self) -> f64 {
        self.get("/api/v1/sim").expect_ok()["carriage_mm"].as_f64().unwrap()
    }

    #[track_caller]
    pub fn status(&self) -> Value {
        self.get("/api/v1/machine").expect_ok()
    }

    /// Waits until the machine leaves a state; returns the status.
    #[track_caller]
    pub fn wait_while(&self, state: &str) -> Value {
        eventually(&format!("it leaves {state}"), || Some(self.status()).filter(|s| s["state"] != state))
    }

    /// Waits until the machine is in a state; returns the status.
    #[track_caller]
    pub fn wait_for_state(&self, state: &str) -> Value {
        eventually(&format!("it is {state}"), || Some(self.status()).filter(|s| s["state"] == state))
    }

    /// Waits for the end of a calibration, which must succeed.
    #[track_caller]
    pub fn wait_until_calibrated(&self) {
        let status = self.wait_while("homing");
        assert_eq!(status["state"], "ready", "{status}");
    }

    /// Waits until a wave runs at its full rate.
    #[track_caller]
    pub fn wait_for_full_rate(&self) {
        eventually("the wave runs", || (self.status()["periods"].as_u64() >= Some(1)).then_some(()));
    }

    /// Calibrates, and runs a wave until it is at its full rate.
    #[track_caller]
    pub fn set_in_motion(&self) {
        self.send_command("calibrate").expect_ok();
        self.wait_for_state("homing");
        self.wait_until_calibrated();
        self.run_wave("sine", 2.0).expect_ok();
        self.wait_for_full_rate();
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success(), "{kill}");
    }

    /// Waits for the end of the process.
    #[track_caller]
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        let ended = eventually("the server ends", || self.child.try_wait().unwrap());
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        ended
    }
}

impl Drop for Yep {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the log of the server:\n{}", self.log());
        }
    }
}
