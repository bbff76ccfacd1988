//! Damaged stores: truncated, emptied, bit-flipped, overwritten, foreign, missing, rolled back.

use super::*;

/// The folder of a store that saved 40 times, with every form of file that sled writes; the last settings, and the
/// files of the database.
fn good() -> (tempfile::TempDir, Settings, Vec<PathBuf>) {
    let good = tempfile::tempdir().unwrap();
    let (store, _) = open(good.path());
    block_on(store.save(pairing(1, 1))).unwrap();
    drop(store);
    let last = filled(good.path(), 40);
    // Another start leaves a snapshot of sled's beside the log, which allows other damage.
    drop(open(good.path()));
    let files: Vec<_> =
        fs::read_dir(good.path().join("db")).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.iter().any(|file| is_snapshot(file)), "{files:?}");
    (good, last, files)
}

fn is_snapshot(file: &Path) -> bool {
    file.to_str().unwrap().contains("/snap.")
}

/// A folder with a damaged copy of those files.
fn damaged(files: &[PathBuf], seed: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("db");
    fs::create_dir(&db).unwrap();
    for file in files.iter().filter(|file| file.is_file() && (seed.is_multiple_of(2) || !is_snapshot(file))) {
        fs::copy(file, db.join(file.file_name().unwrap())).unwrap();
    }
    damage(&db, &mut Random::new(seed + 1));
    dir
}

/// Asserts that the store can be written again, and that the write is there after another start.
fn assert_works(store: Store, dir: &Path, settings: &Settings, seed: u64) {
    block_on(store.save(numbered(settings, 77))).unwrap();
    drop(store);
    let (_store, again) = open(dir);
    assert_eq!(again.recovery, Recovery::Clean, "seed {seed}");
    assert_eq!(again.state.settings.document.max_steps, Some(77), "seed {seed}");
}

#[test]
fn without_a_copy_damage_never_stops_the_start() {
    let (_good, last, files) = good();
    let (mut aside, mut rolled_back) = (0, 0);
    for seed in 0..60 {
        let dir = damaged(&files, seed);
        let (store, opened) = open(dir.path());
        let settings = opened.state.settings;
        assert_eq!(settings.check(), Ok(()));
        match &opened.recovery {
            Recovery::Defaults { origin, no_copy: None } => {
                aside += 1;
                assert!(origin.moved_to.as_ref().unwrap().exists());
                assert_eq!(settings, Settings::fresh(settings.document.id.clone()));
                assert!(opened.recovery.has_lost_settings());
            }
            // The damage is in an unused part.
            Recovery::Clean => assert_eq!(settings, last),
            Recovery::RolledBack { lost } => {
                rolled_back += 1;
                assert_eq!(settings.document.max_steps, Some(40 - *lost as i64).filter(|n| *n > 0));
                assert!(opened.recovery.has_lost_settings());
            }
            other => panic!("seed {seed}: {other:?}"),
        }
        assert_works(store, dir.path(), &settings, seed);
    }
    assert!(aside >= 10 && rolled_back >= 10, "of 60: {aside} aside, {rolled_back} back");
}

#[test]
fn with_a_copy_damage_loses_nothing_and_is_told() {
    let (good, last, files) = good();
    let mut restored = 0;
    for seed in 100..140 {
        let dir = damaged(&files, seed);
        fs::copy(good.path().join("mirror.json"), dir.path().join("mirror.json")).unwrap();
        let (store, opened) = open(dir.path());
        assert_eq!(opened.state.settings, last, "seed {seed}");
        assert!(opened.state.devices.clone().into_iter().eq([(1, device(1))]), "seed {seed}");
        match &opened.recovery {
            Recovery::Clean => {}
            Recovery::Restored { .. } => {
                restored += 1;
                let said = opened.recovery.to_string();
                assert!(said.contains("its copy of 20"), "{said}");
                assert!(!opened.recovery.has_lost_settings() && !opened.recovery.is_plain());
            }
            other => panic!("seed {seed}: {other:?}"),
        }
        assert_works(store, dir.path(), &last, seed);
    }
    assert!(restored >= 20, "of 40: {restored}");
}

#[test]
fn a_copy_that_is_damaged_too_is_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 3);
    fs::write(dir.path().join("db/db"), "what is this?").unwrap();
    let copy = dir.path().join("mirror.json");
    let text = fs::read_to_string(&copy).unwrap();
    fs::write(&copy, text.replace("\"force_limit_g\": 1000", "\"force_limit_g\": 9000")).unwrap();
    fs::remove_file(dir.path().join("mirror.previous.json")).ok();
    let (store, opened) = open(dir.path());
    let Recovery::Defaults { no_copy: Some(why), .. } = &opened.recovery else {
        panic!("{:?}", opened.recovery)
    };
    assert!(why.contains("checksum"), "{why}");
    assert_eq!(opened.state.settings.document.force_limit, 1_000);
    assert_works(store, dir.path(), &opened.state.settings, 0);
}

