//! `yep script`: what a script asks of the axis, the scripts that a server has, and playing one.
//!
//! - `check`: reads files, without a server
//! - `list`, `play`: requests to a running server

use clap::{Args, Subcommand};

use super::{Failure, Server};

mod check;
mod list;
mod play;

const EXAMPLES: &str = "\
Examples:
  yep script check *.funscript              what is wrong with them, and what they ask of the axis
  yep script check x.funscript --window 90 --speed 400
  yep script check x.csv --write x.funscript
  yep script list                           those that the server has
  yep script play x                         as long as this command runs; Ctrl-C brings the axis to rest

docs/SCRIPTS.md says what is repaired in a script and what is refused.";

/// Check, list and play scripts
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    act: ScriptAct,
}

#[derive(Debug, Subcommand)]
enum ScriptAct {
    /// Read scripts: what is repaired, what is wrong, what they ask of the axis
    Check(check::CheckArguments),
    /// Show the scripts that the server has
    List {
        /// As the server's JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Play a script that the server has, without a video, as long as this command runs
    Play {
        /// Its name in the list
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        server: Server,
    },
}

/// Runs the act.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.act {
        ScriptAct::Check(arguments) => check::run(arguments),
        ScriptAct::List { json, server } => list::run(*json, &server.server),
        ScriptAct::Play { name, server } => play::run(name, &server.server),
    }
}

/// Minutes and seconds, with hours where there are some.
fn clock(seconds: f64) -> String {
    let all = seconds.round() as u64;
    let (hours, minutes, seconds) = (all / 3_600, all / 60 % 60, all % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}
