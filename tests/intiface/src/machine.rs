//! The program as a child process with the simulated machine, over HTTP.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{NEAR_MM, eventually, pause};

/// Configuration and state of a machine, for one start after the other.
pub struct Home {
    program: OsString,
    folder: TempDir,
}

impl Home {
    pub fn new(program: OsString, intiface: &str) -> Home {
        let home = Home { program, folder: tempfile::tempdir().unwrap() };
        let config = format!(
            "listen = '127.0.0.1:0'\nstate_dir = '{}'\n\
             [homing]\nfast_mm_s = 100.0\nslow_mm_s = 10.0\n\
             [feeds]\ntcode_udp = 0\ntcode_tcp = 0\nbuttplug = 0\nintiface = '{intiface}'\n",
            home.folder.path().join("state").display()
        );
        fs::write(home.config(), config).unwrap();
        home
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("yep.toml")
    }

    /// Starts the program, and waits until it says its address.
    pub fn start(&self) -> Yep {
        let mut command = Command::new(&self.program);
        command.args(["run", "--driver", "sim", "--config"]).arg(self.config());
        for variable in ["YEP_SERVER", "STATE_DIRECTORY", "JOURNAL_STREAM", "RUST_LOG", "NOTIFY_SOCKET"] {
            command.env_remove(variable);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program");
        let log = Arc::new(Mutex::new(String::new()));
        keep(child.stderr.take().unwrap(), Arc::clone(&log));
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        output.read_line(&mut greeting).unwrap();
        keep(output, Arc::clone(&log));
        let address = greeting.trim().rsplit_once("http://").map(|(_, address)| address.to_owned());
        let yep = Yep { child, address: address.unwrap_or_default(), log };
        assert!(!yep.address.is_empty(), "it does not say where it is: {greeting:?}");
        yep
    }
}

fn keep(lines: impl Read + Send + 'static, log: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(lines).lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    });
}

/// A running program; killed when dropped.
pub struct Yep {
    child: Child,
    address: String,
    log: Arc<Mutex<String>>,
}

impl Yep {
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        self.request("GET", path, "")
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Value {
        self.request("POST", path, &body.to_string())
    }

    #[track_caller]
    fn request(&self, method: &str, path: &str, body: &str) -> Value {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
        assert!(head.starts_with("HTTP/1.1 200 "), "{method} {path}: {answer}");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{method} {path}: {error}: {answer}"))
    }

    pub fn machine(&self) -> Value {
        self.get("/api/v1/machine")
    }

    pub fn feeds(&self) -> Value {
        self.get("/api/v1/feeds")
    }

    /// The connections of feeds.
    pub fn links(&self) -> Vec<Value> {
        self.feeds()["links"].as_array().unwrap().clone()
    }

    /// Commands that have come from Intiface.
    pub fn received(&self) -> u64 {
        self.links()[0]["received"].as_u64().unwrap()
    }

    /// Sets the window in which programs move the axis.
    #[track_caller]
    pub fn set_window(&self, back_mm: f64, front_mm: f64) {
        let window = json!({ "window": { "back_mm": back_mm, "front_mm": front_mm } });
        self.request("PATCH", "/api/v1/feeds", &window.to_string());
    }

    /// Why there is no connection to Intiface; none if there is one.
    #[track_caller]
    pub fn trouble(&self) -> Option<String> {
        let listeners = self.feeds()["listeners"].clone();
        let found = listeners.as_array().unwrap().iter().find(|listener| listener["name"] == "intiface");
        found.and_then(|listener| listener["trouble"].as_str()).map(str::to_owned)
    }

    #[track_caller]
    pub fn position_mm(&self) -> f64 {
        let machine = self.machine();
        machine["position_mm"].as_f64().unwrap_or_else(|| panic!("no position: {machine}"))
    }

    /// True place of the carriage, which is known without a calibration too.
    pub fn carriage_mm(&self) -> f64 {
        self.get("/api/v1/sim")["carriage_mm"].as_f64().unwrap()
    }

    /// Place in the window, 0 to 1.
    pub fn share(&self) -> f64 {
        let (back_mm, front_mm) = self.window();
        (self.position_mm() - back_mm) / (front_mm - back_mm)
    }

    fn window(&self) -> (f64, f64) {
        let window = self.feeds()["window"].clone();
        (window["back_mm"].as_f64().unwrap(), window["front_mm"].as_f64().unwrap())
    }

    #[track_caller]
    pub fn calibrate(&self) {
        let after_stop = self.machine()["stops"].clone();
        self.post("/api/v1/machine/calibrate", &json!({ "after_stop": after_stop }));
        let machine = eventually("the calibration ends", || {
            Some(self.machine()).filter(|machine| machine["state"] != "homing")
        });
        assert_eq!(machine["state"], "ready", "{machine}");
        println!("  calibrated: {} mm", machine["range_mm"]);
    }

    /// Waits until the axis is at that place of the window.
    #[track_caller]
    pub fn arrives_at(&self, share: f64) {
        let wanted_mm = at_mm(self, share);
        eventually(&format!("the axis is at {wanted_mm:.1} mm"), || {
            ((self.position_mm() - wanted_mm).abs() < NEAR_MM).then_some(())
        });
    }

    /// The axis does not move any more, and is at that place.
    #[track_caller]
    pub fn rests_at(&self, share: f64) {
        pause(300);
        let (first_mm, wanted_mm) = (self.position_mm(), at_mm(self, share));
        assert!((first_mm - wanted_mm).abs() < NEAR_MM, "at {first_mm} mm instead of {wanted_mm} mm");
        pause(500);
        let machine = self.machine();
        assert_eq!(machine["position_mm"], json!(first_mm), "{machine}");
        assert_eq!((&machine["velocity_mm_s"], &machine["fault"]), (&json!(0.0), &Value::Null), "{machine}");
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success(), "{kill}");
    }

    #[track_caller]
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        eventually("the program ends", || self.child.try_wait().unwrap())
    }
}

/// That place of the window, in mm.
pub fn at_mm(yep: &Yep, share: f64) -> f64 {
    let (back_mm, front_mm) = yep.window();
    back_mm + share * (front_mm - back_mm)
}

impl Drop for Yep {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the log of the program:\n{}", self.log());
        }
    }
}
