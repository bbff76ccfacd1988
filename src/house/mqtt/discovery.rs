//! The description of the machine for Home Assistant: one retained message from which it makes a device with all its sensors and
//! the STOP button (its "device discovery").

use serde_json::{Map, Value, json};

use super::topics::MachineTopics;
use crate::house::identity;
use crate::machine::State;

/// The words on the topic of the availability.
pub const ONLINE: &str = "online";
/// The same, when the machine is not there.
pub const OFFLINE: &str = "offline";
/// What the STOP button sends.
pub const STOP: &str = "STOP";

/// A sensor: its key, name, field of a message, and what else Home Assistant should know of it.
struct HouseSensor<'a> {
    key: &'a str,
    name: &'a str,
    topic: &'a str,
    field: &'a str,
    platform: &'a str,
    more: Value,
}

/// The whole description of the machine that is called `name`.
#[must_use]
pub fn description(topics: &MachineTopics, name: &str, id: &str) -> Value {
    let mut components = Map::new();
    for sensor in sensors(topics) {
        let HouseSensor { key, name, topic, field, platform, more } = sensor;
        let mut component = json!({
            "platform": platform,
            "unique_id": format!("yep_{id}_{key}"),
            "name": name,
            "state_topic": topic,
            "value_template": format!("{{{{ value_json.{field} }}}}"),
        });
        if let (Some(component), Value::Object(more)) = (component.as_object_mut(), more) {
            component.extend(more);
        }
        components.insert(key.to_owned(), component);
    }
    components.insert(
        "stop".to_owned(),
        json!({
            "platform": "button",
            "unique_id": format!("yep_{id}_stop"),
            "name": "STOP",
            "command_topic": topics.stop,
            "payload_press": STOP,
            // A STOP that is kept would come again with each connection; the machine ignores such a one.
            "retain": false,
            "qos": 1,
            "icon": "mdi:octagon",
        }),
    );
    json!({
        "device": {
            "identifiers": [format!("yep_{id}")],
            "name": name,
            "manufacturer": "yep",
            "model": "linear axis",
            "serial_number": id,
            "sw_version": env!("CARGO_PKG_VERSION"),
            "configuration_url": format!("http://{}.local", identity::unique_host(id)),
        },
        "origin": { "name": "yep", "sw_version": env!("CARGO_PKG_VERSION") },
        "availability_topic": topics.availability,
        "payload_available": ONLINE,
        "payload_not_available": OFFLINE,
        "components": components,
    })
}

