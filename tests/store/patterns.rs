//! Patterns and the settings of the media player: lost databases, damaged records, and what is written.

use yep::store::StateChange;

use super::*;

fn filled_with_both(dir: &Path) -> StoredState {
    let (store, _) = open(dir);
    for change in [
        StateChange::Patterns(pattern(9)),
        StateChange::SavePattern("mine".into(), pattern(7)),
        StateChange::Player(player(9)),
    ] {
        block_on(store.save(change)).unwrap();
    }
    (*store.state()).clone()
}

#[test]
fn they_survive_a_lost_database_and_what_cannot_be_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let state = filled_with_both(dir.path());
    fs::remove_dir_all(dir.path().join("db")).unwrap();
    let (store, opened) = open(dir.path());
    assert!(matches!(opened.recovery, Recovery::Restored { .. }), "{:?}", opened.recovery);
    assert_eq!(opened.state, state, "with the password, which a backup does not have");
    let one_step = PatternSettings { steps: pattern(9).steps[..1].into(), ..pattern(9) };
    for (change, said) in [
        (StateChange::Patterns(one_step.clone()), "2 to 16 steps are possible, not 1"),
        (StateChange::SavePattern("mine".into(), one_step), "2 to 16 steps are possible, not 1"),
        (StateChange::SavePattern(" mine".into(), pattern(1)), "a name has 1 to 64 characters"),
        (StateChange::Player(PlayerSettings { offset_ms: 2_001.0, ..player(9) }), "offset_ms must be -2000"),
    ] {
        let refused = block_on(store.save(change)).unwrap_err().to_string();
        assert!(refused.contains(said), "{said}: {refused}");
    }
    assert_eq!(*store.state(), state);
}

#[test]
fn the_defaults_need_no_record() {
    let dir = tempfile::tempdir().unwrap();
    filled_with_both(dir.path());
    let (store, _) = open(dir.path());
    for change in [
        StateChange::Patterns(PatternSettings::default()),
        StateChange::ForgetPattern("mine".into()),
        StateChange::Player(PlayerSettings::default()),
    ] {
        block_on(store.save(change)).unwrap();
    }
    drop(store);
    let db = raw(dir.path());
    for key in ["pattern", "player"] {
        assert!(!db.open_tree("calibration").unwrap().contains_key(key).unwrap(), "{key}");
    }
    assert!(db.open_tree("patterns").unwrap().is_empty());
    drop(db);
    let opened = open(dir.path()).1;
    assert!(opened.state.patterns.is_default() && opened.state.player.is_default());
}

#[test]
fn a_record_that_cannot_be_is_damage_and_the_copy_takes_its_place() {
    type Plant<'a> = (&'a str, &'a [u8], Vec<u8>);
    let json = |text: &str| sealed(1, &[&[text.len() as u8], text.as_bytes()].concat());
    let no_steps = r#"{"pattern":"steps","depth_pct":1,"stroke_pct":1,"sensation":0}"#;
    let with_speed = r#"{"pattern":"robo","depth_pct":1,"stroke_pct":1,"sensation":0,"speed_pct":5}"#;
    let far = sealed(1, b"\x10{\"offset_ms\":-3}\x02");
    let plants: [Plant; 10] = [
        ("calibration", b"pattern", json(r#"{"x": 1}"#)),
        ("calibration", b"pattern", json(no_steps)),
        ("calibration", b"pattern", json(with_speed)),
        ("calibration", b"pattern", sealed(1, b"junk")),
        ("patterns", b"mine", json(no_steps)),
        ("patterns", b"mine", b"junk".to_vec()),
        ("patterns", b" mine", json(with_speed)),
        ("patterns", b"\xff", json(with_speed)),
        ("calibration", b"player", far),
        ("calibration", b"player", sealed(1, b"\x10{\"offset_ms\":1e9}\0")),
    ];
    for (tree, key, value) in plants {
        let dir = tempfile::tempdir().unwrap();
        let state = filled_with_both(dir.path());
        plant(dir.path(), tree, key, &value);
        let opened = open(dir.path()).1;
        let place = format!("{tree} {}", key.escape_ascii());
        assert!(matches!(opened.recovery, Recovery::Restored { .. }), "{place}: {:?}", opened.recovery);
        assert_eq!(opened.state, state, "{place}");
    }
}

#[test]
fn the_password_is_in_the_copy_beside_the_backup_and_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    let state = filled_with_both(dir.path());
    let backup = store::document::write(&state, 0, 7).to_string();
    assert!(backup.contains("192.168.1.9") && !backup.contains("hunter9"), "{backup}");
    assert!(!format!("{state:?}").contains("hunter9"));
    let copy: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.path().join("mirror.json")).unwrap()).unwrap();
    assert!(!copy["state"].to_string().contains("hunter9"), "{}", copy["state"]);
    assert_eq!(copy["access"]["player"], json!({ "password": "hunter9" }));
}
