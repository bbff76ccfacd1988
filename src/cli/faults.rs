//! `yep faults`: lists, shows and exports the recordings of the flight recorder.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write as _};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::chart::{Axes, ChartStyle};
use super::client::Address;
use super::wave::terminal_width;
use super::{Failure, Server};
use crate::api::documents::fault::FaultReport;
use crate::api::documents::faults::{
    RecordColumns, RecordedChange, RecordingDocument, RecordingList, RecordingSummary,
};

const EXAMPLES: &str = "\
Examples:
  yep faults list                   the faults that were recorded, the newest first
  yep faults show                   what happened around the newest of them
  yep faults show 3                 around the one with this number
  yep faults show 3 --csv > 3.csv   all of it, one row a millisecond

The times are in seconds after the fault; before it they are negative.";

/// Show what was recorded around faults
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    what: FaultsCommand,
}

#[derive(Debug, Subcommand)]
enum FaultsCommand {
    /// The faults that were recorded, the newest first
    List {
        /// As the server's JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// What happened around one of them
    Show {
        /// Its number; that of the newest when it is left out
        #[arg(value_name = "ID")]
        id: Option<u64>,
        /// All records, as rows of numbers
        #[arg(long, conflicts_with = "json")]
        csv: bool,
        /// All records, as the server's JSON
        #[arg(long)]
        json: bool,
        /// Draw with plain ASCII characters
        #[arg(long, conflicts_with_all = ["csv", "json"])]
        ascii: bool,
        #[command(flatten)]
        server: Server,
    },
}

/// Span that is drawn, in seconds after the fault.
const DRAWN_S: (f64, f64) = (-2.0, 1.0);
/// Largest number of lines of the timeline; the last ones are shown.
const LINES_MAX: usize = 40;

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let text = match &arguments.what {
        FaultsCommand::List { json: true, server } => {
            format!("{}\n", server.server.get("/api/v1/faults")?).into_bytes()
        }
        FaultsCommand::List { json: false, server } => list(&recordings(&server.server)?).into_bytes(),
        FaultsCommand::Show { id, csv, json, ascii, server } => {
            let server = &server.server;
            let id = match id {
                Some(id) => *id,
                None => newest(server)?,
            };
            if *csv || *json {
                let form = if *csv { "csv" } else { "json" };
                server.get_bytes(&format!("/api/v1/faults/{id}.{form}"))?.to_vec()
            } else {
                show(server, id, ChartStyle { width: terminal_width(), ascii: *ascii })?.into_bytes()
            }
        }
    };
    match io::stdout().write_all(&text) {
        // A closed pipe.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| Failure::Refused(format!("cannot write: {error}"))),
    }
}

fn parse_answer<T: serde::de::DeserializeOwned>(answer: Value) -> Result<T, Failure> {
    serde_json::from_value(answer)
        .map_err(|error| Failure::Unreachable(format!("the recording makes no sense: {error}")))
}

fn recordings(server: &Address) -> Result<Vec<RecordingSummary>, Failure> {
    let list: RecordingList = parse_answer(server.get("/api/v1/faults")?)?;
    Ok(list.faults)
}

fn newest(server: &Address) -> Result<u64, Failure> {
    let none = || Failure::Refused("no fault was recorded".to_owned());
    recordings(server)?.first().map(|recording| recording.id).ok_or_else(none)
}

fn list(recordings: &[RecordingSummary]) -> String {
    if recordings.is_empty() {
        return "no fault was recorded\n".to_owned();
    }
    let mut text = format!("{:>4}  {:<20}  {:<12}  fault\n", "id", "when", "state before");
    for recording in recordings {
        let note = match (recording.this_run, recording.written) {
            (_, false) => "; not on disk",
            (true, true) => "",
            (false, true) => "; in an earlier run",
        };
        let before = recording.before.as_ref().map_or("", |before| &before.state);
        let FaultReport { code, message, .. } = &recording.fault;
        line(
            &mut text,
            format!("{:>4}  {:<20}  {before:<12}  {message} ({code}){note}", recording.id, recording.at),
        );
    }
    text
}

fn line(text: &mut String, line: impl AsRef<str>) {
    writeln!(text, "{}", line.as_ref().trim_end()).expect("a String takes any text");
}

