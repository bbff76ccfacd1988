//! Keeps a trace of what ended the program without a word, for the support file of a later start.
//!
//! - A panic writes its message and place at once, also when the process goes on.
//! - A kill (by the service manager's watchdog, the memory limit or a person) writes nothing. So a start leaves a mark, a graceful
//!   end removes it, and the next start knows from a mark that is still there what happened. The number of the system's start in
//!   it tells a kill from a computer that lost its power.
//!
//! The file is in the state folder, and bounded: the newest sixteen entries. journald has the whole log of a crash, and on the card
//! /var/lib/yep-card/crashes its last lines.

use std::fs;
use std::io::{self, Write as _};
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::files;
use crate::wall_clock;

/// The entries, as JSON.
const FILE: &str = "crashes.json";
/// The mark of a start that has not ended.
const MARK: &str = "running.json";
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
const FILE_BYTES: usize = 64 << 10;
const MOST_CRASHES: usize = 16;
/// Longest message of a panic.
const MESSAGE_CHARS: usize = 600;
/// How long the thread that panics waits for its message to be written: a frozen disk must not hold it.
const WRITE_TIME: Duration = Duration::from_millis(50);
/// Panics that wait to be written.
const QUEUE: usize = 4;

/// What ended the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CrashKind {
    /// A thread panicked.
    Panic,
    /// The process ended without a word.
    Killed,
    /// The computer ended without a word.
    Off,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Crash {
    kind: CrashKind,
    /// When it was written down: a panic at once, the others at the next start.
    unix_s: u64,
    /// The version that it happened to.
    version: String,
    what: String,
}

/// What a start leaves behind until its graceful end.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StartMark {
    unix_s: u64,
    version: String,
    boot_id: String,
}

/// The mark of this start; it is removed when this is dropped.
pub struct Running(PathBuf);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Writes down how the last start ended, and from now on the panics of this one. A folder that cannot be written is logged.
#[must_use]
pub fn watch(state_dir: &Path) -> Running {
    let boot_id = fs::read_to_string(BOOT_ID).unwrap_or_default().trim().to_owned();
    if let Err(error) = mark(state_dir, boot_id) {
        tracing::warn!(%error, "a crash of this start will leave no trace in the state folder");
    }
    if let Err(error) = write_panics(state_dir) {
        tracing::warn!(%error, "a panic will leave no trace in the state folder");
    }
    Running(state_dir.join(MARK))
}

/// The entries, the oldest first; none where none can be read.
#[must_use]
pub fn report(state_dir: &Path) -> Value {
    json!(read::<Vec<Crash>>(&state_dir.join(FILE)).unwrap_or_default())
}

/// Turns the mark of the last start into an entry, and leaves one of this start.
fn mark(state_dir: &Path, boot_id: String) -> io::Result<()> {
    let file = state_dir.join(MARK);
    if let Some(last) = read::<StartMark>(&file) {
        let kind = if last.boot_id == boot_id { CrashKind::Killed } else { CrashKind::Off };
        let what = match kind {
            CrashKind::Off => "the computer lost its power, or was restarted by its watchdog",
            _ => {
                "the process was killed: by the service manager's watchdog, for want of memory, or by a person"
            }
        };
        let what = format!("{what}; it had started at {} s", last.unix_s);
        tracing::warn!("the last start ended without a word: {what}");
        add(state_dir, Crash { kind, unix_s: wall_clock::now_unix_s(), version: last.version, what })?;
    }
    let own = StartMark { unix_s: wall_clock::now_unix_s(), version: version(), boot_id };
    write(&file, &serde_json::to_vec(&own)?)
}

