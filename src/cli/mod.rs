//! Command-line interface: one file or folder for each subcommand.
//!
//! - `run`: the server, also without a subcommand. `config` reads the configuration file, `logging` writes the log,
//!   `log_budget` is its rate limit, `log_keeper` keeps its newest lines for the server
//! - `wave`: draws a graph, without a server; `chart` plots it, `wave_arguments` are the options of a wave
//! - `layout`: the memory layout of the appliance, and its comparison with this system
//! - `safe_pins`: sets the outputs to their safe level
//! - `simulate`: deterministic simulation tests of the whole machine, with injected faults
//! - `doctor`: checks of this host
//! - `state`: export, import and check of the persistent state, of a server or in its folder
//! - `support`: a file for somebody who helps from far away
//! - `update`: a signed update as the card's next system, and which of its two systems runs
//! - `pair`, `devices`: who is let in
//! - `commission`: the first run: its record, and the walk through it in a terminal
//! - `script`: checks, lists and plays scripts; `run_pattern` strokes; `attended` is a motion that ends with its command
//! - `find` lists the machines of the network; `several` asks several servers at the same time
//! - `calibrate`, `run_wave`, `end`, `stop`, `status`, `faults`, `sensor`, `sessions`: requests to a running server
//!
//! The exit codes are stable: 0 done; 1 refused, with the reason on the error stream; 2 not understood; 3 no server
//! there.

use std::env;
use std::ffi::OsString;
use std::io::{self, ErrorKind, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::app::stdio;

mod attended;
mod calibrate;
mod chart;
mod client;
mod commission;
pub mod config;
mod devices;
mod doctor;
mod end;
mod faults;
mod find;
mod layout;
mod log_budget;
mod log_keeper;
mod logging;
mod pair;
mod run;
mod run_arguments;
mod run_pattern;
mod run_wave;
mod safe_pins;
mod script;
mod sensor;
mod sessions;
mod several;
mod simulate;
mod state;
mod status;
mod stop;
mod support;
mod update;
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
  yep pair                         let a phone in
  yep commission walk              the first run, in this terminal
  yep doctor                       what this computer gives, and what it lacks

Exit codes: 0 done, 1 refused, 2 not understood, 3 no server there.
STOP is software: it is no replacement for a button that cuts the motor's power.";

/// Timeout for the last message.
const SAID_WITHIN: Duration = Duration::from_secs(1);

/// With the commit, as two builds of one version may differ.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("YEP_GIT_ID"), ")");

/// The controller and server of one stepper-driven linear axis.
#[derive(Debug, Parser)]
#[command(name = "yep", version = VERSION, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<CliCommand>,
    #[command(flatten)]
    run: run_arguments::Arguments,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    Run(run_arguments::Arguments),
    Wave(wave::Arguments),
    Doctor(doctor::Arguments),
    Commission(commission::Arguments),
    Pair(pair::Arguments),
    Devices(devices::Arguments),
    Layout(layout::Arguments),
    SafePins(safe_pins::Arguments),
    Calibrate(calibrate::Arguments),
    RunWave(run_wave::Arguments),
    RunPattern(run_pattern::Arguments),
    Script(script::Arguments),
    End(end::Arguments),
    Stop(stop::Arguments),
    Find(find::Arguments),
    Status(status::Arguments),
    Sensor(sensor::Arguments),
    Simulate(simulate::Arguments),
    Faults(faults::Arguments),
    Sessions(sessions::Arguments),
    State(state::Arguments),
    Support(support::Arguments),
    Update(update::install::Arguments),
    Slot(update::slot::Arguments),
}

/// Which server to ask.
#[derive(Debug, Args)]
struct Server {
    /// Where the server is
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "YEP_SERVER",
        default_value = "http://127.0.0.1:8080"
    )]
    server: client::Address,
}

/// Which servers to ask, one or several.
#[derive(Debug, Args)]
struct Servers {
    /// Where the server is; several with commas between them
    #[arg(
        long = "server",
        global = true,
        value_name = "URL",
        env = "YEP_SERVER",
        default_value = "http://127.0.0.1:8080",
        value_delimiter = ','
    )]
    servers: Vec<client::Address>,
}

/// The reason why a command failed, which gives its exit code.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The machine, the server or the system refused.
    #[error("{0}")]
    Refused(String),
    /// The arguments make no sense.
    #[error("{0}")]
    Usage(String),
    /// There is no server.
    #[error("{0}")]
    Unreachable(String),
}

impl Failure {
    fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Refused(_) => 1,
            // As clap's own.
            Failure::Usage(_) => 2,
            Failure::Unreachable(_) => 3,
        })
    }
}

/// Writes to the standard output; a closed pipe is no error.
fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Refused(format!("cannot write: {error}")))
        }
        _ => Ok(()),
    }
}

/// Moves a `--server URL` before the command behind it: the commands have this option, and `yep` without a command, the
/// server, has not.
fn move_server_behind(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let taken = match arguments.get(1).and_then(|first| first.to_str()) {
        Some("--server") if arguments.len() > 3 => 2,
        Some(first) if first.starts_with("--server=") && arguments.len() > 2 => 1,
        _ => return arguments,
    };
    let server: Vec<OsString> = arguments.drain(1..=taken).collect();
    let end = arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len());
    arguments.splice(end..end, server);
    arguments
}

