//! `yep support`: one file for somebody who helps from far away.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::{Failure, Server, config, print, run_arguments};
use crate::api::resources::support::{PARTS, WITHOUT};
use crate::app::{crashes, host_report};

const EXAMPLES: &str = "\
Examples:
  yep support --list                        what would be in it
  yep support yep-support.json              make it; a file of that name is not replaced
  yep support yep-support.json --server http://yep.local

Without a server it has only the checks of this computer, and its crashes.";

/// Make a file for somebody who helps from far away
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The new file
    #[arg(required_unless_present = "list")]
    file: Option<PathBuf>,
    /// Only say what would be in it
    #[arg(long, conflicts_with = "file")]
    list: bool,
    /// The configuration of the server, for the checks of this computer where no server answers
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    server: Server,
}

/// Says what is in it, and makes it.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    print(&contents())?;
    let Some(file) = &arguments.file else { return Ok(()) };
    let (document, problem) = match arguments.server.server.get("/api/v1/support") {
        Ok(document) => (document, None),
        Err(problem @ Failure::Unreachable(_)) => (without_server(arguments, &problem)?, Some(problem)),
        Err(refused) => return Err(refused),
    };
    write(file, &document).map_err(|error| Failure::Refused(format!("{}: {error}", file.display())))?;
    print(&format!("\nwritten to {}\n", file.display()))?;
    problem.map_or(Ok(()), Err)
}

fn contents() -> String {
    let mut text = String::from("The file has:\n");
    for part in PARTS {
        let _ = writeln!(text, "  {:<14}{}", part.name, part.what);
    }
    let _ = writeln!(text, "{WITHOUT}");
    text
}

/// The checks of this computer, its crashes, and why there is no more.
fn without_server(arguments: &Arguments, problem: &Failure) -> Result<Value, Failure> {
    let options =
        config::load(&run_arguments::Arguments { config: arguments.config.clone(), ..Default::default() })
            .map_err(|error| Failure::Usage(error.to_string()))?;
    let (host, crashes) = (host_report::of(&options, Path::new("/")), crashes::report(&options.state_dir));
    Ok(json!({ "problem": problem.to_string(), "parts": { "host": host, "crashes": crashes } }))
}

/// Only the owner may read it.
fn write(file: &Path, document: &Value) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    serde_json::to_writer_pretty(&mut file, document)?;
    file.write_all(b"\n")?;
    file.sync_all()
}
