//! Stores of older and of newer versions.

use super::*;

/// A store as that version left it, after changes, a calibration and a kill.
fn version(number: u8) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("db");
    fs::create_dir(&db).unwrap();
    for file in ["conf", "db", "generation"] {
        fs::copy(fixture(number).join(file), db.join(file)).unwrap();
    }
    dir
}

fn fixture(number: u8) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/store/v{number}"))
}

fn version_1() -> tempfile::TempDir {
    version(1)
}

/// Asserts the state that version 2 stored.
fn is_version_2(state: &StoredState) {
    let d = &state.settings.document;
    assert_eq!((d.id.as_str(), d.name.as_str()), ("6b05fae5c21a6bb4bb000000", "version 2, größer"));
    assert_eq!((d.force_limit, d.stroke_limit), (800, 120));
    assert_eq!((d.max_steps, state.settings.travel_steps), (Some(1_450), Some(1_550)));
    assert_eq!(state.settings.calibrated_unix_s, Some(1_795_554_031));
    assert_eq!(state.settings.motion.max_speed.get(), 321.5);
    assert_eq!((state.waves.len(), &state.waves["slow one"]), (1, &wave(7.5)));
    assert_eq!((state.sessions.len(), &state.force_scale), (0, &None));
}

#[test]
fn a_store_of_version_2_is_opened_and_takes_a_force_scale() {
    let dir = version(2);
    let (store, opened) = open(dir.path());
    assert_eq!(opened.recovery, Recovery::Migrated { from: 2 });
    is_version_2(&opened.state);
    assert_eq!(store.generation(), 6, "the writes are counted on");
    block_on(store.save(store::StateChange::ForceScale(force_scale(5.0)))).unwrap();
    drop(store);
    let (_store, opened) = open(dir.path());
    assert_eq!(
        (opened.recovery, opened.state.force_scale.clone()),
        (Recovery::Clean, Some(force_scale(5.0)))
    );
    is_version_2(&StoredState { force_scale: None, ..opened.state });
}

#[test]
fn the_copy_of_version_2_takes_the_place_of_its_store() {
    let dir = version(2);
    fs::copy(fixture(2).join("mirror.json"), dir.path().join("mirror.json")).unwrap();
    fs::write(dir.path().join("db/db"), b"no database").unwrap();
    let (_store, opened) = open(dir.path());
    assert!(matches!(opened.recovery, Recovery::Restored { .. }), "{:?}", opened.recovery);
    is_version_2(&opened.state);
}

/// Asserts the state that version 3 stored.
fn is_version_3(state: &StoredState) {
    let d = &state.settings.document;
    assert_eq!((d.id.as_str(), d.name.as_str()), ("6b0c27b5dea8310cc5000000", "version 3, größer"));
    assert_eq!((d.max_steps, state.settings.travel_steps), (Some(1_450), Some(1_550)));
    assert_eq!(state.settings.calibrated_unix_s, Some(1_795_554_031));
    assert_eq!((state.waves.len(), &state.waves["slow one"]), (1, &wave(7.5)));
    assert_eq!((state.sessions.len(), state.sessions[&1].strokes, state.counters.strokes), (1, 7, 7));
    assert_eq!(state.force_scale, Some(force_scale(0.1)));
    assert_eq!((state.devices.len(), state.next_device(), state.audit.len()), (0, 1, 0));
    assert_eq!((state.machine_h, &state.card_code), (0, &None));
    assert_eq!(state.feeds, FeedSettings::default());
    assert!(state.patterns.is_default() && state.player.is_default());
}

#[test]
fn a_store_of_version_3_is_opened_and_takes_a_device() {
    let dir = version(3);
    let (store, opened) = open(dir.path());
    assert_eq!(opened.recovery, Recovery::Migrated { from: 3 });
    is_version_3(&opened.state);
    assert_eq!(store.generation(), 6, "the writes are counted on");
    block_on(store.save(store::StateChange::PutDevice(1, device(1)))).unwrap();
    drop(store);
    let (_store, opened) = open(dir.path());
    assert_eq!((opened.recovery, &opened.state.devices[&1]), (Recovery::Clean, &device(1)));
}

#[test]
fn the_copy_of_version_3_takes_the_place_of_its_store() {
    let dir = version(3);
    fs::copy(fixture(3).join("mirror.json"), dir.path().join("mirror.json")).unwrap();
    fs::write(dir.path().join("db/db"), b"no database").unwrap();
    let (_store, opened) = open(dir.path());
    assert!(matches!(opened.recovery, Recovery::Restored { .. }), "{:?}", opened.recovery);
    is_version_3(&opened.state);
}

