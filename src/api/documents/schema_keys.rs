//! Comparison of a serialised sample with the schema of its type, so that the schema cannot lie about keys.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::Value;

/// Checks that the sample has exactly the keys of its schema, in the same order and at each level, and that each key is
/// required and described. The sample has a value for everything, as a null or an empty list would show no keys.
#[track_caller]
pub fn assert_schema_keys<T: Serialize + JsonSchema>(sample: &T) {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let schema = generator.into_root_schema_for::<T>().to_value();
    let sample = serde_json::to_value(sample).unwrap();
    assert!(schema["description"].is_string(), "the document has no description");
    check(&schema, &schema, &sample, "");
}

#[track_caller]
fn check(root: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let definition = root.pointer(reference.trim_start_matches('#')).unwrap();
        return check(root, definition, value, place);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let mut present = choices.iter().filter(|choice| choice["type"] != "null");
        check(root, present.next().unwrap(), value, place);
        assert!(present.next().is_none(), "{place} has several forms");
        return;
    }
    match value {
        Value::Object(members) => match schema["properties"].as_object() {
            Some(properties) => {
                let keys: Vec<&String> = members.keys().collect();
                assert_eq!(keys, properties.keys().collect::<Vec<_>>(), "keys of {place:?}");
                let required: Vec<&str> =
                    schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
                assert_eq!(keys, required, "required keys of {place:?}");
                for (key, value) in members {
                    let place = format!("{place}.{key}");
                    assert!(properties[key]["description"].is_string(), "{place} has no description");
                    check(root, &properties[key], value, &place);
                }
            }
            // A map: each value has the same schema.
            None => {
                let patterns = schema["patternProperties"].as_object().and_then(|each| each.values().next());
                let each = patterns.unwrap_or(&schema["additionalProperties"]);
                assert!(!members.is_empty() && !each.is_null(), "{place} shows no keys");
                for (key, value) in members {
                    check(root, each, value, &format!("{place}.{key}"));
                }
            }
        },
        Value::Array(items) => {
            assert!(!items.is_empty(), "{place} is empty in the sample");
            for item in items {
                check(root, &schema["items"], item, &format!("{place}[]"));
            }
        }
        Value::Null => panic!("{place} is null in the sample"),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
