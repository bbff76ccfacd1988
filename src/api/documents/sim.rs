//! Body and answer of `/api/sim`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Largest force that a client may set, either way (g): far beyond every force limit, and within what the simulation can
/// count.
pub const LARGEST_PUSH_G: f64 = 1e6;

/// The simulated machine: injected faults, force and true position.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SimDocument {
    /// Names of the faults that are injected now.
    pub mishaps: Vec<&'static str>,
    /// Force on the carriage, in grams; negative is toward the back.
    pub push_g: f64,
    /// True position of the carriage, in millimetres from the point where the back switch closes. After lost steps it
    /// differs from the position by the pulses.
    pub carriage_mm: f64,
}

/// A change of the simulated machine. What is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "mishaps": [], "push_g": -500 }]))]
pub struct SimRequest {
    /// Names of the faults to inject; exactly these are in force then. An empty list ends all.
    pub mishaps: Option<Vec<String>>,
    /// Force on the carriage, in grams, -1000000 to 1000000; negative is toward the back.
    #[schemars(range(min = -LARGEST_PUSH_G, max = LARGEST_PUSH_G))]
    pub push_g: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::super::schema_keys::assert_schema_keys;
    use super::*;

    #[test]
    fn the_schema_has_the_keys_of_the_answer() {
        assert_schema_keys(&SimDocument { mishaps: vec!["rain"], push_g: -5.0, carriage_mm: 77.5 });
    }

    #[test]
    fn the_schema_of_a_change_has_its_range() {
        let schema = schemars::schema_for!(SimRequest).to_value();
        let push_g = &schema["properties"]["push_g"];
        assert_eq!((push_g["minimum"].as_f64(), push_g["maximum"].as_f64()), (Some(-1e6), Some(1e6)));
        assert_eq!((&schema["additionalProperties"], schema.get("required")), (&false.into(), None));
        assert!(serde_json::from_str::<SimRequest>(r#"{"mishaps":[],"push_g":null}"#).is_ok());
        assert!(serde_json::from_str::<SimRequest>(r#"{"push":1}"#).is_err());
    }
}