/// Adds an entry. Many switch their machine off at the plug, so of that only the last time is kept.
fn add(state_dir: &Path, crash: Crash) -> io::Result<()> {
    let file = state_dir.join(FILE);
    let mut crashes = read::<Vec<Crash>>(&file).unwrap_or_default();
    if crash.kind == CrashKind::Off {
        crashes.retain(|earlier| earlier.kind != CrashKind::Off);
    }
    crashes.push(crash);
    crashes.drain(..crashes.len().saturating_sub(MOST_CRASHES));
    write(&file, &serde_json::to_vec(&crashes)?)
}

/// Does not wait for the disk: what the system has taken survives the process.
fn write(file: &Path, content: &[u8]) -> io::Result<()> {
    let new = file.with_extension("new");
    files::create_anew(&new)?.write_all(content)?;
    fs::rename(&new, file)
}

fn read<T: for<'de> Deserialize<'de>>(file: &Path) -> Option<T> {
    serde_json::from_slice(&files::read_regular(file, FILE_BYTES).ok()?).ok()
}

fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// Puts a hook behind that of the log. A thread of its own writes, as the one that panics may be a real-time one.
fn write_panics(state_dir: &Path) -> io::Result<()> {
    let (queue, panics) = sync_channel::<(Crash, SyncSender<()>)>(QUEUE);
    let folder = state_dir.to_owned();
    std::thread::Builder::new().name("crashes".into()).spawn(move || write_entries(&folder, &panics))?;
    let former = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        former(panic);
        let thread = std::thread::current();
        let what = format!("thread {}: {panic}", thread.name().unwrap_or("without a name"));
        let what = what.chars().take(MESSAGE_CHARS).collect();
        let crash =
            Crash { kind: CrashKind::Panic, unix_s: wall_clock::now_unix_s(), version: version(), what };
        let (written, done) = sync_channel(1);
        if queue.try_send((crash, written)).is_ok() {
            let _ = done.recv_timeout(WRITE_TIME);
        }
    }));
    Ok(())
}

fn write_entries(folder: &Path, panics: &Receiver<(Crash, SyncSender<()>)>) {
    while let Ok((crash, written)) = panics.recv() {
        // A disk that takes nothing: the log has the message.
        let _ = add(folder, crash);
        let _ = written.try_send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crash(kind: CrashKind, unix_s: u64) -> Crash {
        Crash { kind, unix_s, version: version(), what: "x".repeat(MESSAGE_CHARS) }
    }

    fn kinds(folder: &Path) -> Vec<CrashKind> {
        read::<Vec<Crash>>(&folder.join(FILE)).unwrap_or_default().iter().map(|crash| crash.kind).collect()
    }

    #[test]
    fn a_mark_that_is_left_is_a_kill_or_a_lost_power() {
        let folder = tempfile::tempdir().unwrap();
        mark(folder.path(), "a".into()).unwrap();
        assert!(kinds(folder.path()).is_empty());
        drop(Running(folder.path().join(MARK)));
        mark(folder.path(), "a".into()).unwrap();
        assert!(kinds(folder.path()).is_empty(), "a graceful end is none");
        mark(folder.path(), "a".into()).unwrap();
        mark(folder.path(), "b".into()).unwrap();
        mark(folder.path(), "c".into()).unwrap();
        assert_eq!(
            kinds(folder.path()),
            [CrashKind::Killed, CrashKind::Off],
            "of a lost power only the last"
        );
    }

    #[test]
    fn the_file_is_bounded_and_a_damaged_one_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "[{").unwrap();
        assert_eq!(report(folder.path()), json!([]));
        for unix_s in 0..40 {
            add(folder.path(), crash(CrashKind::Panic, unix_s)).unwrap();
        }
        let report = report(folder.path());
        let entries = report.as_array().unwrap();
        assert_eq!((entries.len(), entries.last().unwrap()["unix_s"].as_u64()), (MOST_CRASHES, Some(39)));
        assert!(fs::metadata(folder.path().join(FILE)).unwrap().len() < FILE_BYTES as u64);
        assert_eq!(super::report(&folder.path().join("nowhere")), json!([]));
    }
}