/// Runs the command line of the process.
pub fn main() -> ExitCode {
    let cli = Cli::parse_from(move_server_behind(env::args_os().collect()));
    let done = match cli.command.unwrap_or(CliCommand::Run(cli.run)) {
        CliCommand::Run(arguments) => run::run(arguments),
        CliCommand::Wave(arguments) => wave::run(&arguments),
        CliCommand::Doctor(arguments) => doctor::run(&arguments),
        CliCommand::Commission(arguments) => commission::run(&arguments),
        CliCommand::Pair(arguments) => pair::run(&arguments),
        CliCommand::Devices(arguments) => devices::run(&arguments),
        CliCommand::Layout(arguments) => layout::run(&arguments),
        CliCommand::SafePins(arguments) => safe_pins::run(&arguments),
        CliCommand::Calibrate(arguments) => calibrate::run(&arguments),
        CliCommand::RunWave(arguments) => run_wave::run(&arguments),
        CliCommand::RunPattern(arguments) => run_pattern::run(&arguments),
        CliCommand::Script(arguments) => script::run(&arguments),
        CliCommand::End(arguments) => end::run(&arguments),
        CliCommand::Stop(arguments) => stop::run(&arguments),
        CliCommand::Find(arguments) => find::run(&arguments),
        CliCommand::Status(arguments) => status::run(&arguments),
        CliCommand::Sensor(arguments) => sensor::run(&arguments),
        CliCommand::Simulate(arguments) => simulate::run(&arguments),
        CliCommand::Faults(arguments) => faults::run(&arguments),
        CliCommand::Sessions(arguments) => sessions::run(&arguments),
        CliCommand::State(arguments) => state::run(&arguments),
        CliCommand::Support(arguments) => support::run(&arguments),
        CliCommand::Update(arguments) => update::install::run(&arguments),
        CliCommand::Slot(arguments) => update::slot::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // The error stream may be closed, or be a terminal that is stopped.
            stdio::write_within(io::stderr(), format!("yep: {failure}\n"), SAID_WITHIN);
            failure.code()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::options::Options;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_and_the_scripts_say_the_defaults_of_the_options() {
        let Options { listen, state_dir, .. } = Options::default();
        let server = Cli::command().find_subcommand("status").map(|status| status.clone().render_long_help());
        assert!(server.unwrap().to_string().contains(&format!("[default: http://{listen}]")));
        let run = Cli::command().find_subcommand("run").map(|run| run.clone().render_long_help());
        let run = run.unwrap().to_string();
        for said in [
            format!("[default: {listen}]"),
            format!("on http://{listen}\n"),
            format!("[default: ./{}]", state_dir.display()),
        ] {
            assert!(run.contains(&said), "{said}: {run}");
        }
        assert!(Cli::command().render_long_help().to_string().contains(&format!("serve on {listen}, ")));
        assert!(include_str!("../../scripts/deb/prerm").contains(&format!("${{listen:-{listen}}}")));
    }

    fn understood(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(move_server_behind(line.split_whitespace().map(OsString::from).collect()))
    }

    #[test]
    fn the_server_may_be_named_before_the_command() {
        for line in [
            "yep --server http://a:1 status --watch",
            "yep --server=http://a:1 state show",
            "yep --server http://a:1 state import file",
            "yep status --server http://a:1",
            "yep --server http://a:1 commission walk",
            "yep commission --server http://a:1 walk",
            "yep sensor tare --server http://a:1",
        ] {
            let said =
                format!("{:?}", understood(line).unwrap_or_else(|error| panic!("{line}: {error}")).command);
            assert!(said.contains("\"a:1\""), "{line}: {said}");
        }
        assert!(understood("yep --server http://a:1").is_err());
        assert!(understood("yep --server").is_err());
    }

    /// Commands in a page: in backticks, or on lines of their own; of a pipe or a remote shell only our part.
    fn commands(page: &str) -> Vec<String> {
        let quoted = page.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
        let lines = page.lines().filter_map(|line| line.strip_prefix("    "));
        let ours = quoted.chain(lines).filter_map(|text| {
            let text = text.split(['#', '>', '<', '|', '\'']).next()?.split("   ").next()?.trim();
            let text = text.rsplit_once("ssh root@yep.local ").map_or(text, |(_, remote)| remote);
            text.strip_prefix("yep ").map(|arguments| format!("yep {arguments}"))
        });
        // A quoted list is cut off; placeholders are in capitals.
        ours.filter(|line| !line.ends_with("--points"))
            .map(|line| line.replace("SECONDS", "60").replace("COMMAND", "status"))
            .collect()
    }

    #[test]
    fn commands_that_are_documented_are_understood() {
        let pages = [
            ("README.md", include_str!("../../README.md")),
            ("FIRST-STEPS.md", include_str!("../../docs/FIRST-STEPS.md")),
            ("INSTALL.md", include_str!("../../docs/INSTALL.md")),
            ("SENSOR.md", include_str!("../../docs/SENSOR.md")),
            ("PI.md", include_str!("../../docs/PI.md")),
            ("SAFETY.md", include_str!("../../docs/SAFETY.md")),
            ("WAVES.md", include_str!("../../docs/WAVES.md")),
            ("SETTINGS.md", include_str!("../../docs/SETTINGS.md")),
            ("REALTIME.md", include_str!("../../docs/REALTIME.md")),
            ("SCRIPTS.md", include_str!("../../docs/SCRIPTS.md")),
            ("HOUSE.md", include_str!("../../docs/HOUSE.md")),
        ];
        let mut seen = 0;
        for (page, text) in pages {
            for line in commands(text) {
                seen += 1;
                if let Err(error) = understood(&line) {
                    let help = matches!(error.kind(), clap::error::ErrorKind::DisplayHelp);
                    assert!(help, "{page}: {line}: {error}");
                }
            }
        }
        assert!(seen > 30, "{seen}");
    }
}
