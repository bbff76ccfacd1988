//! `yep run-wave`: move.

use clap::Args;
use serde_json::json;

use super::{Failure, Server, wave};
use crate::wave::Shape;

const EXAMPLES: &str = "\
Examples:
  yep run-wave sine --duration 5            a period of 5 s, again and again
  yep run-wave square --duration 2          blend over to another while one runs
  yep end                                   finish the period, then rest

See it first with `yep wave`. The machine must be calibrated: `yep calibrate`.";

/// Follow a wave until `yep end` or `yep stop`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Which graph
    #[arg(value_name = "TYPE", value_parser = wave::shapes())]
    shape: Shape,
    /// How long one period takes, in seconds
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    duration: f64,
    #[command(flatten)]
    server: Server,
}

/// Asks for the wave.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (name, duration) = (arguments.shape.name(), arguments.duration);
    // What JSON has no number for. What can be run is the machine's to say.
    if !duration.is_finite() {
        return Err(Failure::Usage("--duration must be a number of seconds".to_owned()));
    }
    arguments.server.server.post("/api/wave/run", &json!({ "type": name, "duration": duration }))?;
    println!("{name}, {duration} s a period; end it with `yep end` or `yep stop`");
    Ok(())
}
