//! `yep run-pattern`: strokes by a pattern, as long as this command runs.

use clap::{ArgGroup, Args};
use serde_json::{Value, json};

use super::attended::{Attended, MotionProgress};
use super::{Failure, Server};

const EXAMPLES: &str = "\
Examples:
  yep run-pattern simple --speed 30         strokes at 30 % of the highest speed
  yep run-pattern deeper --per-min 40 --depth 80 --stroke 60 --sensation 50

The axis moves as long as this command runs; Ctrl-C brings it to rest. The machine must be calibrated: `yep calibrate`.";

/// Stroke by a pattern until Ctrl-C
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("pace").required(true))]
pub struct Arguments {
    /// Its id: simple, teasing-pounding, robo, half-n-half, deeper, stop-n-go, insist, torque, random, progressive
    #[arg(value_name = "PATTERN")]
    pattern: String,
    /// Percent of the highest speed in force
    #[arg(long, value_name = "PERCENT", group = "pace")]
    speed: Option<f64>,
    /// Strokes a minute, to the front and back
    #[arg(long, value_name = "STROKES", group = "pace")]
    per_min: Option<f64>,
    /// The foremost place, in percent of the stroke of the machine [default: as it was used last]
    #[arg(long, value_name = "PERCENT")]
    depth: Option<f64>,
    /// Length of the strokes, in percent of the stroke of the machine [default: as it was used last]
    #[arg(long, value_name = "PERCENT")]
    stroke: Option<f64>,
    /// What it does depends on the pattern, from -100 to 100 [default: as it was used last]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    sensation: Option<f64>,
    #[command(flatten)]
    server: Server,
}

/// Runs the pattern until this command is interrupted.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let attended = Attended {
        start: ("/api/v1/patterns/run", body(arguments)),
        watch: "/api/v1/patterns",
        progress,
        rest: "/api/v1/machine/end",
    };
    attended.run(&arguments.server.server)
}

fn body(arguments: &Arguments) -> Value {
    let Arguments { pattern, speed, per_min, depth, stroke, sensation, .. } = arguments;
    json!({
        "pattern": pattern,
        "speed_pct": speed,
        "strokes_per_min": per_min,
        "depth_pct": depth,
        "stroke_pct": stroke,
        "sensation": sensation,
    })
}

/// What the pattern does.
fn progress(patterns: &Value) -> MotionProgress {
    let now = &patterns["now"];
    if now.is_null() {
        return MotionProgress::Over;
    }
    let number = |name: &str| now[name].as_f64().unwrap_or_default();
    let (strokes, per_min) = (number("strokes"), number("strokes_per_min_now"));
    let paused = if now["paused"] == true { ", paused" } else { "" };
    MotionProgress::Moves(format!("{strokes:.0} strokes, {per_min:.0} a minute{paused}"))
}
