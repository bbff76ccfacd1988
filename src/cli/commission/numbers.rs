//! The steps that ask for numbers: the mechanics, and the limits that were proven.

use serde_json::{Value, json};

use super::walk::{StepResult, Walk};

const TRAVEL_PER_TURN: &str = "rail.travel_per_turn_mm";
/// Of the first envelope: low to begin with.
const FIRST_SPEED_MM_S: f64 = 100.0;

/// The number of a wiring key that is in force.
fn fact(walk: &Walk, key: &str) -> Option<f64> {
    walk.wiring(key)?["value"].as_str()?.parse().ok()
}

/// Distance of the switches, travel per turn, microsteps.
pub fn mechanics(walk: &mut Walk) -> StepResult<()> {
    let rail_mm =
        walk.number("Distance between the two switches (mm)", fact(walk, "settings.max_stroke_mm"))?;
    let before_mm = fact(walk, TRAVEL_PER_TURN);
    let is_fixed = walk.wiring(TRAVEL_PER_TURN).is_some_and(|fact| fact["source"] == "file");
    let travel_mm = if is_fixed {
        walk.say(&format!(
            "Travel per turn of the motor: {} mm, set in yep.toml",
            before_mm.unwrap_or_default()
        ))?;
        before_mm
    } else {
        Some(walk.number("Travel per turn of the motor (mm)", before_mm)?)
    };
    let microsteps =
        walk.number("Microsteps per turn of the motor", fact(walk, "settings.microsteps_per_rev"))?;
    let mut answers = json!({ "max_stroke_mm": whole(rail_mm), "microsteps_per_rev": whole(microsteps) });
    if travel_mm != before_mm {
        answers["wiring"] = json!({ "travel_per_turn_mm": travel_mm });
    }
    walk.act(answers)
}

/// The envelope.
pub fn envelope(walk: &mut Walk) -> StepResult<Value> {
    let proposed = walk.run["envelope"].clone();
    let half_mm = fact(walk, "settings.max_stroke_mm").map(|rail_mm| (rail_mm / 2.0).floor());
    let mut ask = |question: &str, proposed: Option<f64>| walk.number(question, proposed);
    let speed = ask("Highest speed (mm/s)", Some(FIRST_SPEED_MM_S))?;
    let acceleration = ask("Highest acceleration (mm/s^2)", proposed["max_acceleration_mm_s2"].as_f64())?;
    let stroke = ask("Longest stroke (mm)", half_mm)?;
    let force = ask("Force limit (g)", proposed["force_g"].as_f64())?;
    Ok(json!({
        "max_speed_mm_s": speed,
        "max_acceleration_mm_s2": acceleration,
        "stroke_mm": whole(stroke),
        "force_g": whole(force),
    }))
}

/// A number without decimals, as the server takes it; it checks the range.
fn whole(number: f64) -> Value {
    json!(number.round() as i64)
}
