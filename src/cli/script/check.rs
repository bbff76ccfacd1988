//! Check of files: what is repaired, what is wrong, and what a script asks of the axis.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::clock;
use crate::cli::{Failure, print};
use crate::files;
use crate::layout;
use crate::motion::{MotionLimits, ProfileLimits};
use crate::scripts::{self, Analysis, Script, ScriptError, analyse};

const DEFAULT: MotionLimits = MotionLimits::DEFAULT;

/// What to check, and for which axis.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Funscripts, or CSV with lines of time in ms and position
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Length of the window in which it is played
    #[arg(long, value_name = "MM", default_value_t = 100.0)]
    window: f64,
    /// Highest speed of the axis (mm/s)
    #[arg(long, value_name = "MM_S", default_value_t = DEFAULT.max_speed.get())]
    speed: f64,
    /// Highest acceleration of the axis (mm/s²)
    #[arg(long, value_name = "MM_S2", default_value_t = DEFAULT.max_acceleration.get())]
    acceleration: f64,
    /// Highest jerk of the axis (mm/s³)
    #[arg(long, value_name = "MM_S3", default_value_t = DEFAULT.max_jerk.get())]
    jerk: f64,
    /// Speed of the video, 1 as it was made
    #[arg(long, value_name = "RATE", default_value_t = 1.0)]
    rate: f64,
    /// Write the script as it is played into another file, as a funscript
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// As JSON, one object a file
    #[arg(long)]
    json: bool,
}

/// Checks all files; one that cannot be played fails the command, and keeps no other from being checked.
pub fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    let limits = limits(arguments)?;
    if arguments.write.is_some() && arguments.files.len() > 1 {
        return Err(Failure::Usage("--write takes one FILE".to_owned()));
    }
    let mut refused = 0;
    for file in &arguments.files {
        let script = read(file)?;
        let analysis =
            script.as_ref().map(|script| analyse(script, arguments.window, limits, arguments.rate));
        let report = if arguments.json {
            document(file, &script, analysis.as_ref().ok())
        } else {
            page(file, &script, analysis.as_ref().ok(), arguments)
        };
        print(&report)?;
        match script {
            Ok(script) => write(arguments.write.as_deref(), &script)?,
            Err(_) => refused += 1,
        }
    }
    match (refused, arguments.files.len()) {
        (0, _) => Ok(()),
        (_, 1) => Err(Failure::Refused("this script cannot be played".to_owned())),
        (refused, all) => Err(Failure::Refused(format!("{refused} of {all} scripts cannot be played"))),
    }
}

fn limits(arguments: &CheckArguments) -> Result<ProfileLimits, Failure> {
    let CheckArguments { window, speed, acceleration, jerk, rate, .. } = arguments;
    for (name, value, most) in [
        ("--window", *window, layout::MAX_STROKE_MM),
        ("--speed", *speed, layout::MAX_SPEED_MM_S),
        ("--acceleration", *acceleration, layout::MAX_ACCELERATION_MM_S2),
        ("--jerk", *jerk, layout::MAX_JERK_MM_S3),
        ("--rate", *rate, 4.0),
    ] {
        if !(value > 0.0 && value <= most) {
            return Err(Failure::Usage(format!("{name} must be above 0 and at most {most}")));
        }
    }
    Ok(ProfileLimits { speed: *speed, acceleration: *acceleration, jerk: *jerk })
}

/// Reads a file. One that is not there is a wrong argument.
fn read(file: &Path) -> Result<Result<Script, ScriptError>, Failure> {
    match files::read_regular(file, files::BY_HAND_BYTES) {
        Ok(bytes) => Ok(scripts::read(&bytes)),
        Err(error) => Err(Failure::Usage(format!("cannot read {}: {error}", file.display()))),
    }
}

fn write(file: Option<&Path>, script: &Script) -> Result<(), Failure> {
    let Some(file) = file else { return Ok(()) };
    fs::write(file, scripts::write(script))
        .map_err(|error| Failure::Refused(format!("cannot write {}: {error}", file.display())))
}

fn document(file: &Path, script: &Result<Script, ScriptError>, analysis: Option<&Analysis>) -> String {
    let notes = script.as_ref().map_or(Vec::new(), |script| {
        let note = |note: &scripts::ScriptNote| json!({ "code": note.kind.code(), "text": note.to_string() });
        script.notes.iter().map(note).collect()
    });
    let error = script.as_ref().err();
    let document = json!({
        "file": file.display().to_string(),
        "trouble": error.map(ToString::to_string),
        "remedy": error.map(|error| error.remedy),
        "notes": notes,
        "analysis": analysis,
    });
    format!("{document}\n")
}

fn page(
    file: &Path,
    script: &Result<Script, ScriptError>,
    analysis: Option<&Analysis>,
    CheckArguments { window, .. }: &CheckArguments,
) -> String {
    let mut page = format!("{}\n", file.display());
    let mut row = |name: &str, value: String| {
        let _ = writeln!(page, "  {name:<10}{value}");
    };
    match script {
        Err(error) => {
            row("refused", error.to_string());
            row("to do", error.remedy.to_owned());
        }
        Ok(script) => {
            if let Some(title) = &script.title {
                row("title", title.clone());
            }
            for note in &script.notes {
                row("note", note.to_string());
            }
        }
    }
    if let Some(asked) = analysis {
        row(
            "script",
            format!("{} actions, {} strokes, {}", asked.actions, asked.strokes, clock(asked.duration_s)),
        );
        row(
            "speed",
            format!(
                "in {window} mm: {:.0} mm/s for half of the time, {:.0} for 90 %, {:.0} for 99 %, {:.0} at most",
                asked.p50_mm_s, asked.p90_mm_s, asked.p99_mm_s, asked.peak_mm_s
            ),
        );
        row("fit", fit(asked, *window));
    }
    page
}

/// What becomes of the script in this window, and in which it fits.
fn fit(asked: &Analysis, window_mm: f64) -> String {
    let fits = match asked.fits_mm {
        Some(fits_mm) if fits_mm >= layout::MAX_STROKE_MM => "it fits in any window".to_owned(),
        Some(fits_mm) => format!("it fits in {fits_mm:.1} mm"),
        None => "it fits in no window".to_owned(),
    };
    if asked.shortened == 0 {
        return format!("nothing is shortened in {window_mm} mm; {fits}");
    }
    let share = 100.0 * asked.shortened_share;
    format!("{} actions ({share:.1} %) are shortened in {window_mm} mm; {fits}", asked.shortened)
}
