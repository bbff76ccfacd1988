//! What holds for every change, however odd.

use proptest::option::of;
use proptest::prelude::*;

use super::{MotionChange, RailGeometry, Settings, SettingsChange};

/// Values around the bounds, and a few from far away.
fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![8 => -2_i64..200, 4 => 0_i64..6_000, 2 => 0_i64..2_000_000, 1 => any::<i64>()]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![8 => 0.0..1_000.0, 4 => 0.0..300_000.0, 1 => any::<f64>()]
}

prop_compose! {
    fn change()(
        name in of(".{0,220}"),
        active in of(prop::bool::weighted(0.9)),
        (tick_stroke_limit, force_limit) in (of(integer()), of(integer())),
        stroke_force_chart in of(prop_oneof![
            6 => prop::collection::vec(0_i64..=100, 10),
            1 => prop::collection::vec(integer(), 0..12),
        ]),
        (microsteps_per_rev, wave_resolution) in (of(integer()), of(integer())),
        (stroke_limit, max_stroke, padding_mm) in (of(integer()), of(integer()), of(integer())),
        max_steps in of(integer()),
    ) -> SettingsChange {
        SettingsChange {
            name, active, tick_stroke_limit, force_limit, stroke_force_chart, microsteps_per_rev,
            wave_resolution, stroke_limit, max_stroke, padding_mm, max_steps,
        }
    }
}

prop_compose! {
    fn motion_change()(
        max_speed_mm_s in of(number()),
        max_acceleration_mm_s2 in of(number()),
        max_jerk_mm_s3 in of(number()),
        stop_deceleration_mm_s2 in of(number()),
        approach_speed_mm_s in of(number()),
    ) -> MotionChange {
        MotionChange {
            max_speed_mm_s, max_acceleration_mm_s2, max_jerk_mm_s3, stop_deceleration_mm_s2,
            approach_speed_mm_s,
        }
    }
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
