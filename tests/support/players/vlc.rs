//! VLC without a window, and a second client of its HTTP interface.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::followed::Followed;
use super::{Errors, eventually};

pub const PASSWORD: &str = "pass word";
/// `:pass word`
const CREDENTIALS: &str = "OnBhc3Mgd29yZA==";

pub struct Vlc {
    child: Child,
    port: u16,
    duration_s: f64,
}

impl Vlc {
    /// Plays a file of that duration (s).
    pub fn start(folder: &Path, file: &Path, duration_s: f64) -> Vlc {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let home = folder.join("home");
        std::fs::create_dir(&home).unwrap();
        std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o777)).unwrap();
        // VLC does not run as root.
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "vlc"]);
            command
        } else {
            Command::new("vlc")
        };
        let child = command
            .args(["-I", "http", "--http-host", "127.0.0.1", "--http-port", &port.to_string()])
            .args(["--http-password", PASSWORD, "--no-video", "-V", "dummy", "-A", "dummy"])
            .args(["--no-metadata-network-access", "--play-and-stop", "--quiet"])
            .arg(file)
            .env("HOME", &home)
            .env_remove("XDG_RUNTIME_DIR")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("vlc");
        let vlc = Vlc { child, port, duration_s };
        eventually("VLC's interface", || TcpStream::connect(("127.0.0.1", port)).ok());
        vlc
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A command, with its parameters.
    pub fn command(&self, command: &str) {
        self.get(&format!("/requests/status.json?command={command}"));
    }

    /// Errors of the clock at the instants at which VLC has a new position.
    pub fn errors(&self, followed: &Followed, during: Duration) -> Errors {
        let (until, mut errors) = (Instant::now() + during, Errors::default());
        let mut last: Option<(Instant, f64)> = None;
        while Instant::now() < until {
            // VLC reads the status out when it gets the request, and answers later.
            let polled = Instant::now();
            let status = self.get("/requests/status.json");
            let share = status["position"].as_f64().unwrap();
            if let Some((before, last_share)) = last
                && share != last_share
            {
                let changed = before + (polled - before) / 2;
                errors.add(followed.at(changed).position_s - share * self.duration_s);
            }
            last = Some((polled, share));
        }
        errors
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn get(&self, path: &str) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {CREDENTIALS}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_else(|_| panic!("{head}\n{body}"))
    }
}

impl Drop for Vlc {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
