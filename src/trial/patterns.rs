//! Generator of random pattern requests: every program, every parameter, some of them invalid. Pure.

use serde_json::{Value, json};

use crate::hal::sim::Random;
use crate::motion::pattern::PatternKind;

/// Share of the patterns that are steps of the user.
const STEPS_SHARE: f64 = 0.15;
/// Share of the values that are none.
const INVALID_SHARE: f64 = 0.02;

/// JSON body of a random request to run a pattern, without its presence.
pub fn random_pattern(random: &mut Random) -> Value {
    let mut pattern = json!({ "pattern": kind(random) });
    if random.chance(STEPS_SHARE) {
        pattern = json!({ "pattern": "steps", "steps": steps(random) });
    }
    // Without a speed it begins at rest.
    if random.chance(0.85) {
        set_speed(random, &mut pattern);
    }
    pattern["depth_pct"] = json!(percent(random));
    pattern["stroke_pct"] = json!(percent(random));
    pattern["sensation"] = json!(2.0 * percent(random) - 100.0);
    pattern
}

/// JSON body of a random change of the pattern that runs: up to three parameters, a pause, or rest.
pub fn random_change(random: &mut Random) -> Value {
    let mut change = json!({});
    for _ in 0..=random.weighted(&[6, 2, 1]) {
        match random.weighted(&[6, 5, 5, 3, 2, 3, 4, 2]) {
            0 => set_speed(random, &mut change),
            1 => change["depth_pct"] = json!(percent(random)),
            2 => change["stroke_pct"] = json!(percent(random)),
            3 => change["sensation"] = json!(2.0 * percent(random) - 100.0),
            4 => change["pattern"] = json!(kind(random)),
            5 => change["paused"] = json!(true),
            6 => change["paused"] = json!(false),
            _ => {
                clear_speed(&mut change);
                change[*random.one_of(&["speed_pct", "strokes_per_min"])] = json!(0);
            }
        }
    }
    change
}

/// Positions of a finger on a slider, one after the other: what a page sends while one parameter is dragged.
pub fn drag(random: &mut Random, count: usize) -> Vec<Value> {
    let name = *random.one_of(&["speed_pct", "depth_pct", "stroke_pct", "sensation"]);
    let (from, to) = (percent(random), percent(random));
    let at = |index: usize| from + (to - from) * index as f64 / count as f64;
    (1..=count).map(|index| json!({ name: at(index).clamp(0.0, 100.0) })).collect()
}

fn kind(random: &mut Random) -> &'static str {
    random.one_of(&PatternKind::ALL).text().id
}

fn percent(random: &mut Random) -> f64 {
    if random.chance(INVALID_SHARE) { 101.0 } else { random.between(0.0, 100.0) }
}

fn clear_speed(body: &mut Value) {
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|name, _| name != "speed_pct" && name != "strokes_per_min");
    }
}

fn set_speed(random: &mut Random, body: &mut Value) {
    clear_speed(body);
    if random.chance(0.7) {
        body["speed_pct"] = json!(random.log_between(1.0, 100.0));
    } else {
        body["strokes_per_min"] = json!(random.log_between(1.0, 600.0));
    }
}

fn steps(random: &mut Random) -> Vec<Value> {
    let count = random.log_between(2.0, 17.0) as usize;
    let step = |random: &mut Random| {
        let rest_s = if random.chance(0.2) { random.log_between(0.05, 3.0) } else { 0.0 };
        json!({ "to": random.between(0.0, 1.0), "speed": random.between(0.05, 1.0), "rest_s": rest_s })
    };
    (0..count).map(|_| step(random)).collect()
}
