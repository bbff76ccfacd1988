//! What the machine has shown in a step, in one line of text.

use serde_json::Value;

/// A sign that is there or not yet, with what was counted or measured.
pub fn sign(what: &str, is_seen: bool, value: &str) -> String {
    let mark = if is_seen { "[x]" } else { "[ ]" };
    format!("{mark} {what} {value}").trim_end().to_owned()
}

/// Signs beside each other.
pub fn line(signs: &[String]) -> String {
    signs.join("  ")
}

/// A force for people.
pub fn grams(force_g: &Value) -> String {
    force_g.as_f64().map_or("not known".to_owned(), |force_g| format!("{force_g:.0} g"))
}

/// The switches as they read now.
pub fn switches(machine: &Value) -> String {
    let reads = |name: &str| if machine["inputs"][name] == true { "pressed" } else { "free" };
    format!("front {}, back {}", reads("front"), reads("back"))
}

/// Speed and force of an axis that moves.
pub fn motion(machine: &Value) -> String {
    let speed_mm_s = machine["velocity_mm_s"].as_f64().unwrap_or_default();
    let force =
        machine["force_g"].as_f64().map_or(String::new(), |force_g| format!(", force {force_g:.0} g"));
    format!("{}: {speed_mm_s:.1} mm/s{force}", machine["state"].as_str().unwrap_or_default())
}

/// Evidence of a step that is proven.
pub fn evidence(step: &Value) -> String {
    let said = |(name, value): (&String, &Value)| {
        let value = value.as_f64().unwrap_or_default();
        format!("{} {}", name.replace('_', " "), (value * 100.0).round() / 100.0)
    };
    let all: Vec<_> = step["evidence"].as_object().into_iter().flatten().map(said).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_says_what_is_seen_and_what_is_not() {
        let signs = [sign("STOP", true, ""), sign("front", false, "1")];
        assert_eq!(line(&signs), "[x] STOP  [ ] front 1");
        assert_eq!(
            switches(&json!({ "inputs": { "front": true, "back": false } })),
            "front pressed, back free"
        );
        assert_eq!((grams(&json!(-12.4)), grams(&Value::Null)), ("-12 g".to_owned(), "not known".to_owned()));
        let running = json!({ "state": "running", "velocity_mm_s": -19.96, "force_g": 3 });
        assert_eq!(motion(&running), "running: -20.0 mm/s, force 3 g");
    }

    #[test]
    fn evidence_has_two_decimals() {
        let step = json!({ "evidence": { "bounce_ms": 0.1234, "front_presses": 2.0 } });
        assert_eq!(evidence(&step), "bounce ms 0.12, front presses 2");
        assert_eq!(evidence(&json!({})), "");
    }
}
