//! The table of settings: each is defined here, and nowhere else.
//!
//! From its row follow its place in the clients' document and in a change, how it is read from JSON, its default, its
//! range, its place in the stored record and in a backup, and its line in docs/SETTINGS.md.
//!
//! To add one:
//!
//! 1. Add a row, in the place that it is to have in the clients' document. `stored_as` is its key in a backup, with the unit
//!    in the name. `since` is a version above [`STORED_VERSION`](super::STORED_VERSION) and
//!    [`document::VERSION`](crate::store::document::VERSION), which both become it: a store or backup of an older version
//!    is read with the default.
//! 2. `YEP_UPDATE_DOCS=1 cargo test --lib settings` writes docs/SETTINGS.md anew.
//! 3. Use it: `config.rs` says what the machine makes of the settings, and `check.rs` has the rules between them. A limit of
//!    motion also is a field of [`MotionLimits`].
//!
//! Another change of a row (its key, its type, its meaning) needs a step in `store/migrate.rs`.

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::define::{document_settings, motion_settings, since, stored_as, with_key};
use super::field::Allowed::{List, Measured, Number, Text, True, Whole};
use super::field::Bound::{BelowHalfOf, Fixed, Setting};
use super::field::{SettingField, json};
use super::invalid::{Invalid, InvalidFields, in_unit};
use super::kinds::{SettingSource, SettingType};
use super::record_io::{RecordReader, RecordWriter};
use crate::layout;
use crate::motion::MotionLimits;
use crate::units::{MmPerS, MmPerS2, MmPerS3};
use crate::wave::spline::SLIDERS;

/// Steps of a calibrated range: the longest rail with the finest steps has half as many.
pub const STEPS: RangeInclusive<i64> = 1..=1_000_000_000;

document_settings! {
    /// A label.
    name: String = {
        unit: "",
        allowed: Text(200),
        default: "main".to_owned(),
        stored_as: "name",
    }
    /// Marks the document that `default` means; there is one document, so it is always true.
    active: bool = {
        unit: "",
        allowed: True,
        default: true,
    }
    /// Travel in one tick that is 100 % of the chart.
    tick_stroke_limit: i64 = {
        unit: "mm",
        allowed: Whole(Fixed(1), Fixed(1_000)),
        default: 10,
        stored_as: "tick_stroke_limit_mm",
    }
    /// Force that is 100 % of the chart's other axis.
    force_limit: i64 = {
        unit: "g",
        // The strongest common load cells end at 100 kg.
        allowed: Whole(Fixed(1), Fixed(100_000)),
        default: 1_000,
        stored_as: "force_limit_g",
    }
    /// Allowed travel in one tick at 0, 10 … 90 % of the force limit.
    stroke_force_chart: [i64; SLIDERS] = {
        unit: "%",
        allowed: List(SLIDERS, 0, 100),
        default: [50, 40, 30, 25, 23, 22, 20, 18, 15, 10],
        stored_as: "stroke_force_chart_percent",
    }
    /// Microsteps for a turn of the motor.
    microsteps_per_rev: i64 = {
        unit: "",
        // The finest driver (256) with the finest motor (400 steps) makes 102 400; ten times that is a mistake for certain.
        allowed: Whole(Fixed(1), Fixed(1_000_000)),
        default: 400,
        stored_as: "microsteps_per_rev",
    }
    /// Ticks a second.
    wave_resolution: i64 = {
        unit: "Hz",
        allowed: Whole(Fixed(1), Fixed(10_000)),
        default: 120,
        stored_as: "wave_resolution_hz",
    }
    /// Longest stroke that the user wants.
    stroke_limit: i64 = {
        unit: "mm",
        allowed: Whole(Fixed(1), Setting("max_stroke")),
        default: 155,
        stored_as: "stroke_limit_mm",
    }
    /// Distance between the points where the two switches close, measured by hand.
    max_stroke: i64 = {
        unit: "mm",
        allowed: Whole(Fixed(1), Fixed(layout::MAX_STROKE_MM as i64)),
        default: 155,
        stored_as: "max_stroke_mm",
    }
    /// Length that is kept clear at each end.
    padding_mm: i64 = {
        unit: "mm",
        allowed: Whole(Fixed(0), BelowHalfOf("max_stroke")),
        default: 5,
        stored_as: "padding_mm",
    }
    /// Steps of the usable range, once calibrated.
    max_steps: Option<i64> = {
        unit: "steps",
        allowed: Measured(*STEPS.start(), *STEPS.end()),
        default: None,
    }
}