/// Two requests: the timeline of the whole recording, and the steps around the fault.
fn show(server: &Address, id: u64, style: ChartStyle) -> Result<String, Failure> {
    let recording: RecordingDocument =
        parse_answer(server.get(&format!("/api/v1/faults/{id}?every=60000"))?)?;
    let (from_s, to_s) = DRAWN_S;
    let drawn: RecordingDocument =
        parse_answer(server.get(&format!("/api/v1/faults/{id}?from_s={from_s}&to_s={to_s}"))?)?;
    let mut text = head(&recording.summary);
    text.push('\n');
    text.push_str(&timeline(&recording));
    text.push('\n');
    text.push_str(&chart(&drawn, style));
    Ok(text)
}

fn head(recording: &RecordingSummary) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: String| line(&mut text, format!("{name:<10}{value}"));
    row("fault", format!("{} ({})", recording.fault.message, recording.fault.code));
    row(
        "when",
        format!("{}, {:.1} s after the start of {}", recording.at, recording.uptime_s, recording.program),
    );
    if let Some(before) = &recording.before {
        let position = before.position_mm.map_or("position not known".to_owned(), |mm| format!("{mm:.2} mm"));
        let force = before.force_g.map_or("force not known".to_owned(), |force| format!("{force:.0} g"));
        row("before", format!("{}: {position}, {:.1} mm/s, {force}", before.state, before.velocity_mm_s));
    }
    row("to do", recording.fault.remedy.to_string());
    for also in &recording.also {
        row("then", format!("{:.3} s later: {} ({})", also.time_s, also.fault.message, also.fault.code));
    }
    let missed = match recording.missed_cycles {
        0 => String::new(),
        cycles => format!(", {cycles} cycles in it are missing"),
    };
    row(
        "recorded",
        format!("{:.1} s before it, {:.1} s after it{missed}", recording.before_s, recording.after_s),
    );
    text
}

/// Timeline of commands and changes.
fn timeline(recording: &RecordingDocument) -> String {
    let mut rows: Vec<(f64, String)> = Vec::new();
    for command in &recording.commands {
        let period = command.period_s.map_or(String::new(), |period_s| format!(", period {period_s} s"));
        rows.push((
            command.time_s,
            format!("asked: {}{period}; answered: {}", command.command, command.reply),
        ));
    }
    rows.extend(recording.changes.iter().map(|change| (change.time_s, change_text(change))));
    rows.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut text = String::new();
    let left_out = rows.len().saturating_sub(LINES_MAX);
    if left_out > 0 {
        line(&mut text, format!("{:>10}  {left_out} earlier lines are left out; --json has them", "..."));
    }
    for (time_s, what) in &rows[left_out..] {
        line(&mut text, format!("{time_s:>10.3}  {what}"));
    }
    text
}

fn change_text(change: &RecordedChange) -> String {
    let mut text = change.state.clone();
    for (is, word) in [
        (change.front, "front pressed"),
        (change.back, "back pressed"),
        (change.e_stop, "e-stop loop open"),
        (change.driver_alarm, "driver alarm"),
        (change.stop == "stop", "STOP"),
        (change.stop == "halt", "halt"),
    ] {
        if is {
            text.push_str(", ");
            text.push_str(word);
        }
    }
    if let Some(fault) = &change.fault {
        text.push_str(&format!(", fault {fault}"));
    }
    if change.missed_cycles > 0 {
        text.push_str(&format!(" ({} cycles before it are missing)", change.missed_cycles));
    }
    text
}

/// Chart of the steps around the fault, in mm if the scale was known.
fn chart(recording: &RecordingDocument, style: ChartStyle) -> String {
    let RecordColumns { time_s, steps, .. } = &recording.columns;
    let (Some(begin_s), Some(end_s)) = (time_s.first(), time_s.last()) else { return String::new() };
    let seconds = (end_s - begin_s).max(1e-3);
    let (origin, scale, top, what) = match &recording.summary.axis {
        Some(axis) if axis.steps_per_mm > 0.0 && axis.range_mm > 0.0 => {
            (axis.origin_steps as f64, axis.steps_per_mm, axis.range_mm, "position by the pulses (mm)")
        }
        _ => {
            let lowest = steps.iter().copied().min().map_or(0.0, f64::from);
            let highest = steps.iter().copied().max().map_or(0.0, f64::from);
            (lowest, 1.0, (highest - lowest).max(1.0), "steps above the lowest")
        }
    };
    let height = |share: f64| {
        let at_s = begin_s + share * seconds;
        let index = time_s.partition_point(|time_s| *time_s < at_s).min(time_s.len() - 1);
        steps.get(index).map_or(0.0, |steps| (f64::from(*steps) - origin) / scale / top)
    };
    let title = format!("{what} over time (s); the fault is at {:.2}\n", 0.0 - begin_s);
    title + &style.draw(Axes { seconds, top }, height)
}
