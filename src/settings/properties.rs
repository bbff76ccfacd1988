//! Properties of every change, however odd.

use std::collections::HashMap;

use proptest::option::of;
use proptest::prelude::*;
use proptest::string::string_regex;
use serde_json::Value;

use super::{
    Allowed, Document, MotionChange, MotionPart, RailGeometry, SettingField, SettingSource, Settings,
    SettingsChange,
};

/// Values around the bounds, and a few from far away.
fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![8 => -2_i64..200, 4 => 0_i64..6_000, 2 => 0_i64..2_000_000, 1 => any::<i64>()]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![8 => 0.0..1_000.0, 4 => 0.0..300_000.0, 1 => any::<f64>()]
}

/// A value of some kind, or none.
fn value(allowed: Allowed) -> BoxedStrategy<Option<Value>> {
    match allowed {
        Allowed::Text(most) => {
            let text = string_regex(&format!(".{{0,{}}}", most + 20)).unwrap();
            of(text.prop_map(Value::from)).boxed()
        }
        Allowed::True => of(prop::bool::weighted(0.9).prop_map(Value::from)).boxed(),
        Allowed::Whole(..) | Allowed::Measured(..) => of(integer().prop_map(Value::from)).boxed(),
        Allowed::List(length, least, most) => of(prop_oneof![
            6 => prop::collection::vec(least..=most, length),
            1 => prop::collection::vec(integer(), 0..length + 2),
        ])
        .prop_map(|list| list.map(Value::from))
        .boxed(),
        Allowed::Number(..) => of(number().prop_map(Value::from)).boxed(),
    }
}

/// Values by the names of the settings.
#[derive(Debug)]
struct RandomSource(HashMap<&'static str, Value>);

impl SettingSource for RandomSource {
    fn text(&mut self, name: &'static str) -> Option<String> {
        self.0.get(name)?.as_str().map(str::to_owned)
    }

    fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    fn whole(&mut self, name: &'static str) -> Option<i64> {
        self.0.get(name)?.as_i64()
    }

    fn list(&mut self, name: &'static str) -> Option<Vec<i64>> {
        Some(self.0.get(name)?.as_array()?.iter().filter_map(Value::as_i64).collect())
    }

    fn number(&mut self, name: &'static str) -> Option<f64> {
        // JSON has no NaN and no infinity; a client may send them as a text.
        self.0.get(name).map(|value| value.as_f64().unwrap_or(f64::NAN))
    }
}

/// New values for any of these settings.
fn values(rows: &'static [SettingField]) -> impl Strategy<Value = RandomSource> {
    let each: Vec<_> = rows.iter().map(|row| value(row.allowed)).collect();
    each.prop_map(move |values| {
        let named = rows.iter().zip(values).filter_map(|(row, value)| Some((row.name, value?)));
        RandomSource(named.collect())
    })
}

fn change() -> impl Strategy<Value = SettingsChange> {
    values(Document::FIELDS).prop_map(|mut source| SettingsChange::read(&mut source))
}

fn motion_change() -> impl Strategy<Value = MotionChange> {
    values(MotionPart::FIELDS).prop_map(|mut source| MotionChange::read(&mut source))
}

fn fresh() -> Settings {
    Settings::fresh("6b046f08c9f8c8945c405bb9".to_owned())
}

/// Follows the changes that are accepted; the others leave everything as it was.
fn after(changes: &[SettingsChange], motion: &[MotionChange]) -> Settings {
    let settings = changes.iter().fold(fresh(), |now, change| now.changed(change).unwrap_or(now));
    motion.iter().fold(settings, |now, change| now.with_motion(change).unwrap_or(now))
}

proptest! {
    #[test]
    fn a_change_gives_valid_settings_or_reasons(
        before in prop::collection::vec(change(), 0..4),
        change in change(),
        motion in motion_change(),
    ) {
        let settings = after(&before, &[]);
        for changed in [settings.changed(&change), settings.with_motion(&motion)] {
            match changed {
                Ok(next) => {
                    prop_assert_eq!(next.check(), Ok(()));
                    prop_assert_eq!(&next.document.id, &settings.document.id);
                }
                Err(wrong) => prop_assert!(!wrong.is_empty()),
            }
        }
    }

    /// One good value at a time, so that long random changes, of which most are refused, are not all there is.
    #[test]
    fn a_value_inside_its_bounds_is_taken_and_the_rest_stays(force_limit in 1_i64..=100_000, padding_mm in 0_i64..=77) {
        let change = SettingsChange { force_limit: Some(force_limit), padding_mm: Some(padding_mm), ..SettingsChange::default() };
        let mut expected = fresh();
        expected.document.force_limit = force_limit;
        expected.document.padding_mm = padding_mm;
        prop_assert_eq!(fresh().changed(&change), Ok(expected));
    }

    #[test]
    fn the_machine_can_use_all_valid_settings(
        changes in prop::collection::vec(change(), 0..4),
        motion in prop::collection::vec(motion_change(), 0..3),
        chart in prop::collection::vec(0_i64..=100, 10),
        travel_per_turn_mm in number(),
    ) {
        let chart = SettingsChange { stroke_force_chart: Some(chart), ..SettingsChange::default() };
        let settings = after(&changes, &motion).changed(&chart).unwrap();
        let config = settings.config(&RailGeometry { travel_per_turn_mm, ..RailGeometry::default() });
        let full_mm_s = (settings.document.tick_stroke_limit * settings.document.wave_resolution) as f64;
        let limit_g = settings.document.force_limit as f64;
        let mut last = full_mm_s;
        for i in 0..=1_000 {
            let speed = config.allowance.speed_mm_s(f64::from(i) / 1_000.0 * limit_g);
            prop_assert!(speed >= 0.0 && speed <= last * (1.0 + 1e-12), "{} after {}", speed, last);
            last = speed;
        }
        prop_assert_eq!(last, 0.0);
        prop_assert_eq!(config.geometry.max_stroke.get(), settings.document.max_stroke as f64);
    }
}
