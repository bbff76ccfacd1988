//! Playing a script that a server has, without a video.

use serde_json::{Value, json};

use crate::cli::Failure;
use crate::cli::attended::{Attended, MotionProgress};
use crate::cli::client::Address;

/// Plays it until its end, or until this command is interrupted.
pub fn run(name: &str, server: &Address) -> Result<(), Failure> {
    let attended = Attended {
        start: ("/api/v1/player/play", json!({ "script": name })),
        watch: "/api/v1/player",
        progress,
        rest: "/api/v1/machine/end",
    };
    attended.run(server)
}

/// What the player does.
fn progress(player: &Value) -> MotionProgress {
    let phase = player["phase"].as_str().unwrap_or_default();
    if matches!(phase, "" | "empty" | "ended" | "stopped") {
        return MotionProgress::Over;
    }
    let at = |name: &str| player[name].as_f64().map(super::clock);
    let time = match (at("position_s"), at("duration_s")) {
        (Some(position), Some(duration)) => format!("  {position} of {duration}"),
        (Some(position), None) => format!("  {position}"),
        _ => String::new(),
    };
    MotionProgress::Moves(format!("{phase}{time}"))
}
