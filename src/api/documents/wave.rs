//! Waves: the schema of a wave's fields, made from their table, and the points of one period.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::api::wave_spec::{LEASE, body_fields};
use crate::wave::fields::{TYPES, WaveField, WaveFieldDefault, WaveFieldKind, WaveUnit};
use crate::wave::interpolate::MAX_POINTS;
use crate::wave::points;

/// The body of a wave: one form for each type, with the fields that the type has.
pub struct WaveBody;

impl JsonSchema for WaveBody {
    fn schema_name() -> Cow<'static, str> {
        NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema()
    }
}

/// The name of the schema.
pub const NAME: &str = "Wave";

fn schema() -> Schema {
    let forms: Vec<Value> = TYPES.iter().map(|name| form(name)).collect();
    json_schema!({
        "description": "A wave: the graph of one period, which is repeated; docs/WAVES.md has pictures.",
        "oneOf": forms,
        "examples": [
            { "type": "sine", "duration": 5 },
            { "type": "points", "duration": 4, "points": [0, 0.6, 0.4, 1] },
        ],
    })
}

fn form(type_name: &str) -> Value {
    let fields = || body_fields().filter(|field| field.belongs_to(type_name));
    let properties: Map<String, Value> =
        fields().map(|field| (field.name.to_owned(), property(field, type_name))).collect();
    // A field that only some types have, without a default, is required by these.
    let required: Vec<&str> = fields()
        .filter(|field| field.default == WaveFieldDefault::Required)
        .map(|field| field.name)
        .collect();
    json!({
        "type": "object",
        "title": type_name,
        "required": required,
        "properties": properties,
        "additionalProperties": false,
    })
}

fn property(field: &WaveField, type_name: &str) -> Value {
    let mut property = match field.kind {
        WaveFieldKind::Word(_) if field.name == "type" => json!({ "type": "string", "enum": [type_name] }),
        WaveFieldKind::Word(words) => json!({ "type": "string", "enum": words }),
        WaveFieldKind::Number { low, high, .. } => {
            let mut number = json!({ "type": "number", "minimum": low });
            if let Some(high) = high {
                number["maximum"] = high.into();
            }
            number
        }
        WaveFieldKind::Points => json!({
            "type": "array",
            "maxItems": MAX_POINTS + 1,
            "items": {
                "anyOf": [
                    { "type": "number" },
                    { "type": "array", "items": { "type": "number" }, "minItems": 2, "maxItems": 2 },
                ],
            },
        }),
    };
    property["description"] = description(field).into();
    match field.default {
        WaveFieldDefault::Number(number) => property["default"] = number.into(),
        WaveFieldDefault::Word(word) => property["default"] = word.into(),
        WaveFieldDefault::Required | WaveFieldDefault::Derived(_) => {}
    }
    property
}

fn description(field: &WaveField) -> String {
    let unit = match field.unit() {
        Some(WaveUnit::Seconds) => " In seconds.",
        Some(WaveUnit::Share) => " A share of the stroke, 0 to 1.",
        Some(WaveUnit::Millimetres) => " In millimetres.",
        None => "",
    };
    let default = match field.default {
        WaveFieldDefault::Derived(phrase) => format!(" Without it: {phrase}."),
        _ => String::new(),
    };
    let policy = if field.name == LEASE.name { " `stop` or `continue`." } else { "" };
    format!("{}{unit}{default}{policy}", field.summary)
}

/// A wave that the machine has accepted, as it was asked for.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WaveInForce {
    /// Its fields, as they were sent.
    pub fields: Value,
    /// The name under which it is saved, if it was started by that.
    pub saved: Option<String>,
}

/// The points of one period of a wave, for drawing it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WavePreview {
    /// The stroke that the wave fills, in mm: 1 of `positions`.
    pub stroke_mm: f64,
    /// Points of a second.
    pub rate_hz: i64,
    /// Positions as shares of the stroke: 0 is the back, 1 the front.
    #[schemars(length(max = points::MAX_POINTS))]
    pub positions: Vec<f64>,
}

/// The saved waves by their names.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SavedWavesDocument {
    /// Each wave as it was saved.
    pub waves: Map<String, Value>,
}
