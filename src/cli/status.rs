//! `yep status`: shows the state of the machine and its reason.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write as _};
use std::thread;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::client::Address;
use super::{Failure, Server};
use crate::api::telemetry::StatusDocument;

const EXAMPLES: &str = "\
Examples:
  yep status                                state, position, force, limits, and why
  yep status --watch                        again and again, until Ctrl-C
  yep status --json | jq .position_mm       for programs";

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
    server: Server,
}

/// Requests the status from the server.
pub(super) fn fetch(server: &Address) -> Result<StatusDocument, Failure> {
    parse(server.get("/api/v1/machine")?)
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
        let answer = arguments.server.server.get("/api/v1/machine")?;
        let text = if arguments.json {
            format!("{answer}\n")
        } else {
            let status = parse(answer)?;
            if arguments.watch { line(&status) } else { page(&status) }
        };
        match io::stdout().write_all(text.as_bytes()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            other => other.map_err(|error| Failure::Refused(format!("cannot write: {error}")))?,
        }
        if !arguments.watch {
            return Ok(());
        }
        thread::sleep(POLL_EVERY);
    }
}
