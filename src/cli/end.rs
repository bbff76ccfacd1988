//! `yep end`: ends the wave with its period, as a request to the running server.

use clap::Args;
use serde_json::json;

use super::{Failure, Server};

const EXAMPLES: &str = "\
Examples:
  yep end                                   the wave runs to the end of its period, or fades over its ramp down
  yep end --server http://yep.local         on another host

To rest now, use `yep stop`.";

/// Finish the current period, then rest
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    server: Server,
}

/// Requests the end.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.server.server.post("/api/v1/machine/end", &json!({}))?;
    println!("ending: the wave finishes its period, or fades, first");
    Ok(())
}
