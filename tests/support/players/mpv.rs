//! mpv without a window, and a second client of it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::followed::Followed;
use super::{Errors, eventually};

pub struct Mpv {
    child: Child,
    lines: BufReader<UnixStream>,
}

impl Mpv {
    /// Plays a file.
    pub fn start(socket: &Path, file: &Path) -> Mpv {
        let child = Command::new("mpv")
            .args(["--no-config", "--vo=null", "--ao=null", "--idle=yes", "--really-quiet"])
            .arg(format!("--input-ipc-server={}", socket.display()))
            .arg(file)
            .stdin(Stdio::null())
            .spawn()
            .expect("mpv");
        let stream = eventually("mpv's socket", || UnixStream::connect(socket).ok());
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        Mpv { child, lines: BufReader::new(stream) }
    }

    /// A command by its words in JSON; waits for the answer, which it returns.
    pub fn command(&mut self, words: &str) -> Value {
        writeln!(self.lines.get_mut(), r#"{{"command":[{words}],"request_id":7}}"#).unwrap();
        loop {
            let message = self.next();
            if message["request_id"] == 7 {
                assert_eq!(message["error"], "success", "{words}");
                return message["data"].clone();
            }
        }
    }

    pub fn set(&mut self, property: &str, value: &str) {
        self.command(&format!(r#""set_property","{property}",{value}"#));
    }

    pub fn position_s(&mut self) -> f64 {
        self.command(r#""get_property","time-pos""#).as_f64().unwrap()
    }

    /// Errors of the clock at the instants at which mpv shows a picture.
    pub fn errors(&mut self, followed: &Followed, during: Duration) -> Errors {
        self.command(r#""observe_property",9,"time-pos""#);
        let (until, mut errors) = (Instant::now() + during, Errors::default());
        // The first one is that of an earlier picture.
        let mut is_first = true;
        while Instant::now() < until {
            let message = self.next();
            if message["id"] == 9
                && let Some(position_s) = message["data"].as_f64()
            {
                let error_s = followed.now().position_s - position_s;
                if !std::mem::take(&mut is_first) {
                    errors.add(error_s);
                }
            }
        }
        self.command(r#""unobserve_property",9"#);
        errors
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line of mpv");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"))
    }
}

impl Drop for Mpv {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
