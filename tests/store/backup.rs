//! Backup: export of the whole state as one document, and its import.

use std::collections::BTreeMap;

use proptest::option::of;
use proptest::prelude::*;
use serde_json::Value;
use yep::store::{Counters, FeedMotionPart, PlayerPart, document};

use super::devices::{access_changes, apply_allowed, save_allowed, source};
use super::*;

prop_compose! {
    fn settings()(
        name in "\\PC{0,40}",
        (tick_stroke_limit, force_limit) in (1_i64..=1_000, 1_i64..=100_000),
        chart in prop::collection::vec(0_i64..=100, 10),
        (microsteps_per_rev, wave_resolution) in (1_i64..=1_000_000, 1_i64..=10_000),
        max_stroke in 3_i64..=5_000,
        (stroke_share, padding_share) in (0.0..1.0, 0.0..0.49),
        found in of((1_i64..=1_000_000, 0_i64..1_000, any::<bool>(), of(any::<u64>()))),
        (speed, jerk) in (60.0..2_000.0, 1_000.0..1e6),
    ) -> Settings {
        let change = SettingsChange {
            name: Some(name),
            tick_stroke_limit: Some(tick_stroke_limit),
            force_limit: Some(force_limit),
            stroke_force_chart: Some(chart),
            microsteps_per_rev: Some(microsteps_per_rev),
            wave_resolution: Some(wave_resolution),
            max_stroke: Some(max_stroke),
            stroke_limit: Some(1 + (stroke_share * (max_stroke - 1) as f64) as i64),
            padding_mm: Some((padding_share * (max_stroke - 1) as f64) as i64),
            ..SettingsChange::default()
        };
        let motion = MotionChange {
            max_speed_mm_s: Some(speed), max_jerk_mm_s3: Some(jerk), ..MotionChange::default()
        };
        let settings = Settings::fresh(new_id()).changed(&change).unwrap().with_motion(&motion).unwrap();
        let Some((max_steps, padding, local, at)) = found else { return settings };
        let mut settings = settings.changed(&SettingsChange { max_steps: Some(max_steps), ..SettingsChange::default() }).unwrap();
        settings.travel_steps = local.then_some(max_steps + padding);
        settings.calibrated_unix_s = at.filter(|_| local);
        settings
    }
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), 0.0..1e-3, 0.0..1e9, Just(f64::MAX), Just(f64::MIN_POSITIVE)]
}

fn ended() -> impl Strategy<Value = Option<SessionEnd>> {
    of(prop_oneof![
        Just(SessionEnd::End),
        Just(SessionEnd::Stop),
        Just(SessionEnd::Fault),
        Just(SessionEnd::ShutDown),
        Just(SessionEnd::Interrupted)
    ])
}

prop_compose! {
    fn session()(
        started_unix_s in 0_u64..=1 << 53,
        (duration_s, distance_mm, peak_speed_mm_s) in (number(), number(), number()),
        ended in ended(),
        strokes in 0_u64..=1 << 53,
        peak_force_g in of(number()),
        faults in prop::collection::vec("[a-z_0-9]{1,20}", 0..8),
    ) -> SessionRecord {
        SessionRecord { started_unix_s, duration_s, ended, strokes, distance_mm, peak_speed_mm_s, peak_force_g, faults }
    }
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no other", |x| x.is_finite()).prop_map(Value::from),
        "\\PC{0,9}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,5}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn waves() -> impl Strategy<Value = BTreeMap<String, SavedWave>> {
    let wave = prop::collection::btree_map("[a-z]{1,5}", json(), 0..5)
        .prop_map(|map| SavedWave::new(&Value::Object(map.into_iter().collect())).unwrap());
    prop::collection::btree_map(
        "[a-zA-Zäß \"\\\\/.]{1,20}".prop_map(|name| name.trim().to_owned()),
        wave,
        0..6,
    )
    .prop_map(|mut waves| {
        waves.remove("");
        waves
    })
}

prop_compose! {
    fn force_scale()(
        sensor in "[a-z0-9]{1,16}",
        zero in of(prop_oneof![any::<i32>().prop_map(f64::from), number()]),
        per_g in of(prop_oneof![-1e6..-1e-3, 1e-3..1e6]),
    ) -> ForceScale {
        ForceScale { sensor, zero, per_g }
    }
}

prop_compose! {
    fn feed_motion()(
        window in of((0.0..4_999.0, 0.0..=1.0)),
        vibration in any::<bool>(),
        vibration_speed_share in prop_oneof![0.0..=1.0, Just(0.3)],
    ) -> FeedMotionPart {
        let window = window.map(|(back_mm, share): (f64, f64)| {
            let shortest_mm = back_mm + 1.0;
            StoredWindow { back_mm, front_mm: (shortest_mm + share * (5_000.0 - shortest_mm)).min(5_000.0) }
        });
        FeedMotionPart { window, vibration, vibration_speed_share }
    }
}

