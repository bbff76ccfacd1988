//! The command line: one file a subcommand.
//!
//! - `run`: the server itself; what the bare `yep` does. `config` reads its file, `logging` writes its log within a
//!   `log_budget`
//! - `wave`: draws a graph, without any server; `chart` is the paper, `wave_arguments` says which wave
//! - `layout`: the memories of the appliance, and whether this system is set up so
//! - `safe_pins`: the outputs into their safe level
//! - `simulate`: the whole machine on virtual time, with faults
//! - `doctor`: what the host gives and what it lacks
//! - `state`: what is remembered, of a server or in its folder
//! - `calibrate`, `run_wave`, `end`, `stop`, `status`, `faults`, `sensor`, `sessions`: ask a running server
//!
//! A program may rely on the exit codes: 0 done; 1 refused, with the reason on the error stream; 2 not
//! understood; 3 no server there.

use std::io::{self, ErrorKind, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::app::stdio;

mod calibrate;
mod chart;
mod client;
pub mod config;
mod doctor;
mod end;
mod faults;
mod layout;
mod log_budget;
mod logging;
mod run;
mod run_wave;
mod safe_pins;
mod sensor;
mod sessions;
mod simulate;
mod state;
mod status;
mod stop;
mod wave;
mod wave_arguments;

const EXAMPLES: &str = "\
Examples:
  yep                              serve on 127.0.0.1:8080, with a simulated machine
  yep wave sine --duration 5       draw what would be moved
  yep calibrate --wait             find both ends of the rail
  yep run-wave sine --duration 5   move
  yep status --watch               see it
  yep stop                         stop now, keep the position
  yep faults show                  what happened around the last fault
  yep doctor                       what this computer gives, and what it lacks

Exit codes: 0 done, 1 refused, 2 not understood, 3 no server there.
STOP is software: it is no replacement for a button that cuts the motor's power.";

/// What a last word may take to be written.
const SAID_WITHIN: Duration = Duration::from_secs(1);

/// With the commit: two builds of one version are not the same.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("YEP_GIT_ID"), ")");

/// The controller and server of one stepper-driven linear axis.
#[derive(Debug, Parser)]
#[command(name = "yep", version = VERSION, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Arguments),
    Wave(wave::Arguments),
    Doctor(doctor::Arguments),
    Layout(layout::Arguments),
    SafePins(safe_pins::Arguments),
    Calibrate(calibrate::Arguments),
    RunWave(run_wave::Arguments),
    End(end::Arguments),
    Stop(stop::Arguments),
    Status(status::Arguments),
    Sensor(sensor::Arguments),
    Simulate(simulate::Arguments),
    Faults(faults::Arguments),
    Sessions(sessions::Arguments),
    State(state::Arguments),
}

/// Which server to ask.
#[derive(Debug, Args)]
struct Server {
    /// Where the server is
    #[arg(long, value_name = "URL", env = "YEP_SERVER", default_value = "http://127.0.0.1:8080")]
    server: client::Address,
}

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The machine, the server or the system said no.
    #[error("{0}")]
    Refused(String),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Usage(String),
    /// Nobody there to ask.
    #[error("{0}")]
    Unreachable(String),
}

impl Failure {
    fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Refused(_) => 1,
            // As clap has it for what it does not understand.
            Failure::Usage(_) => 2,
            Failure::Unreachable(_) => 3,
        })
    }
}

/// Writes to the standard output; a reader that has seen enough is no error.
fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Refused(format!("cannot write: {error}")))
        }
        _ => Ok(()),
    }
}

/// Does what the command line says.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command.unwrap_or(Command::Run(cli.run)) {
        Command::Run(arguments) => run::run(arguments),
        Command::Wave(arguments) => wave::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Layout(arguments) => layout::run(&arguments),
        Command::SafePins(arguments) => safe_pins::run(&arguments),
        Command::Calibrate(arguments) => calibrate::run(&arguments),
        Command::RunWave(arguments) => run_wave::run(&arguments),
        Command::End(arguments) => end::run(&arguments),
        Command::Stop(arguments) => stop::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Sensor(arguments) => sensor::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Faults(arguments) => faults::run(&arguments),
        Command::Sessions(arguments) => sessions::run(&arguments),
        Command::State(arguments) => state::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // The error stream may be gone, or be a terminal that is stopped.
            stdio::say(io::stderr(), format!("yep: {failure}\n"), SAID_WITHIN);
            failure.code()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }
}
