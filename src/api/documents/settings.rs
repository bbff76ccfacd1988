//! Settings: a document with a key for each row of the table, with the unit in its name.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::settings::{Allowed, Bound, Document, MotionPart, SettingField, Settings};

/// The rows that API v1 has, with their names there: those that a backup has, under its keys.
pub fn rows() -> impl Iterator<Item = (&'static SettingField, &'static str)> {
    Document::FIELDS.iter().filter_map(|row| Some((row, row.stored_as?)))
}

/// The document with these settings.
#[must_use]
pub fn document(settings: &Settings) -> Value {
    let clients = serde_json::to_value(&settings.document).unwrap_or_default();
    let mut document: Map<String, Value> =
        rows().map(|(row, name)| (name.to_owned(), clients[row.name].clone())).collect();
    let calibration = settings.document.max_steps.map(|max_steps| {
        json!({
            "max_steps": max_steps,
            "travel_steps": settings.travel_steps,
            "steps_per_mm": settings.steps_per_mm(),
            "calibrated_unix_s": settings.calibrated_unix_s,
        })
    });
    document.insert("id".into(), settings.document.id.clone().into());
    document.insert("calibration".into(), calibration.into());
    document.into()
}

/// The schema of the document.
pub fn schema(_: &mut SchemaGenerator) -> Schema {
    let mut properties: Map<String, Value> = rows().map(|(row, name)| (name.into(), property(row))).collect();
    properties.insert(
        "id".into(),
        json!({ "type": "string", "pattern": "^[0-9a-f]{24}$", "description": "Changes when all settings are put back." }),
    );
    properties.insert(
        "calibration".into(),
        json!({
            "type": ["object", "null"],
            "description": "What the last calibration found; null before the first.",
            "required": ["max_steps", "travel_steps", "steps_per_mm", "calibrated_unix_s"],
            "properties": {
                "max_steps": { "type": "integer", "description": "Steps of the usable range." },
                "travel_steps": { "type": ["integer", "null"], "description": "Steps between the switches." },
                "steps_per_mm": { "type": ["number", "null"], "description": "Steps of a millimetre." },
                "calibrated_unix_s": {
                    "type": ["integer", "null"],
                    "description": "When, in seconds since 1970 by a clock that may be wrong.",
                },
            },
        }),
    );
    let required: Vec<&String> = properties.keys().collect();
    json_schema!({
        "type": "object",
        "description": "The settings; docs/SETTINGS.md has what they mean.",
        "required": required,
        "properties": properties,
    })
}

/// The schema of a change of the document.
pub fn change_schema(_: &mut SchemaGenerator) -> Schema {
    change_of(rows(), &json!({ "stroke_limit_mm": 120 }))
}

/// The schema of a change of the limits of motion.
pub fn limits_change_schema(_: &mut SchemaGenerator) -> Schema {
    change_of(MotionPart::FIELDS.iter().map(|row| (row, row.name)), &json!({ "max_speed_mm_s": 250 }))
}

fn change_of(rows: impl Iterator<Item = (&'static SettingField, &'static str)>, example: &Value) -> Schema {
    let properties: Map<String, Value> = rows.map(|(row, name)| (name.into(), property(row))).collect();
    json_schema!({
        "type": "object",
        "description": "New values; what is not given stays.",
        "examples": [example],
        "properties": properties,
        "additionalProperties": false,
    })
}

fn property(row: &SettingField) -> Value {
    let mut property = match row.allowed {
        // The name; a control character is refused, which a pattern says to a program.
        Allowed::Text(most) => {
            json!({ "type": "string", "maxLength": most, "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$" })
        }
        Allowed::True => json!({ "type": "boolean", "enum": [true] }),
        Allowed::Whole(least, most) => {
            range(json!({ "type": "integer" }), fixed(least).map(Value::from), fixed(most).map(Value::from))
        }
        Allowed::List(length, least, most) => json!({
            "type": "array",
            "minItems": length,
            "maxItems": length,
            "items": { "type": "integer", "minimum": least, "maximum": most },
        }),
        Allowed::Measured(least, most) => {
            json!({ "type": ["integer", "null"], "minimum": least, "maximum": most })
        }
        Allowed::Number(least, most) => {
            range(json!({ "type": "number" }), fixed(least).map(Value::from), fixed(most).map(Value::from))
        }
    };
    let unit = if row.unit.is_empty() { String::new() } else { format!(" In {}.", row.unit) };
    property["description"] = format!("{}{unit} Allowed: {}.", row.doc, row.allowed).into();
    property["default"] = (row.default)();
    property
}

fn range(mut schema: Value, least: Option<Value>, most: Option<Value>) -> Value {
    if let Some(least) = least {
        schema["minimum"] = least;
    }
    if let Some(most) = most {
        schema["maximum"] = most;
    }
    schema
}

/// The range of the setting or limit of that name, in either dialect; none where another setting makes a bound.
#[must_use]
pub fn fixed_range(name: &str) -> Option<(f64, f64)> {
    let row = crate::settings::fields().find(|row| row.name == name || row.stored_as == Some(name))?;
    match row.allowed {
        Allowed::Whole(least, most) => Some((fixed(least)? as f64, fixed(most)? as f64)),
        Allowed::List(_, least, most) => Some((least as f64, most as f64)),
        Allowed::Number(least, most) => Some((fixed(least)?, fixed(most)?)),
        Allowed::Text(_) | Allowed::True | Allowed::Measured(..) => None,
    }
}

/// The bound, if it is the same whatever the other settings are.
fn fixed<T>(bound: Bound<T>) -> Option<T> {
    match bound {
        Bound::Fixed(bound) => Some(bound),
        Bound::Setting(_) | Bound::BelowHalfOf(_) => None,
    }
}
