//! `yep stop`: controlled stop at once, as a request to the running server.

use clap::Args;
use serde_json::json;

use super::{Failure, Server};

const EXAMPLES: &str = "\
Examples:
  yep stop                                  rest now; what waits is dropped, the position is kept
  yep stop --server http://yep.local        on another host: anyone may stop

STOP is a controlled stop by software. It is no replacement for a button that cuts the motor's power.";

/// Stop now, and keep the position
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    server: Server,
}

/// Requests the stop.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.server.server.post("/api/stop", &json!({}))?;
    println!("stopping");
    Ok(())
}