/// Asserts the state that version 1 stored.
fn is_version_1(state: &StoredState) {
    let d = &state.settings.document;
    assert_eq!((d.id.as_str(), d.name.as_str()), ("6b05a018431a2473ff000000", "version 1, größer"));
    assert_eq!((d.force_limit, d.stroke_limit), (800, 120));
    assert_eq!(d.stroke_force_chart, [60, 50, 40, 30, 25, 20, 15, 10, 5, 0]);
    assert_eq!((d.max_steps, state.settings.travel_steps), (Some(1_450), Some(1_550)));
    let m = &state.settings.motion;
    assert_eq!((m.max_speed.get(), m.max_jerk.get()), (321.5, 123_456.789));
    assert_eq!((state.waves.len(), state.sessions.len()), (0, 0));
}

#[test]
fn a_store_of_version_1_is_opened_and_brought_up_to_date() {
    let dir = version_1();
    let (store, opened) = open(dir.path());
    assert_eq!(opened.recovery, Recovery::Migrated { from: 1 });
    is_version_1(&opened.state);
    // The counter of writes continues.
    assert_eq!(store.generation(), 5);
    drop(store);
    let (store, opened) = open(dir.path());
    assert_eq!(opened.recovery, Recovery::Clean);
    is_version_1(&opened.state);
    block_on(store.save(numbered(&opened.state.settings, 1_300))).unwrap();
    drop(store);
    assert_eq!(open(dir.path()).1.state.settings.document.max_steps, Some(1_300));
}

#[test]
fn the_state_of_a_newer_program_is_refused_and_kept() {
    for (tree, known) in [
        ("settings", STORED_VERSION),
        ("meta", 7),
        ("waves", 1),
        ("counters", 1),
        ("calibration", 1),
        ("devices", 1),
        ("audit", 1),
        ("patterns", 1),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let id = filled(dir.path(), 1).document.id;
        let key = match tree {
            "meta" => b"layout".to_vec(),
            "settings" => id.into_bytes(),
            "calibration" => b"force".to_vec(),
            "devices" => 1_u32.to_be_bytes().to_vec(),
            "audit" => 1_u64.to_be_bytes().to_vec(),
            _ => b"0".to_vec(),
        };
        plant(dir.path(), tree, &key, &sealed(9, b"what it may say"));
        for _ in 0..2 {
            let refused = Store::open(dir.path()).unwrap_err();
            assert_eq!(refused, StoreError::Newer { found: 9, known }, "{tree}");
            assert!(refused.to_string().contains("written by a newer yep"), "{refused}");
        }
    }
}

/// No test of its own: the process that the next test kills in the middle of a migration.
#[test]
fn migrator_to_be_killed() {
    let Some(dir) = std::env::var_os("YEP_TEST_MIGRATOR") else { return };
    println!("begins");
    drop(open(Path::new(&dir)));
}

#[test]
fn a_migration_that_is_killed_leaves_the_old_or_the_new() {
    let rounds = std::env::var("YEP_KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(40);
    killed(1, rounds, is_version_1);
    killed(2, rounds, is_version_2);
    killed(3, rounds, is_version_3);
}

fn killed(number: u8, rounds: u32, holds: fn(&StoredState)) {
    let seed = 11;
    println!("version {number}, seed {seed}");
    let mut random = Random::new(seed);
    let (mut old, mut new, mut copies) = (0, 0, 0);
    for round in 0..rounds {
        let dir = version(number);
        let mut migrator = Command::new(std::env::current_exe().unwrap())
            .args(["migrator_to_be_killed", "--nocapture"])
            .env("YEP_TEST_MIGRATOR", dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(migrator.stdout.take().unwrap()).lines();
        let begun = lines.by_ref().map_while(Result::ok).any(|line| line.contains("begins"));
        assert!(begun, "round {round}");
        std::thread::sleep(Duration::from_micros(random.below(15_000)));
        migrator.kill().unwrap();
        migrator.wait().unwrap();
        let (_store, opened) = open(dir.path());
        match opened.recovery {
            Recovery::Migrated { from } if from == number => old += 1,
            Recovery::Clean => new += 1,
            // A database may not open again after a kill while sled opens it. Its copy, made before that, has the old
            // state.
            Recovery::Restored { .. } => copies += 1,
            other => panic!("round {round}: {other:?}"),
        }
        holds(&opened.state);
    }
    println!("{old} found the old store, {new} the new one, {copies} its copy");
}

#[test]
fn a_store_without_a_copy_gets_one_before_it_is_opened() {
    let dir = version(1);
    assert!(!dir.path().join("mirror.json").exists());
    drop(open(dir.path()));
    // Of the two copies the older one is that of version 1.
    fs::remove_file(dir.path().join("mirror.json")).unwrap();
    fs::write(dir.path().join("db/db"), b"no database").unwrap();
    let (_store, opened) = open(dir.path());
    assert!(matches!(opened.recovery, Recovery::Restored { .. }), "{:?}", opened.recovery);
    is_version_1(&opened.state);
}
