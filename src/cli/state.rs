//! `yep state`: shows, exports, imports and checks the persistent state, of a running server or in its folder.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{Failure, Server};
use crate::api::resources::waves;
use crate::files;
use crate::options::Options;
use crate::store::{StateChange, Store, StoredState, check, document};
use crate::wall_clock;

const EXAMPLES: &str = "\
Examples:
  yep state show                            what is remembered, and how the last start went
  yep state export backup.json              settings, calibration, waves and sessions, as one file
  yep state import backup.json              replace all of it; refused while the axis moves
  yep state check                           look at ./state, and touch nothing
  yep state export --state-dir /var/lib/yep backup.json    without a server

A server is asked, unless --state-dir names the folder of one that does not run.";

/// Show, save, restore or check what is remembered
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    command: StateCommand,
}

#[derive(Debug, Subcommand)]
enum StateCommand {
    /// Show what is remembered
    Show {
        #[command(flatten)]
        place: StateArgument,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Write everything to a file
    Export {
        #[command(flatten)]
        place: StateArgument,
        /// Where to; standard output if there is none
        file: Option<PathBuf>,
    },
    /// Replace everything by what a file says
    Import {
        #[command(flatten)]
        place: StateArgument,
        /// Where from
        file: PathBuf,
    },
    /// Look at a state folder without touching it
    Check {
        /// The folder
        #[arg(long, value_name = "DIR", env = "STATE_DIRECTORY", default_value_os_t = Options::default().state_dir)]
        state_dir: PathBuf,
    },
}

/// Where the state is.
#[derive(Debug, Args)]
struct StateArgument {
    #[command(flatten)]
    server: Server,
    /// The folder of a server that does not run
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    state_dir: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        StateCommand::Show { place, json } => show(place, *json),
        StateCommand::Export { place, file } => export(place, file.as_deref()),
        StateCommand::Import { place, file } => import(place, file),
        StateCommand::Check { state_dir } => check_folder(state_dir),
    }
}

fn show(place: &StateArgument, json: bool) -> Result<(), Failure> {
    let document = read(place)?;
    let start = match &place.state_dir {
        None => Some(place.server.server.get("/api/v1/state")?["start"].take()),
        Some(_) => None,
    };
    if json {
        println!("{document:#}");
    } else {
        print!("{}", page(&document, start.as_ref()));
    }
    Ok(())
}

/// The state for people. All fields were written or checked by this program.
fn page(document: &Value, start: Option<&Value>) -> String {
    let mut page = String::new();
    let mut row = |name: &str, value: String| {
        writeln!(page, "{name:<12}{value}").expect("a String takes any text");
    };
    let (s, m, c) = (&document["settings"], &document["motion"], &document["counters"]);
    if let Some(start) = start {
        row("start", start["message"].as_str().unwrap_or("not known").to_owned());
    }
    row("settings", format!("{} ({})", s["name"].as_str().unwrap_or_default(), plain(&s["id"])));
    row(
        "rail",
        format!(
            "{} mm between the switches, {} mm kept clear at each, {} mm used at most",
            s["max_stroke_mm"], s["padding_mm"], s["stroke_limit_mm"]
        ),
    );
    row("motor", format!("{} microsteps a turn", s["microsteps_per_rev"]));
    row("force", format!("{} g at most", s["force_limit_g"]));
    row(
        "motion",
        format!(
            "{} mm/s, {} mm/s², {} mm/s³ at most",
            m["max_speed_mm_s"], m["max_acceleration_mm_s2"], m["max_jerk_mm_s3"]
        ),
    );
    row("calibration", calibration(document));
    let names: Vec<_> = document["waves"].as_object().into_iter().flat_map(|waves| waves.keys()).collect();
    let names: Vec<_> = names.into_iter().map(String::as_str).collect();
    row("waves", if names.is_empty() { "none saved".to_owned() } else { names.join(", ") });
    let hours = c["moving_s"].as_f64().unwrap_or(0.0) / 3_600.0;
    let metres = c["distance_mm"].as_f64().unwrap_or(0.0) / 1_000.0;
    row(
        "sessions",
        format!(
            "{}: {hours:.2} h, {} strokes, {metres:.1} m, {} ended by a fault",
            c["sessions"], c["strokes"], c["faults"]
        ),
    );
    page
}

fn calibration(document: &Value) -> String {
    let found = &document["calibration"];
    let Some(max_steps) = found["max_steps"].as_i64() else { return "none".to_owned() };
    let max_stroke_mm = document["settings"]["max_stroke_mm"].as_f64();
    let measured = found["travel_steps"].as_f64().zip(max_stroke_mm).map(|(steps, mm)| steps / mm);
    let scale = measured.map_or(String::new(), |scale| format!(", {scale:.3} steps/mm"));
    let at = found["calibrated_unix_s"].as_u64();
    let at =
        at.map_or("at a time that is not known".to_owned(), |at| format!("on {}", wall_clock::readable(at)));
    format!("{max_steps} steps can be used{scale}; measured {at}")
}

fn plain(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn export(place: &StateArgument, file: Option<&Path>) -> Result<(), Failure> {
    let text = format!("{:#}\n", read(place)?);
    let Some(file) = file else {
        print!("{text}");
        return Ok(());
    };
    fs::write(file, text).map_err(|error| refused(format!("cannot write {}: {error}", file.display())))?;
    println!("written to {}", file.display());
    Ok(())
}

fn import(place: &StateArgument, file: &Path) -> Result<(), Failure> {
    let text = files::read_text(file)
        .map_err(|error| Failure::Usage(format!("cannot read {}: {error}", file.display())))?;
    let document: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::Usage(format!("{} is no JSON: {error}", file.display())))?;
    match &place.state_dir {
        None => drop(place.server.server.post("/api/v1/backup", &document)?),
        Some(dir) => replace_state(dir, &document)?,
    }
    println!("everything is as {} says; calibrate before moving", file.display());
    Ok(())
}

/// Reads the document from the server or from the folder.
fn read(place: &StateArgument) -> Result<Value, Failure> {
    let Some(dir) = &place.state_dir else { return place.server.server.get("/api/v1/backup") };
    let (state, generation) = check::read_state(dir).map_err(refused)?;
    Ok(document::write(&state, wall_clock::now_unix_s(), generation))
}

fn replace_state(dir: &Path, document: &Value) -> Result<(), Failure> {
    let state: StoredState =
        document::read(document, waves::check_restored).map_err(|wrong| refused(wrong.to_string()))?;
    let (store, opened) = Store::open(dir).map_err(|error| refused(error.to_string()))?;
    if !opened.recovery.is_plain() {
        eprintln!("yep: {}", opened.recovery);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| refused(format!("cannot start: {error}")))?;
    let saving = store.save(StateChange::Everything(Box::new(state)));
    runtime.block_on(saving).map_err(|error| refused(error.to_string()))
}

fn check_folder(dir: &Path) -> Result<(), Failure> {
    let findings = check::check_folder(dir)
        .map_err(|error| Failure::Usage(format!("cannot look at {}: {error}", dir.display())))?;
    for finding in &findings {
        println!("{:<30}{}", finding.what, finding.how);
    }
    let bad: Vec<_> = findings.iter().filter(|finding| !finding.good).map(|f| f.what.as_str()).collect();
    if bad.is_empty() { Ok(()) } else { Err(refused(format!("not as it should be: {}", bad.join(", ")))) }
}

fn refused(why: String) -> Failure {
    Failure::Refused(why)
}
