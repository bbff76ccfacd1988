//! The proof of a new system: for some time the server is ready, its loops beat, its store is open, and it answers with a
//! page. Only then does the firmware start it by itself.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;

use super::{io_failure, require_rest, title};
use crate::cli::client::Address;
use crate::cli::{Failure, Server};
use crate::update::card::Card;

/// Pause between two looks.
const EVERY: Duration = Duration::from_secs(1);

/// Starts of the store that lost the user's settings; the next power cut does not explain them.
const NO_STORE: [&str; 4] = ["", "defaults", "invalid", "unavailable"];

/// How long it takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// It must be healthy for so many seconds on end
    #[arg(long, default_value_t = 20)]
    healthy_s: u64,
    /// And prove that within so many seconds
    #[arg(long, default_value_t = 300)]
    within_s: u64,
}

/// Waits for the proof, and makes this system the default; or notes why not, and restarts, which leads to the other one.
pub fn prove(card: &Card, how: &Arguments, server: &Server) -> Result<(), Failure> {
    let record = card.record().map_err(io_failure("what is remembered of the systems"))?;
    if record.trial.is_none_or(|trial| trial.slot != card.slot()) {
        return Ok(());
    }
    match watch(how, server) {
        Ok(()) => {
            card.make_default(card.slot()).map_err(io_failure("autoboot.txt"))?;
            let mut record = card.record().map_err(io_failure("what is remembered of the systems"))?;
            record.note_proven();
            card.save(&record).map_err(io_failure("cannot note the proof"))?;
            println!("{} is healthy, and stays", title());
            Ok(())
        }
        Err(why) => {
            println!("{} is not healthy: {why}", title());
            let mut record = card.record().map_err(io_failure("what is remembered of the systems"))?;
            record.trouble = Some(why);
            card.save(&record).map_err(io_failure("cannot note it"))?;
            leave(server)
        }
    }
}

/// Ok once it was healthy for long enough on end; else what it lacked last.
fn watch(how: &Arguments, server: &Server) -> Result<(), String> {
    let end = Instant::now() + Duration::from_secs(how.within_s);
    let (mut since, mut unit) = (None, None);
    loop {
        let found = look(server);
        let now = Instant::now();
        match &found {
            // A restart of the server in between begins the time anew.
            Ok(now_unit) if unit.as_ref() == Some(now_unit) => {
                let since = *since.get_or_insert(now);
                if now.duration_since(since) >= Duration::from_secs(how.healthy_s) {
                    return Ok(());
                }
            }
            Ok(now_unit) => (since, unit) = (None, Some(now_unit.clone())),
            Err(Lack::ForGood(why)) => return Err(why.clone()),
            Err(Lack::Yet(_)) => (since, unit) = (None, None),
        }
        if now >= end {
            return Err(match found {
                Err(Lack::Yet(why) | Lack::ForGood(why)) => why,
                Ok(_) => "the server starts again and again".into(),
            });
        }
        thread::sleep(EVERY);
    }
}

/// What a system lacks.
enum Lack {
    /// It may come.
    Yet(String),
    /// The service manager has given up.
    ForGood(String),
}

/// One look: how often the service manager has restarted the server, or what is missing. The manager restarts a server whose
/// loops do not beat (WatchdogSec=), and one that is never ready.
fn look(server: &Server) -> Result<String, Lack> {
    let unit =
        Command::new("systemctl").args(["show", "-p", "ActiveState,NRestarts", "yep.service"]).output();
    let unit = unit.map_err(|error| Lack::Yet(format!("systemctl: {error}")))?;
    let unit = String::from_utf8_lossy(&unit.stdout).into_owned();
    match unit.lines().find_map(|line| line.strip_prefix("ActiveState=")) {
        Some("active") => {}
        Some("failed") => return Err(Lack::ForGood("the server ends again and again".into())),
        _ => return Err(Lack::Yet("the server is not ready".into())),
    }
    answers(&server.server).map_err(Lack::Yet)?;
    Ok(unit)
}

/// The machine, the store and the page.
fn answers(server: &Address) -> Result<(), String> {
    let lacks = |what: &str| {
        let what = what.to_owned();
        move |failure: Failure| format!("{what}: {}", failure.to_string().lines().next().unwrap_or_default())
    };
    server.get("/api/v1/machine").map_err(lacks("the machine"))?;
    let state = server.get("/api/v1/state").map_err(lacks("the store"))?;
    let how = state["start"]["code"].as_str().unwrap_or_default();
    if NO_STORE.contains(&how) {
        return Err(format!("the store: {}", state["start"]["message"].as_str().unwrap_or(how)));
    }
    let page = server.get_bytes("/").map_err(lacks("the page"))?;
    if page.starts_with(b"<!") { Ok(()) } else { Err("the page is none".into()) }
}

/// Restarts at rest. The firmware starts the other system, unless it is asked for this one again.
fn leave(server: &Server) -> Result<(), Failure> {
    while let Err(Failure::Refused(why)) = require_rest(server) {
        println!("it restarts later: {why}");
        thread::sleep(EVERY);
    }
    let done = Command::new("systemctl").arg("reboot").status().map_err(io_failure("systemctl reboot"))?;
    if done.success() { Ok(()) } else { Err(Failure::Refused(format!("systemctl reboot ended with {done}"))) }
}