prop_compose! {
    fn pattern_settings()(
        pattern in "[a-z0-9-]{1,32}",
        steps in prop::collection::vec((0.0..=1.0, 1e-9..=1.0, 0.0..=10.0), 2..=16),
        is_of_steps in any::<bool>(),
        (depth_pct, stroke_pct, sensation) in (0.0..=100.0, 0.0..=100.0, -100.0..=100.0),
        speed in of((any::<bool>(), 0.0..=100.0)),
    ) -> PatternSettings {
        let step = |(to, speed, rest_s)| PatternStep { to, speed, rest_s };
        let is_of_steps = is_of_steps || pattern == "steps";
        PatternSettings {
            pattern: if is_of_steps { "steps".to_owned() } else { pattern },
            steps: if is_of_steps { steps.into_iter().map(step).collect() } else { Vec::new() },
            depth_pct,
            stroke_pct,
            sensation,
            speed_pct: speed.filter(|(is_share, _)| *is_share).map(|(_, speed)| speed),
            strokes_per_min: speed.filter(|(is_share, _)| !*is_share).map(|(_, speed)| 6.0 * speed),
        }
    }
}

prop_compose! {
    fn patterns()(
        kept in prop_oneof![pattern_settings(), Just(PatternSettings::default())],
        saved in prop::collection::btree_map("[a-zA-Zäß\"\\\\/.]{1,20}", pattern_settings(), 0..6),
    ) -> PatternMemory {
        PatternMemory { kept: kept.without_speed(), saved }
    }
}

prop_compose! {
    fn player_part()(offset_ms in -2_000.0..=2_000.0, source in of(source())) -> PlayerPart {
        PlayerPart { offset_ms, source }
    }
}

prop_compose! {
    fn state()(
        settings in settings(),
        waves in waves(),
        sessions in prop::collection::btree_map(1_u64..1 << 52, session(), 0..8),
        (sessions_count, strokes, faults) in (0_u64..=1 << 53, 0_u64..=1 << 53, 0_u64..=1 << 53),
        (distance_mm, moving_s) in (number(), number()),
        force_scale in of(force_scale()),
        (feeds, patterns, player) in (feed_motion(), patterns(), player_part()),
    ) -> StoredState {
        let counters = Counters { sessions: sessions_count, strokes, distance_mm, moving_s, faults };
        let feeds = FeedSettings::default().with_motion(feeds);
        let player = player.with_password(None);
        StoredState { waves, sessions, counters, force_scale, feeds, patterns, player, ..StoredState::of(settings) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_export_and_its_import_are_the_identity(state in state(), at in any::<u64>(), write in any::<u64>(), changes in access_changes()) {
        let mut with_devices = state.clone();
        apply_allowed(&mut with_devices, changes);
        // The access of the feeds and the password are theirs, the rest is that of the state.
        with_devices.feeds = with_devices.feeds.with_motion(FeedMotionPart::of(&state.feeds));
        let password = with_devices.player.password().map(str::to_owned);
        with_devices.player = PlayerPart::of(&state.player).with_password(password);
        let text = serde_json::to_string_pretty(&document::write(&with_devices, at, write)).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        // Without the devices and everything that belongs to them.
        prop_assert_eq!(document::read(&document, |_| Ok(())).unwrap(), state);
    }

    #[test]
    fn whatever_is_imported_is_refused_or_allowed(document in json(), state in state(), place in 0_usize..17) {
        // Random bytes, and a valid document with random bytes in one place.
        let _ = document::read(&document, |_| Ok(()));
        let mut whole = document::write(&state, 0, 0);
        let map = whole.as_object_mut().unwrap();
        let key = map.keys().nth(place).unwrap().clone();
        map.insert(key, document);
        if let Ok(state) = document::read(&whole, |_| Ok(())) {
            prop_assert_eq!(state.settings.check(), Ok(()));
            prop_assert_eq!(state.check_rest(), Ok(()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn what_replaces_everything_is_everything_but_the_devices(state in state(), changes in access_changes()) {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = open(dir.path());
        block_on(store.save(store::StateChange::SaveWave("before".into(), wave(1.0)))).unwrap();
        save_allowed(&store, changes);
        let present = store.state();
        block_on(store.save(store::StateChange::Everything(Box::new(state.clone())))).unwrap();
        drop(store);
        let opened = open(dir.path()).1;
        // The password stays if it is that of the same player.
        let is_same = PlayerPart::of(&state.player).source == PlayerPart::of(&present.player).source;
        let password = present.player.password().filter(|_| is_same).map(str::to_owned);
        let restored = PlayerPart::of(&state.player).with_password(password);
        // A session that is under way in the backup will never end.
        let mut expected = StoredState {
            devices: present.devices.clone(),
            last_device: present.last_device,
            audit: present.audit.clone(),
            machine_h: present.machine_h,
            card_code: present.card_code.clone(),
            feeds: present.feeds.clone().with_motion(FeedMotionPart::of(&state.feeds)),
            player: restored,
            ..state
        };
        expected.end_interrupted();
        prop_assert_eq!(opened, InitialState { state: expected, recovery: Recovery::Clean });
    }
}
