//! What was changed under the system that was left, and is not in the state that the other one has back.
//!
//! Each state folder has its content as text beside the database, a snapshot. A newer program may store in another form, which
//! this one cannot read; but the names of what both know are the same, so the two texts are compared name by name. Values are not
//! told, as some are secret.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SystemSlot;

/// So many names are told at most.
const MOST: usize = 40;
/// Of the description of a state, not of its content.
const ABOUT: [&str; 7] =
    ["format", "version", "program", "written_unix_s", "written", "generation", "counters"];
/// What has names of the user's; of everything else a name that only one side knows is one of its program.
const NAMED_BY_USER: [&str; 4] = ["waves", "sessions", "patterns.saved", "commissioning.steps"];
/// Of these the count is told, and not the numbers.
const COUNTED: &str = "sessions";

/// What is not there any more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftBehind {
    /// Slot of the system under which it was changed.
    pub slot: SystemSlot,
    /// Names of the changed values, as in a backup; at most 40.
    pub changed: Vec<String>,
    /// How many more there are.
    pub more: usize,
    /// Why nothing is known of it, for people.
    pub unknown: Option<String>,
}

impl LeftBehind {
    /// Nothing is known of it, and why, for people.
    pub fn unknown(slot: SystemSlot, why: String) -> LeftBehind {
        LeftBehind { slot, unknown: Some(why), ..LeftBehind::default() }
    }

    /// Compares the snapshot that the system in `slot` left with that of the state which is used, `here`.
    pub fn between(slot: SystemSlot, left: &Value, here: &Value) -> LeftBehind {
        let mut changed = Vec::new();
        compare("", &left["state"], &here["state"], &mut changed);
        // Who may control the machine has hashes of secrets: only that it differs is told.
        if left["access"]["devices"] != here["access"]["devices"] {
            changed.push("access.devices".to_owned());
        }
        let more = changed.len().saturating_sub(MOST);
        changed.truncate(MOST);
        LeftBehind { slot, changed, more, unknown: None }
    }
}

/// Adds the names below `path` whose values differ.
fn compare(path: &str, left: &Value, here: &Value, changed: &mut Vec<String>) {
    let (Value::Object(left), Value::Object(here)) = (left, here) else {
        if left != here {
            changed.push(path.to_owned());
        }
        return;
    };
    if path == COUNTED {
        let count = left.iter().filter(|(name, value)| here.get(*name) != Some(value)).count();
        if count > 0 {
            changed.push(format!("{COUNTED}: {count}"));
        }
        return;
    }
    for name in names(path, left, here) {
        let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let value = |of: &Map<String, Value>| of.get(&name).cloned().unwrap_or_default();
        compare(&below, &value(left), &value(here), changed);
    }
}

fn names(path: &str, left: &Map<String, Value>, here: &Map<String, Value>) -> BTreeSet<String> {
    let is_users = NAMED_BY_USER.contains(&path);
    let counts = |name: &&String| {
        let is_about = path.is_empty() && ABOUT.contains(&name.as_str());
        !is_about && (is_users || left.contains_key(*name) && here.contains_key(*name))
    };
    left.keys().chain(here.keys()).filter(counts).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mirror(state: Value) -> Value {
        json!({ "crc32": "0", "state": state, "access": { "devices": [], "audit": [] } })
    }

    #[test]
    fn what_was_changed_is_named_and_what_only_a_newer_program_knows_is_not() {
        let here = mirror(json!({
            "version": 5, "generation": 7, "settings": { "force_limit_g": 1_000, "name": "main" }, "waves": { "slow": 1 },
            "sessions": { "1": {} }, "calibration": null, "counters": { "sessions": 1 },
        }));
        let mut left = mirror(json!({
            "version": 6, "generation": 9, "settings": { "force_limit_g": 900, "name": "main", "of_the_newer": 1 },
            "waves": { "slow": 1, "new": 2 }, "sessions": { "1": {}, "2": {}, "3": {} }, "calibration": { "max_steps": 7 },
            "counters": { "sessions": 3 }, "another_room": {},
        }));
        left["access"]["devices"] = json!([{ "hash": "secret" }]);
        let found = LeftBehind::between(SystemSlot::A, &left, &here);
        let names = ["calibration", "sessions: 2", "settings.force_limit_g", "waves.new", "access.devices"];
        assert_eq!((found.changed, found.more), (names.map(str::to_owned).to_vec(), 0));
        assert_eq!(LeftBehind::between(SystemSlot::A, &here, &here), LeftBehind::default());
    }

    #[test]
    fn the_list_is_bounded() {
        let waves = |count: usize| {
            mirror(json!({ "waves": (0..count).map(|i| (i.to_string(), json!(i))).collect::<Map<_, _>>() }))
        };
        let found = LeftBehind::between(SystemSlot::A, &waves(100), &waves(1));
        assert_eq!((found.changed.len(), found.more), (MOST, 99 - MOST));
    }
}
