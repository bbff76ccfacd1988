//! `yep calibrate`: find both ends of the rail.

use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::client::Address;
use super::status::Status;
use super::{Failure, Server};

const EXAMPLES: &str = "\
Examples:
  yep calibrate                             begin; see how it goes with `yep status --watch`
  yep calibrate --wait                      and wait until it is done or failed

The carriage moves slowly to both switches, from wherever it stands. Keep clear of it. After a fault whose cause
is gone this also acknowledges and arms. Ctrl-C while waiting stops nothing: use `yep stop`.";

/// Time between two looks of --wait.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A calibration that was accepted shows within this time, unless a wave has to end first.
const SHOWS_WITHIN: Duration = Duration::from_secs(1);

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

/// Asks for the calibration.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let server = &arguments.server.server;
    server.post("/api/commands/run", &json!({ "type": "calibrate" }))?;
    if !arguments.wait {
        println!("calibrating");
        return Ok(());
    }
    match result(server)? {
        Status { range_mm: Some(range), .. } => println!("calibrated: {range:.1} mm can be used"),
        _ => println!("calibrated"),
    }
    Ok(())
}

/// Looks until the calibration is over.
fn result(server: &Address) -> Result<Status, Failure> {
    let asked = Instant::now();
    let mut seen = false;
    loop {
        let status = Status::ask(server)?;
        match status.state.as_str() {
            "homing" => seen = true,
            "running" | "ending" | "stopping" => {}
            // What was so before the calibration began.
            _ if !seen && asked.elapsed() < SHOWS_WITHIN => {}
            "ready" => return Ok(status),
            _ => return Err(Failure::Refused(failed(&status))),
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn failed(status: &Status) -> String {
    match &status.fault {
        Some(fault) => format!("calibration failed: {}; {}", fault.message, fault.remedy),
        None => format!("calibration did not finish: {}", status.why),
    }
}
