//! `yep calibrate`: starts a calibration, which finds both ends of the rail.

use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::client::Address;
use super::status;
use super::{Failure, Server};
use crate::api::telemetry::StatusDocument;

const EXAMPLES: &str = "\
Examples:
  yep calibrate                             begin; see how it goes with `yep status --watch`
  yep calibrate --wait                      and wait until it is done or failed

The carriage moves slowly to both switches, from wherever it stands. Keep clear of it. After a fault whose cause
is gone this also acknowledges and arms. Ctrl-C while waiting stops nothing: use `yep stop`.";

/// Poll interval of --wait.
const POLL_EVERY: Duration = Duration::from_millis(200);
/// Time within which an accepted calibration shows in the status, unless a wave has to end first.
const START_TIMEOUT: Duration = Duration::from_secs(1);

/// Find both ends of the rail, and so where the carriage is
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Wait for the result
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    server: Server,
}

/// Requests the calibration.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let server = &arguments.server.server;
    server.post("/api/v1/machine/calibrate", &json!({}))?;
    if !arguments.wait {
        println!("calibrating");
        return Ok(());
    }
    match wait_for_result(server)? {
        StatusDocument { range_mm: Some(range), .. } => println!("calibrated: {range:.1} mm can be used"),
        _ => println!("calibrated"),
    }
    Ok(())
}

/// Polls the status until the calibration is over.
fn wait_for_result(server: &Address) -> Result<StatusDocument, Failure> {
    let asked = Instant::now();
    let mut seen = false;
    loop {
        let status = status::fetch(server)?;
        match &*status.state {
            "homing" => seen = true,
            "running" | "ending" | "stopping" => {}
            // The state before the calibration began.
            _ if !seen && asked.elapsed() < START_TIMEOUT => {}
            "ready" => return Ok(status),
            _ => return Err(Failure::Refused(failure_text(&status))),
        }
        thread::sleep(POLL_EVERY);
    }
}

fn failure_text(status: &StatusDocument) -> String {
    match &status.fault {
        Some(fault) => format!("calibration failed: {}; {}", fault.message, fault.remedy),
        None => format!("calibration did not finish: {}", status.why),
    }
}
