//! `yep status`: shows the state of the machine and its reason.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write as _};
use std::thread;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use super::client::Address;
use super::{Failure, Server};

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

/// The server's status; missing fields count as not known.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    pub state: String,
    pub why: String,
    position_mm: Option<f64>,
    velocity_mm_s: f64,
    force_g: Option<f64>,
    clipped: bool,
    limits: SwitchStatus,
    pub fault: Option<FaultStatus>,
    pub range_mm: Option<f64>,
    phase: Option<f64>,
    periods: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SwitchStatus {
    front: bool,
    back: bool,
    e_stop: bool,
    driver_alarm: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FaultStatus {
    code: String,
    pub message: String,
    pub remedy: String,
}

impl Status {
    /// Requests the status from the server.
    pub fn fetch(server: &Address) -> Result<Status, Failure> {
        Status::parse(server.get("/api/status")?)
    }

    fn parse(answer: Value) -> Result<Status, Failure> {
        serde_json::from_value(answer)
            .map_err(|error| Failure::Unreachable(format!("the status makes no sense: {error}")))
    }

    /// The status on several lines.
    fn page(&self) -> String {
        let mut page = format!("{:<10}{}: {}\n", "state", self.state, self.why);
        let mut row = |name: &str, value: String| {
            writeln!(page, "{name:<10}{value}").expect("a String takes any text");
        };
        row("position", self.position());
        row("speed", format!("{:.1} mm/s{}", self.velocity_mm_s, self.clipped_note()));
        row("force", self.force_g.map_or("not known".to_owned(), |force| format!("{force:.0} g")));
        let pressed = |closed: bool| if closed { "pressed" } else { "free" };
        let e_stop = if self.limits.e_stop { "open" } else { "closed" };
        row(
            "limits",
            format!(
                "front {}, back {}, e-stop loop {e_stop}",
                pressed(self.limits.front),
                pressed(self.limits.back)
            ),
        );
        if self.limits.driver_alarm {
            row("driver", "reports an alarm".to_owned());
        }
        if let Some(phase) = self.phase {
            row("wave", format!("{:.0} % of a period, {} complete", phase * 100.0, self.periods));
        }
        if let Some(fault) = &self.fault {
            row("fault", format!("{} ({})", fault.message, fault.code));
            row("to do", fault.remedy.clone());
        }
        page
    }

    /// The status on one line, for --watch.
    fn line(&self) -> String {
        let force = self.force_g.map_or(String::new(), |force| format!("{force:>8.0} g"));
        let why = self.fault.as_ref().map_or(&self.why, |fault| &fault.message);
        format!(
            "{:<10}{:>24}{:>10.1} mm/s{force}  {why}{}\n",
            self.state,
            self.position(),
            self.velocity_mm_s,
            self.clipped_note()
        )
    }

    fn position(&self) -> String {
        match (self.position_mm, self.range_mm) {
            (Some(position), Some(range)) => format!("{position:.2} of {range:.1} mm"),
            (Some(position), None) => format!("{position:.2} mm"),
            (None, _) => "not known".to_owned(),
        }
    }

    fn clipped_note(&self) -> &'static str {
        if self.clipped { " (the limits keep it from following the wave)" } else { "" }
    }
}

/// Prints the status, once or repeatedly.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    loop {
        let answer = arguments.server.server.get("/api/status")?;
        let text = if arguments.json {
            format!("{answer}\n")
        } else {
            let status = Status::parse(answer)?;
            if arguments.watch { status.line() } else { status.page() }
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