motion_settings! {
    /// Highest speed of a wave.
    max_speed_mm_s: MmPerS = {
        field: max_speed,
        allowed: Number(Fixed(1.0), Fixed(layout::MAX_SPEED_MM_S)),
    }
    /// Highest acceleration of a wave, both ways.
    max_acceleration_mm_s2: MmPerS2 = {
        field: max_acceleration,
        allowed: Number(Fixed(MmPerS2::MIN), Fixed(layout::MAX_ACCELERATION_MM_S2)),
    }
    /// Highest jerk of a wave, at most 200 times `stop_deceleration_mm_s2`, which is the jerk of a stop.
    max_jerk_mm_s3: MmPerS3 = {
        field: max_jerk,
        allowed: Number(Fixed(MmPerS3::MIN), Fixed(layout::MAX_JERK_MM_S3)),
    }
    /// Deceleration of STOP, firm enough that a stop from the highest speed keeps the time and the way of
    /// memory-layout/layout.toml.
    stop_deceleration_mm_s2: MmPerS2 = {
        field: stop_deceleration,
        allowed: Number(Setting("max_acceleration_mm_s2"), Fixed(layout::MAX_ACCELERATION_MM_S2)),
    }
    /// Highest speed on the way to where a wave starts.
    approach_speed_mm_s: MmPerS = {
        field: approach_speed,
        allowed: Number(Fixed(1.0), Setting("max_speed_mm_s")),
    }
}

/// All rows: the document, then the limits of motion.
pub fn fields() -> impl Iterator<Item = &'static SettingField> {
    Document::FIELDS.iter().chain(MotionPart::FIELDS)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn document() -> Document {
        Document::fresh("6b046f08c9f8c8945c405bb9".to_owned())
    }

    #[test]
    fn the_clients_read_it_in_their_order() {
        // The fields that the clients know from their first server. A later one may stand between them.
        let mut document = serde_json::to_value(document()).unwrap();
        for row in Document::FIELDS.iter().filter(|row| row.since > super::super::record_io::OLDEST_VERSION) {
            document.as_object_mut().unwrap().shift_remove(row.name);
        }
        assert_eq!(
            document.to_string(),
            r#"{"name":"main","active":true,"tick_stroke_limit":10,"force_limit":1000,"#.to_owned()
                + r#""stroke_force_chart":[50,40,30,25,23,22,20,18,15,10],"microsteps_per_rev":400,"#
                + r#""wave_resolution":120,"stroke_limit":155,"max_stroke":155,"padding_mm":5,"#
                + r#""max_steps":null,"id":"6b046f08c9f8c8945c405bb9"}"#
        );
    }

    #[test]
    fn the_rows_say_what_the_types_are() {
        let document = serde_json::to_value(document()).unwrap();
        let motion = serde_json::to_value(MotionPart::from(&MotionLimits::default())).unwrap();
        for (rows, values) in [(Document::FIELDS, &document), (MotionPart::FIELDS, &motion)] {
            let values: Vec<_> =
                values.as_object().unwrap().iter().filter(|(name, _)| *name != "id").collect();
            assert_eq!(values.len(), rows.len());
            for (row, (name, value)) in rows.iter().zip(values) {
                assert_eq!((row.name, &(row.default)()), (name.as_str(), value));
                let fits = match (row.allowed, value) {
                    (Text(_), Value::String(_)) | (True, Value::Bool(true)) | (Measured(..), Value::Null) => {
                        true
                    }
                    (Whole(..), Value::Number(number)) => number.is_i64(),
                    (Number(..), Value::Number(number)) => number.is_f64(),
                    (List(length, ..), Value::Array(list)) => list.len() == length,
                    _ => false,
                };
                assert!(fits, "{row:?}: {value}");
                assert!(
                    !row.doc.is_empty() && row.since >= super::super::record_io::OLDEST_VERSION,
                    "{row:?}"
                );
            }
        }
    }

    #[test]
    fn a_bound_names_a_setting() {
        for row in fields() {
            let names = match row.allowed {
                Whole(least, most) => [name_of(least), name_of(most)],
                Number(least, most) => [name_of(least), name_of(most)],
                _ => [None; 2],
            };
            for name in names.into_iter().flatten() {
                assert!(fields().any(|row| row.name == name), "{row:?}");
            }
        }
    }

    fn name_of<T>(bound: super::super::field::Bound<T>) -> Option<&'static str> {
        match bound {
            Setting(name) | BelowHalfOf(name) => Some(name),
            Fixed(_) => None,
        }
    }
}
