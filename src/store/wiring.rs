//! Commissioned wiring values: what a person has found out about the wiring on the machine's page, for what the configuration
//! file does not say. A key of the file wins.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Values by the keys of the configuration file; `None`: not said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("examples" = [{ "invert_dir": true }, { "travel_per_turn_mm": 40.0 }]))]
pub struct WiringValues {
    /// True if a high level on DIR moves toward the back.
    pub invert_dir: Option<bool>,
    /// True if the front switch is high when it is pressed: a normally-closed one.
    pub invert_front: Option<bool>,
    /// True if the back switch is high when it is pressed.
    pub invert_back: Option<bool>,
    /// True if the e-stop loop is low when it is open.
    pub invert_e_stop: Option<bool>,
    /// Travel of the carriage in a turn of the motor, in mm.
    pub travel_per_turn_mm: Option<f64>,
    /// Shortest time that STEP stays high, in ns.
    pub pulse_high_ns: Option<u64>,
    /// Shortest time that STEP stays low, in ns.
    pub pulse_low_ns: Option<u64>,
    /// Shortest time from a change of DIR to the next pulse, in ns.
    pub dir_setup_ns: Option<u64>,
    /// Shortest time from a pulse to a change of DIR, in ns.
    pub dir_hold_ns: Option<u64>,
}

/// Longest pulse timing that a motor driver may need.
const LONGEST_NS: u64 = 1_000_000;
/// Shortest pulse, and the gap behind it.
const SHORTEST_NS: u64 = 100;

impl WiringValues {
    /// The values that are said, by their keys in the configuration file.
    pub fn said(&self) -> impl Iterator<Item = (&'static str, String)> {
        let flag = |value: Option<bool>| value.map(|value| value.to_string());
        let time = |value: Option<u64>| value.map(|value| value.to_string());
        [
            ("pins.invert_dir", flag(self.invert_dir)),
            ("pins.invert_front", flag(self.invert_front)),
            ("pins.invert_back", flag(self.invert_back)),
            ("pins.invert_e_stop", flag(self.invert_e_stop)),
            ("rail.travel_per_turn_mm", self.travel_per_turn_mm.map(|mm| mm.to_string())),
            ("timing.pulse_high_ns", time(self.pulse_high_ns)),
            ("timing.pulse_low_ns", time(self.pulse_low_ns)),
            ("timing.dir_setup_ns", time(self.dir_setup_ns)),
            ("timing.dir_hold_ns", time(self.dir_hold_ns)),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
    }

    /// These values under those of `change`.
    #[must_use]
    pub fn changed(self, change: &WiringValues) -> WiringValues {
        WiringValues {
            invert_dir: change.invert_dir.or(self.invert_dir),
            invert_front: change.invert_front.or(self.invert_front),
            invert_back: change.invert_back.or(self.invert_back),
            invert_e_stop: change.invert_e_stop.or(self.invert_e_stop),
            travel_per_turn_mm: change.travel_per_turn_mm.or(self.travel_per_turn_mm),
            pulse_high_ns: change.pulse_high_ns.or(self.pulse_high_ns),
            pulse_low_ns: change.pulse_low_ns.or(self.pulse_low_ns),
            dir_setup_ns: change.dir_setup_ns.or(self.dir_setup_ns),
            dir_hold_ns: change.dir_hold_ns.or(self.dir_hold_ns),
        }
    }

    /// Checks the ranges, which are those of the configuration file.
    ///
    /// # Errors
    /// The key, and the rule that its value breaks.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let time = |key: &'static str, value: Option<u64>, least: u64| match value {
            Some(ns) if !(least..=LONGEST_NS).contains(&ns) => {
                Err((key, format!("must be {least} to {LONGEST_NS}, not {ns}")))
            }
            _ => Ok(()),
        };
        time("pulse_high_ns", self.pulse_high_ns, SHORTEST_NS)?;
        time("pulse_low_ns", self.pulse_low_ns, SHORTEST_NS)?;
        time("dir_setup_ns", self.dir_setup_ns, 0)?;
        time("dir_hold_ns", self.dir_hold_ns, 0)?;
        match self.travel_per_turn_mm {
            Some(mm) if !(0.1..=1_000.0).contains(&mm) => {
                Err(("travel_per_turn_mm", format!("must be 0.1 to 1000, not {mm}")))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_replaces_what_was_and_the_rest_stays() {
        let before = WiringValues { invert_dir: Some(true), pulse_low_ns: Some(500), ..Default::default() };
        let change =
            WiringValues { invert_dir: Some(false), travel_per_turn_mm: Some(8.0), ..Default::default() };
        let said: Vec<_> = before.changed(&change).said().collect();
        let expected =
            [("pins.invert_dir", "false"), ("rail.travel_per_turn_mm", "8"), ("timing.pulse_low_ns", "500")];
        assert_eq!(said, expected.map(|(key, value)| (key, value.to_owned())));
        assert_eq!(before.changed(&WiringValues::default()), before);
    }

    #[test]
    fn what_no_driver_needs_is_refused() {
        assert_eq!(WiringValues::default().check(), Ok(()));
        for (wrong, key) in [
            (WiringValues { pulse_high_ns: Some(99), ..Default::default() }, "pulse_high_ns"),
            (WiringValues { dir_hold_ns: Some(1_000_001), ..Default::default() }, "dir_hold_ns"),
            (WiringValues { travel_per_turn_mm: Some(f64::NAN), ..Default::default() }, "travel_per_turn_mm"),
        ] {
            assert_eq!(wrong.check().unwrap_err().0, key);
        }
    }
}