#[test]
fn a_folder_without_its_database_is_restored_and_one_with_another_thing_in_its_place_too() {
    type Accident = fn(&Path);
    let accidents: [(&str, Accident); 4] = [
        ("gone", |db| fs::remove_dir_all(db).unwrap()),
        ("emptied", |db| {
            fs::remove_dir_all(db).unwrap();
            fs::create_dir(db).unwrap();
        }),
        ("a file", |db| {
            fs::remove_dir_all(db).unwrap();
            fs::write(db, "SQLite format 3").unwrap();
        }),
        ("foreign", |db| fs::write(db.join("db"), "SQLite format 3\0".repeat(4_000)).unwrap()),
    ];
    for (what, accident) in accidents {
        for with_copy in [true, false] {
            let dir = tempfile::tempdir().unwrap();
            let last = filled(dir.path(), 3);
            accident(&dir.path().join("db"));
            if !with_copy {
                fs::remove_file(dir.path().join("mirror.json")).unwrap();
                fs::remove_file(dir.path().join("mirror.previous.json")).ok();
            }
            let (store, opened) = open(dir.path());
            let settings = opened.state.settings;
            match opened.recovery {
                Recovery::Restored { .. } if with_copy => assert_eq!(settings, last, "{what}"),
                Recovery::Defaults { .. } if !with_copy && ["a file", "foreign"].contains(&what) => {}
                // It looks the same as a new folder.
                Recovery::Fresh if !with_copy && ["gone", "emptied"].contains(&what) => {}
                other => panic!("{what}, {with_copy}: {other:?}"),
            }
            assert_works(store, dir.path(), &settings, 0);
        }
    }
}

#[test]
fn a_value_that_cannot_be_decoded_is_moved_aside_and_reported() {
    for value in [b"".to_vec(), b"junk".to_vec(), sealed(2, b"junk"), sealed(0, b""), vec![0; 5_000]] {
        let dir = tempfile::tempdir().unwrap();
        let last = filled(dir.path(), 1);
        plant(dir.path(), "settings", last.document.id.as_bytes(), &value);
        let (store, opened) = open(dir.path());
        let Recovery::Restored { origin, .. } = &opened.recovery else { panic!("{:?}", opened.recovery) };
        let moved_to = origin.moved_to.as_ref().unwrap();
        assert!(moved_to.join("db").exists());
        assert!(moved_to.file_name().unwrap().to_str().unwrap().starts_with("db.unreadable-2"));
        assert_eq!(opened.state.settings, last);
        drop(store);
        assert_eq!(open(dir.path()).1, InitialState { recovery: Recovery::Clean, ..opened });
    }
}

#[test]
fn a_database_that_went_back_in_time_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let older = filled(dir.path(), 3);
    let file = dir.path().join("db/db");
    let bytes = fs::read(&file).unwrap();
    let newer = filled(dir.path(), 5);
    let copy = fs::read(dir.path().join("mirror.json")).unwrap();
    fs::write(&file, &bytes).unwrap();
    fs::remove_file(dir.path().join("mirror.json")).unwrap();
    fs::remove_file(dir.path().join("mirror.previous.json")).unwrap();
    for _ in 0..2 {
        let (_store, opened) = open(dir.path());
        assert_eq!(opened.recovery, Recovery::RolledBack { lost: 5 });
        assert_eq!(opened.state.settings, older);
        // The copy would be older.
        fs::remove_file(dir.path().join("mirror.json")).ok();
    }
    // The copy has the lost changes.
    fs::write(&file, &bytes).unwrap();
    fs::write(dir.path().join("mirror.json"), &copy).unwrap();
    let (store, opened) = open(dir.path());
    assert!(
        matches!(&opened.recovery, Recovery::Restored { origin, .. }
        if origin.reason == "the database has lost its last 5 writes"),
        "{:?}",
        opened.recovery
    );
    assert_eq!(opened.state.settings, newer);
    drop(store);
    assert_eq!(open(dir.path()).1.recovery, Recovery::Clean);
}

#[test]
fn stored_values_that_are_not_allowed_become_the_defaults_until_the_next_save() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = filled(dir.path(), 1);
    settings.document.force_limit = 0;
    block_on(open(dir.path()).0.save(settings.clone())).unwrap();
    for _ in 0..2 {
        let (_store, opened) = open(dir.path());
        assert_eq!(opened.state.settings, Settings::fresh(settings.document.id.clone()));
        assert!(opened.recovery.to_string().contains("force_limit must be"), "{}", opened.recovery);
        assert!(opened.recovery.has_lost_settings());
    }
    let (store, opened) = open(dir.path());
    assert_works(store, dir.path(), &opened.state.settings, 0);
}

/// Applies one random damage to the files of a database.
fn damage(db: &Path, random: &mut Random) {
    let mut others: Vec<_> = fs::read_dir(db).unwrap().map(|file| file.unwrap().path()).collect();
    others.sort();
    // Mostly the log.
    let path = others.get(random.below(16) as usize).cloned().unwrap_or_else(|| db.join("db"));
    let mut bytes = fs::read(&path).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0) as u64 + 1;
    let at = random.below(used) as usize;
    match random.below(5) {
        0 => bytes.truncate(at),
        1 => bytes.clear(),
        2 => bytes[at] ^= 1 << random.below(8),
        3 => {
            let end = (at + 4_096).min(bytes.len());
            bytes[at..end].fill(0);
        }
        _ => {
            let end = (at + 512).min(bytes.len());
            bytes[at..end].fill_with(|| random.below(256) as u8);
        }
    }
    fs::write(path, bytes).unwrap();
}
