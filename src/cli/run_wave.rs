//! `yep run-wave`: move.

use clap::Args;
use serde_json::json;

use super::wave_arguments::WaveArguments;
use super::{Failure, Server};

const EXAMPLES: &str = "\
Examples:
  yep run-wave sine --duration 5            a period of 5 s, again and again
  yep run-wave square --duration 2          blend over to another while one runs
  yep run-wave trapezoid --duration 4 --rise 1 --fall 1
  yep run-wave sine --duration 2 --amplitude-mm 60 --offset-mm 20 --ramp-up 10 --ramp-down 5
  yep run-wave points --duration 3 --points course.json
  yep end                                   finish the period, then rest

See it first with `yep wave`. The machine must be calibrated: `yep calibrate`.";

/// Follow a wave until `yep end` or `yep stop`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    wave: WaveArguments,
    #[command(flatten)]
    server: Server,
}

/// Asks for the wave.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut body = arguments.wave.body()?;
    // This program is about to be gone, and the prompt says how the wave is ended.
    body["lease"] = "continue".into();
    arguments.server.server.post("/api/v1/machine/run", &json!({ "wave": body }))?;
    let (name, duration_s) = (arguments.wave.kind(), arguments.wave.duration_s());
    println!("{name}, {duration_s} s a period, also without a client; end it with `yep end` or `yep stop`");
    Ok(())
}
