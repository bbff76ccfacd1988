//! A stand-in for the helper that owns the card: a Unix socket that follows its protocol, takes files of its own kind, and keeps
//! what came. It never takes two connections at a time, and counts who tried.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

/// Bytes between two lines of progress.
const PART_BYTES: usize = 32 * 1024;

/// What the stand-in has seen and done.
#[derive(Default)]
pub struct Seen {
    /// The requests, but those that only ask for the systems.
    pub requests: Vec<Value>,
    /// The whole files that were taken.
    pub taken: Vec<Vec<u8>>,
    /// Files that ended before their end.
    pub broken_off: usize,
    /// Connections that came while another one was served.
    pub crowded: usize,
    served: usize,
    trial: Option<String>,
    spare: Option<String>,
}

/// The stand-in.
pub struct Helper {
    pub socket: PathBuf,
    seen: Arc<Mutex<Seen>>,
    held: watch::Sender<bool>,
    _folder: tempfile::TempDir,
}

impl Helper {
    /// Listens on a socket of its own.
    pub fn start() -> Helper {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("update.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let seen = Arc::new(Mutex::new(Seen { spare: Some("0.0.9 (old)".into()), ..Seen::default() }));
        let held = watch::Sender::new(false);
        let (told, hold) = (Arc::clone(&seen), held.subscribe());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&told), hold.clone()));
            }
        });
        Helper { socket, seen, held, _folder: folder }
    }

    /// Reads nothing of a file behind its description, or goes on.
    pub fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// Takes the socket away, as on a computer without such a helper.
    pub fn remove(&self) {
        std::fs::remove_file(Path::new(&self.socket)).unwrap();
    }
}

/// A file that the stand-in takes: a line that describes it, and so many bytes. `refuse` is the code with which it is refused
/// behind its description, `fail` the one behind its last byte.
pub fn update_file(title: &str, content: &[u8], more: Value) -> Vec<u8> {
    let mut line = json!({ "title": title, "bytes": content.len() });
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut file = format!("{line}\n").into_bytes();
    file.extend_from_slice(content);
    file
}

async fn serve(stream: UnixStream, seen: Arc<Mutex<Seen>>, held: watch::Receiver<bool>) {
    {
        let mut seen = seen.lock().unwrap();
        seen.served += 1;
        if seen.served > 1 {
            seen.crowded += 1;
        }
    }
    let (bytes, mut answers) = stream.into_split();
    let mut bytes = BufReader::new(bytes);
    let request = line(&mut bytes).await;
    if request["act"] != "show" {
        seen.lock().unwrap().requests.push(request.clone());
    }
    match request["act"].as_str() {
        Some("show") => {
            let (trial, spare) = {
                let seen = seen.lock().unwrap();
                (seen.trial.clone(), seen.spare.clone())
            };
            let trial = trial.map(|title| json!({ "slot": "b", "title": title, "tries_left": 3 }));
            let slots = json!({ "step": "slots", "running": "a", "title": "0.1.0 (here)", "default": "a",
                "spare": spare, "trial": trial, "last": null, "of_a_newer_helper": 1 });
            say(&mut answers, slots).await;
        }
        Some("take") => take(&request, bytes, &mut answers, &seen, held).await,
        Some("try") => {
            let waits = seen.lock().unwrap().trial.clone();
            say(&mut answers, restarting(waits, "nothing_to_try")).await;
        }
        Some("back") => {
            let spare = seen.lock().unwrap().spare.clone();
            say(&mut answers, restarting(spare, "no_spare")).await;
        }
        _ => say(&mut answers, refused("request", "no such act")).await,
    }
    seen.lock().unwrap().served -= 1;
}

fn restarting(title: Option<String>, code: &str) -> Value {
    title.map_or_else(
        || refused(code, "there is none"),
        |title| json!({ "step": "restarting", "title": title }),
    )
}

fn refused(code: &str, message: &str) -> Value {
    json!({ "step": "refused", "code": code, "message": message })
}

async fn take(
    request: &Value,
    mut bytes: impl tokio::io::AsyncBufRead + Unpin,
    answers: &mut OwnedWriteHalf,
    seen: &Mutex<Seen>,
    mut held: watch::Receiver<bool>,
) {
    let about = line(&mut bytes).await;
    if let Some(code) = about["refuse"].as_str() {
        return say(answers, refused(code, &format!("it is {code}"))).await;
    }
    if about["older"] == true && request["allow_older"] != true {
        return say(answers, refused("older", "it is older")).await;
    }
    let Some(all) = about["bytes"].as_u64() else {
        seen.lock().unwrap().broken_off += 1;
        return say(answers, refused("no_update", "it is no update")).await;
    };
    let accepted = json!({ "step": "accepted", "title": about["title"], "running": "0.1.0 (here)", "signer": "tests",
        "slot": "b", "store_layout": 5 });
    say(answers, accepted).await;
    if request["check"] == true {
        return;
    }
    seen.lock().unwrap().spare = None;
    let all = usize::try_from(all).unwrap();
    let mut content = Vec::new();
    let progress = |step: &str, done: usize| json!({ "step": step, "done_bytes": done, "all_bytes": all, "written_bytes": done / 2 });
    while content.len() < all {
        held.wait_for(|held| !held).await.unwrap();
        let mut part = vec![0; PART_BYTES.min(all - content.len())];
        match bytes.read(&mut part).await {
            Ok(0) | Err(_) => {
                seen.lock().unwrap().broken_off += 1;
                return say(answers, refused("truncated", "it ends before its last block")).await;
            }
            Ok(read) => content.extend_from_slice(&part[..read]),
        }
        say(answers, progress("write", content.len())).await;
    }
    say(answers, json!({ "step": "of_a_newer_helper" })).await;
    say(answers, progress("verify", all)).await;
    match about["fail"].as_str() {
        Some("silently") => return,
        Some(code) => return say(answers, refused(code, &format!("it is {code}"))).await,
        None => {}
    }
    {
        let mut seen = seen.lock().unwrap();
        seen.taken.push(content);
        (seen.trial, seen.spare) =
            (about["title"].as_str().map(Into::into), about["title"].as_str().map(Into::into));
    }
    say(
        answers,
        json!({ "step": "done", "title": about["title"], "all_bytes": all, "written_bytes": all / 2 }),
    )
    .await;
}

async fn line(bytes: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> Value {
    let mut line = String::new();
    match bytes.read_line(&mut line).await {
        Ok(_) => serde_json::from_str(&line).unwrap_or_default(),
        Err(_) => Value::Null,
    }
}

async fn say(answers: &mut OwnedWriteHalf, value: Value) {
    // Who is not there any more hears nothing.
    let _ = answers.write_all(format!("{value}\n").as_bytes()).await;
}