fn sensors(topics: &MachineTopics) -> Vec<HouseSensor<'_>> {
    let MachineTopics { state, live, sessions, host, .. } = topics;
    let sensor =
        |key, name, topic, field, more| HouseSensor { key, name, topic, field, platform: "sensor", more };
    let diagnostic = |mut more: Value| {
        more["entity_category"] = "diagnostic".into();
        more
    };
    let states: Vec<&str> = State::ALL.map(State::name).to_vec();
    vec![
        sensor("state", "State", state, "state", json!({ "device_class": "enum", "options": states })),
        sensor("why", "Why", state, "why", json!({})),
        HouseSensor {
            key: "problem",
            name: "Fault",
            topic: state,
            field: "problem",
            platform: "binary_sensor",
            more: json!({ "device_class": "problem", "payload_on": "ON", "payload_off": "OFF" }),
        },
        sensor("fault", "Fault message", state, "fault", json!({})),
        sensor("remedy", "Remedy", state, "remedy", json!({})),
        sensor(
            "position",
            "Position",
            live,
            "position_mm",
            json!({ "device_class": "distance", "unit_of_measurement": "mm", "state_class": "measurement" }),
        ),
        sensor(
            "force",
            "Force",
            live,
            "force_g",
            json!({ "unit_of_measurement": "g", "state_class": "measurement", "icon": "mdi:arrow-expand-horizontal" }),
        ),
        sensor("sessions", "Sessions", sessions, "sessions", json!({ "state_class": "total_increasing" })),
        sensor("strokes", "Strokes", sessions, "strokes", json!({ "state_class": "total_increasing" })),
        sensor(
            "distance",
            "Distance",
            sessions,
            "distance_m",
            json!({ "device_class": "distance", "unit_of_measurement": "m", "state_class": "total_increasing" }),
        ),
        sensor(
            "moving",
            "Time in motion",
            sessions,
            "moving_h",
            json!({ "device_class": "duration", "unit_of_measurement": "h", "state_class": "total_increasing" }),
        ),
        sensor(
            "temperature",
            "Computer temperature",
            host,
            "temperature_c",
            diagnostic(json!({ "device_class": "temperature", "unit_of_measurement": "°C",
                "state_class": "measurement" })),
        ),
        HouseSensor {
            key: "under_voltage",
            name: "Computer supply",
            topic: host,
            field: "under_voltage",
            platform: "binary_sensor",
            more: diagnostic(json!({ "device_class": "problem", "payload_on": "ON", "payload_off": "OFF" })),
        },
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::api::telemetry::StatusDocument;
    use crate::house::mqtt::messages::MachineMessages;

    /// The keys that Home Assistant documents for each platform, besides those of every component. Others it refuses.
    const KEYS: [(&str, &[&str]); 3] = [
        (
            "sensor",
            &[
                "device_class",
                "entity_category",
                "expire_after",
                "icon",
                "name",
                "options",
                "state_class",
                "state_topic",
                "suggested_display_precision",
                "unit_of_measurement",
                "value_template",
            ],
        ),
        (
            "binary_sensor",
            &[
                "device_class",
                "entity_category",
                "expire_after",
                "icon",
                "name",
                "payload_off",
                "payload_on",
                "state_topic",
                "value_template",
            ],
        ),
        (
            "button",
            &[
                "command_template",
                "command_topic",
                "device_class",
                "entity_category",
                "icon",
                "name",
                "payload_press",
                "qos",
                "retain",
            ],
        ),
    ];

    fn described() -> (MachineTopics, Value) {
        let topics = MachineTopics::new("yep", "homeassistant", "0a1b2c3d4e5f");
        let description = description(&topics, "left", "0a1b2c3d4e5f");
        (topics, description)
    }

    #[test]
    fn it_has_the_documented_form() {
        let (topics, description) = described();
        let top: BTreeSet<&str> = description.as_object().unwrap().keys().map(String::as_str).collect();
        let wanted = [
            "availability_topic",
            "components",
            "device",
            "origin",
            "payload_available",
            "payload_not_available",
        ];
        assert_eq!(top, BTreeSet::from(wanted));
        assert_eq!(description["availability_topic"], topics.availability);
        assert!(!description["device"]["identifiers"].as_array().unwrap().is_empty());
        assert!(description["origin"]["name"].is_string());
        let mut ids = BTreeSet::new();
        for (key, component) in description["components"].as_object().unwrap() {
            let platform = component["platform"].as_str().unwrap();
            let (_, allowed) = KEYS.iter().find(|(name, _)| *name == platform).unwrap();
            for name in component.as_object().unwrap().keys() {
                let is_common = name == "platform" || name == "unique_id";
                assert!(is_common || allowed.contains(&name.as_str()), "{key}: {name}");
            }
            assert!(ids.insert(component["unique_id"].as_str().unwrap().to_owned()), "{key}");
            // An enumeration has options and neither unit nor state class; a class of state wants a number.
            if component["device_class"] == "enum" {
                assert!(component["options"].is_array() && component["state_class"].is_null(), "{key}");
                assert!(component["unit_of_measurement"].is_null(), "{key}");
            }
        }
    }

    #[test]
    fn the_only_thing_that_can_be_sent_is_stop() {
        let (topics, description) = described();
        let components = description["components"].as_object().unwrap();
        let commands: Vec<&Value> =
            components.values().filter(|component| !component["command_topic"].is_null()).collect();
        assert_eq!(commands.len(), 1);
        assert_eq!(commands[0]["command_topic"], topics.stop);
        assert_eq!((&commands[0]["payload_press"], &commands[0]["retain"]), (&json!(STOP), &json!(false)));
    }

    #[test]
    fn each_sensor_reads_a_field_that_is_sent_in_its_topic() {
        let (topics, description) = described();
        let MachineMessages { state, live, sessions, host } =
            MachineMessages::of_status(StatusDocument::default());
        let messages = [
            (&topics.state, json!(state)),
            (&topics.live, json!(live)),
            (&topics.sessions, json!(sessions)),
            (&topics.host, json!(host)),
        ];
        for (key, component) in description["components"].as_object().unwrap() {
            let Some(template) = component["value_template"].as_str() else { continue };
            let field = template.strip_prefix("{{ value_json.").unwrap().strip_suffix(" }}").unwrap();
            let (_, message) =
                messages.iter().find(|(topic, _)| component["state_topic"] == **topic).unwrap();
            assert!(message.get(field).is_some(), "{key}: {field}");
        }
    }
}
