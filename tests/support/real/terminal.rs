//! A pseudo-terminal with a command of the binary on it, and a person at its keys.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, tcgetattr};

use super::eventually;

/// Between two repeats of a key that is held, as terminals send them.
const REPEAT: Duration = Duration::from_millis(33);

/// A new pseudo-terminal: the end of a person, and that of the programs.
pub fn open() -> (OwnedFd, OwnedFd) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    (ours, theirs)
}

/// A terminal with a command on it.
pub struct Terminal {
    child: Child,
    keys: File,
    /// The end of the programs; kept open, so that its mode can be read when no program is left.
    theirs: OwnedFd,
    mode_before: Termios,
    shown: Arc<Mutex<String>>,
    /// So much of it was looked at.
    seen: usize,
}

impl Terminal {
    /// Starts the command.
    #[track_caller]
    pub fn start(mut command: Command) -> Terminal {
        let (ours, theirs) = open();
        let mode_before = tcgetattr(&theirs).unwrap();
        let end = || File::from(theirs.try_clone().unwrap());
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let (keys, mut output) = (File::from(ours.try_clone().unwrap()), File::from(ours));
        let shown = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&shown);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                kept.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
        });
        Terminal { child, keys, theirs, mode_before, shown, seen: 0 }
    }

    /// Everything that was shown.
    pub fn shown(&self) -> String {
        self.shown.lock().unwrap().clone()
    }

    /// Presses keys.
    #[track_caller]
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// The first of these texts that is shown behind what was looked at before, if one is.
    fn look(&mut self, texts: &[&str]) -> Option<usize> {
        let shown = self.shown();
        let found = texts
            .iter()
            .enumerate()
            .filter_map(|(n, text)| shown[self.seen..].find(text).map(|at| (at + text.len(), n)));
        let (end, n) = found.min()?;
        self.seen += end;
        Some(n)
    }

    /// Waits for one of these texts behind what was looked at before; the number of the first one.
    #[track_caller]
    pub fn see_one(&mut self, texts: &[&str]) -> usize {
        eventually(&format!("it shows one of {texts:?}"), || self.look(texts))
    }

    /// Waits for this text behind what was looked at before.
    #[track_caller]
    pub fn see(&mut self, text: &str) {
        self.see_one(&[text]);
    }

    /// Holds a key until something is true, as a terminal tells of it: by repeats.
    #[track_caller]
    pub fn hold_until(&mut self, key: &str, what: &str, mut is_true: impl FnMut(&mut Terminal) -> bool) {
        eventually(what, || {
            self.press(key);
            thread::sleep(REPEAT);
            is_true(self).then_some(())
        });
    }

    /// Holds a key until one of these texts is shown.
    #[track_caller]
    pub fn hold_until_shown(&mut self, key: &str, texts: &[&str]) {
        self.hold_until(key, &format!("it shows one of {texts:?}"), |terminal| {
            terminal.look(texts).is_some()
        });
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success(), "{kill}");
    }

    /// Waits for the end of the command.
    #[track_caller]
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        eventually("the command ends", || self.child.try_wait().unwrap())
    }

    /// Asserts that the terminal has another mode than before the command, or the same.
    #[track_caller]
    pub fn assert_mode_is_as_before(&self, as_before: bool) {
        let mode = tcgetattr(&self.theirs).unwrap();
        let flags =
            |mode: &Termios| (mode.local_modes, mode.input_modes, mode.output_modes, mode.control_modes);
        let is_same = flags(&mode) == flags(&self.mode_before);
        assert_eq!(is_same, as_before, "{mode:?} {:?}", self.mode_before);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("the terminal:\n{}", self.shown());
        }
    }
}
