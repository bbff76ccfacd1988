//! `yep status`: shows the state of the machine and its reason.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write as _};
use std::thread;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::client::Address;
use super::several::{first_line, summary, with_each};
use super::{Failure, Servers};
use crate::api::telemetry::StatusDocument;

const EXAMPLES: &str = "\
Examples:
  yep status                                state, position, force, limits, and why
  yep status --watch                        again and again, until Ctrl-C
  yep status --json | jq .position_mm       for programs
  yep status --server http://a,http://b     several machines, a line each";

/// The path of the status.
const MACHINE: &str = "/api/v1/machine";
/// Poll interval of --watch.
const POLL_EVERY: Duration = Duration::from_millis(500);

/// Show what the machine is doing
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Look again and again
    #[arg(long)]
    watch: bool,
    /// As the server's JSON, one object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    servers: Servers,
}

/// Requests the status from the server.
pub(super) fn fetch(server: &Address) -> Result<StatusDocument, Failure> {
    parse(server.get(MACHINE)?)
}

fn parse(answer: Value) -> Result<StatusDocument, Failure> {
    serde_json::from_value(answer)
        .map_err(|error| Failure::Unreachable(format!("the status makes no sense: {error}")))
}

/// The status on several lines.
fn page(status: &StatusDocument) -> String {
    let mut page = format!("{:<10}{}: {}\n", "state", status.state, status.why);
    let mut row = |name: &str, value: String| {
        writeln!(page, "{name:<10}{value}").expect("a String takes any text");
    };
    row("position", position(status));
    row("speed", format!("{:.1} mm/s{}", status.velocity_mm_s, clipped_note(status)));
    row("force", status.force_g.map_or("not known".to_owned(), |force| format!("{force:.0} g")));
    let pressed = |closed: bool| if closed { "pressed" } else { "free" };
    let e_stop = if status.inputs.e_stop { "open" } else { "closed" };
    row(
        "limits",
        format!(
            "front {}, back {}, e-stop loop {e_stop}",
            pressed(status.inputs.front),
            pressed(status.inputs.back)
        ),
    );
    if status.inputs.driver_alarm {
        row("driver", "reports an alarm".to_owned());
    }
    if let Some(phase) = status.phase {
        row("wave", format!("{:.0} % of a period, {} complete", phase * 100.0, status.periods));
    }
    if let Some(fault) = &status.fault {
        row("fault", format!("{} ({})", fault.message, fault.code));
        row("to do", fault.remedy.to_string());
    }
    page
}

/// The status on one line, for --watch.
fn line(status: &StatusDocument) -> String {
    let force = status.force_g.map_or(String::new(), |force| format!("{force:>8.0} g"));
    let why = status.fault.as_ref().map_or(&status.why, |fault| &fault.message);
    format!(
        "{:<10}{:>24}{:>10.1} mm/s{force}  {why}{}\n",
        status.state,
        position(status),
        status.velocity_mm_s,
        clipped_note(status)
    )
}

fn position(status: &StatusDocument) -> String {
    match (status.position_mm, status.range_mm) {
        (Some(position), Some(range)) => format!("{position:.2} of {range:.1} mm"),
        (Some(position), None) => format!("{position:.2} mm"),
        (None, _) => "not known".to_owned(),
    }
}

fn clipped_note(status: &StatusDocument) -> &'static str {
    if status.clipped { " (the limits keep it from following the wave)" } else { "" }
}
/// Prints the status, once or repeatedly.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    loop {
        let (text, ended) = match arguments.servers.servers.as_slice() {
            [server] => (one(arguments, server)?, Ok(())),
            servers => each(arguments, servers),
        };
        if !write(&text)? || !arguments.watch {
            return ended;
        }
        thread::sleep(POLL_EVERY);
    }
}

/// Writes to the standard output; false if nobody reads it any more.
fn write(text: &str) -> Result<bool, Failure> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        other => other.map(|()| true).map_err(|error| Failure::Refused(format!("cannot write: {error}"))),
    }
}

fn one(arguments: &Arguments, server: &Address) -> Result<String, Failure> {
    let answer = server.get(MACHINE)?;
    if arguments.json {
        return Ok(format!("{answer}\n"));
    }
    let status = parse(answer)?;
    Ok(if arguments.watch { line(&status) } else { page(&status) })
}

/// A line for each server, in their order, and which of them gave none.
fn each(arguments: &Arguments, servers: &[Address]) -> (String, Result<(), Failure>) {
    let names: Vec<String> = servers.iter().map(Address::url).collect();
    let width = names.iter().map(String::len).max().unwrap_or(0);
    let mut lines = vec![String::new(); servers.len()];
    let mut failures = Vec::new();
    let ask = |server: &Address| {
        let answer = server.get(MACHINE)?;
        if arguments.json {
            return Ok(format!("{}\n", json!({ "server": server.url(), "status": answer })));
        }
        Ok(format!("{:<width$}  {}", server.url(), line(&parse(answer)?)))
    };
    with_each(servers, ask, |index, result| {
        let name = &names[index];
        lines[index] = result.unwrap_or_else(|failure| {
            let why = first_line(&failure);
            failures.push((name.clone(), failure));
            if arguments.json {
                format!("{}\n", json!({ "server": name, "problem": why }))
            } else {
                format!("{name:<width$}  {why}\n")
            }
        });
    });
    (lines.concat(), summary(&failures, servers.len(), "gave no status"))
}
