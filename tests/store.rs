//! The store against what happens to it: restarts, kills, damage, and other processes.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use yep::machine::Calibration;
use yep::settings::{Change, MotionChange, Settings, new_id};
use yep::store::{Opened, Recovery, Store, StoreError};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn open(dir: &Path) -> (Store, Opened) {
    Store::open(dir).unwrap()
}

/// Settings that say `n`.
fn numbered(settings: &Settings, n: i64) -> Settings {
    settings.changed(&Change { max_steps: Some(n), ..Change::default() }).unwrap()
}

/// A state folder with settings that were saved `saves` times; returns the last.
fn filled(dir: &Path, saves: i64) -> Settings {
    let (store, opened) = open(dir);
    let mut settings = opened.settings;
    for n in 1..=saves {
        settings = numbered(&settings, n);
        block_on(store.save(settings.clone())).unwrap();
    }
    settings
}

#[test]
fn a_new_store_has_the_defaults_and_keeps_their_id() {
    let dir = tempfile::tempdir().unwrap();
    let (store, first) = open(&dir.path().join("made/by/the/store"));
    assert_eq!(first.recovery, Recovery::Fresh);
    assert_eq!(first.settings, Settings::fresh(first.settings.document.id.clone()));
    drop(store);
    let (_store, second) = open(&dir.path().join("made/by/the/store"));
    assert_eq!(second, Opened { recovery: Recovery::Clean, ..first });
}

#[test]
fn what_was_saved_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (store, opened) = open(dir.path());
    let change = Change { name: Some("größer".to_owned()), force_limit: Some(800), ..Change::default() };
    let motion = MotionChange { max_speed_mm_s: Some(123.4), ..MotionChange::default() };
    let found = Calibration { origin_steps: 50, travel_steps: 1_550, max_steps: 1_450 };
    let settings = opened.settings.changed(&change).unwrap().with_motion(&motion).unwrap();
    let settings = settings.with_calibration(&found);
    block_on(store.save(settings.clone())).unwrap();
    drop(store);
    let (store, opened) = open(dir.path());
    assert_eq!(opened, Opened { settings, recovery: Recovery::Clean });

    // A reset begins a new document, and the old one is gone.
    let reset = Settings::fresh(new_id());
    block_on(store.save(reset.clone())).unwrap();
    drop(store);
    assert_eq!(open(dir.path()).1.settings, reset);
}

#[test]
fn of_a_burst_all_are_acknowledged_and_the_last_one_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (store, opened) = open(dir.path());
    block_on(async {
        let saves = (1..=500).map(|n| store.save(numbered(&opened.settings, n)));
        for saved in futures_util::future::join_all(saves).await {
            saved.unwrap();
        }
    });
    drop(store);
    assert_eq!(open(dir.path()).1.settings.document.max_steps, Some(500));
}

#[test]
fn a_second_process_is_refused_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let refused = Store::open(dir.path()).unwrap_err();
    assert_eq!(refused, StoreError::InUse(dir.path().to_owned()));
    assert!(refused.to_string().contains("another process"), "{refused}");
    let clone = store.clone();
    drop(store);
    assert!(Store::open(dir.path()).is_err(), "a handle is left");
    drop(clone);
    assert_eq!(open(dir.path()).1.recovery, Recovery::Clean);
}

#[test]
fn a_folder_that_cannot_be_written_is_a_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let inside_a_file = dir.path().join("file/state");
    let read_only = dir.path().join("read-only");
    fs::create_dir(&read_only).unwrap();
    fs::set_permissions(&read_only, fs::Permissions::from_mode(0o555)).unwrap();
    // The super-user may write there all the same; then only the others are refused.
    let root = fs::write(read_only.join("try"), "").is_ok();
    for (path, applies) in
        [(inside_a_file, true), (read_only, !root), ("/proc/yep".into(), cfg!(target_os = "linux"))]
    {
        if applies {
            let refused = Store::open(&path).unwrap_err();
            assert!(matches!(refused, StoreError::System { .. }), "{refused:?}");
            assert!(refused.to_string().contains(path.to_str().unwrap()), "{refused}");
        }
    }
}

/// Puts a raw value into the store of `dir`.
fn plant(dir: &Path, tree: &str, key: &[u8], value: &[u8]) {
    let db = sled::open(dir.join("db")).unwrap();
    db.open_tree(tree).unwrap().insert(key, value).unwrap();
    db.flush().unwrap();
}

fn sealed(version: u8, content: &[u8]) -> Vec<u8> {
    let value = [&[version], content].concat();
    let crc = crc32fast::hash(&value).to_be_bytes();
    [&value[..], &crc].concat()
}

#[test]
fn the_state_of_a_newer_program_is_refused_and_kept() {
    for tree in ["settings", "meta"] {
        let dir = tempfile::tempdir().unwrap();
        let id = filled(dir.path(), 1).document.id;
        let key = if tree == "meta" { b"layout".to_vec() } else { id.into_bytes() };
        plant(dir.path(), tree, &key, &sealed(9, b"what it may say"));
        for _ in 0..2 {
            let refused = Store::open(dir.path()).unwrap_err();
            assert_eq!(refused, StoreError::Newer { found: 9, known: 1 }, "{tree}");
        }
    }
}

#[test]
fn a_value_that_cannot_be_decoded_is_moved_aside_and_reported() {
    for value in [b"".to_vec(), b"junk".to_vec(), sealed(1, b"junk"), sealed(0, b""), vec![0; 5_000]] {
        let dir = tempfile::tempdir().unwrap();
        let id = filled(dir.path(), 1).document.id;
        plant(dir.path(), "settings", id.as_bytes(), &value);
        let (store, opened) = open(dir.path());
        let Recovery::Quarantined { moved_to, .. } = &opened.recovery else {
            panic!("{:?}", opened.recovery)
        };
        assert!(moved_to.join("db").exists());
        assert!(moved_to.file_name().unwrap().to_str().unwrap().starts_with("db.unreadable-2"));
        drop(store);
        assert_eq!(open(dir.path()).1, Opened { recovery: Recovery::Clean, ..opened });
    }
}

#[test]
fn a_database_that_went_back_in_time_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let older = filled(dir.path(), 3);
    let file = dir.path().join("db/db");
    let bytes = fs::read(&file).unwrap();
    filled(dir.path(), 5);
    fs::write(&file, bytes).unwrap();
    for _ in 0..2 {
        let (_store, opened) = open(dir.path());
        assert_eq!(opened, Opened { settings: older.clone(), recovery: Recovery::RolledBack { lost: 5 } });
    }
    let (store, opened) = open(dir.path());
    block_on(store.save(opened.settings)).unwrap();
    drop(store);
    assert_eq!(open(dir.path()).1, Opened { settings: older, recovery: Recovery::Clean });
}

#[test]
fn stored_values_that_are_not_allowed_become_the_defaults_until_the_next_save() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = filled(dir.path(), 1);
    settings.document.force_limit = 0;
    block_on(open(dir.path()).0.save(settings.clone())).unwrap();
    for _ in 0..2 {
        let (_store, opened) = open(dir.path());
        assert_eq!(opened.settings, Settings::fresh(settings.document.id.clone()));
        assert!(opened.recovery.to_string().contains("force_limit must be"), "{}", opened.recovery);
    }
    let (store, opened) = open(dir.path());
    block_on(store.save(opened.settings)).unwrap();
    drop(store);
    assert_eq!(open(dir.path()).1.recovery, Recovery::Clean);
}

/// Not a test of its own: the process that the next test kills. Saves 1, 2, 3 … and prints each number once
/// it is durable.
#[test]
fn writer_to_be_killed() {
    let Some(dir) = std::env::var_os("YEP_TEST_WRITER") else { return };
    let (store, opened) = open(Path::new(&dir));
    let mut out = std::io::stdout();
    for n in opened.settings.document.max_steps.unwrap_or(0) + 1.. {
        block_on(store.save(numbered(&opened.settings, n))).unwrap();
        writeln!(out, "saved {n}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn a_kill_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(27);
    let mut acknowledged = 0;
    for round in 0..20 {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["writer_to_be_killed", "--exact", "--nocapture"])
            .env("YEP_TEST_WRITER", dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut kill_at = None;
        let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        // The lines of the killed process are read to their end: each was printed after its save.
        for line in lines.map_while(Result::ok) {
            if let Some((_, n)) = line.split_once("saved ") {
                acknowledged = n.parse().unwrap();
                let kill_at = kill_at
                    .get_or_insert_with(|| Instant::now() + Duration::from_micros(random.below(30_000)));
                if Instant::now() >= *kill_at {
                    writer.kill().unwrap();
                }
            }
        }
        writer.wait().unwrap();
        let (_store, opened) = open(dir.path());
        assert_eq!(opened.recovery, Recovery::Clean, "round {round}");
        let stored = opened.settings.document.max_steps.unwrap();
        assert!((acknowledged..=acknowledged + 1).contains(&stored), "{stored} after {acknowledged}");
    }
    assert!(acknowledged >= 20, "the writer hardly wrote: {acknowledged}");
}

#[test]
fn damaged_files_never_stop_the_start() {
    let good = tempfile::tempdir().unwrap();
    let last = filled(good.path(), 40);
    // The start after that leaves a snapshot of sled's beside the log; with it, other damage shows.
    drop(open(good.path()));
    let snapshot = |file: &PathBuf| file.to_str().unwrap().contains("/snap.");
    let files: Vec<_> =
        fs::read_dir(good.path().join("db")).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.iter().any(snapshot), "{files:?}");
    let (mut quarantined, mut rolled_back) = (0, 0);
    for seed in 0..60 {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("db");
        fs::create_dir(&db).unwrap();
        for file in files.iter().filter(|file| file.is_file() && (seed % 2 == 0 || !snapshot(file))) {
            fs::copy(file, db.join(file.file_name().unwrap())).unwrap();
        }
        damage(&db, &mut Random(seed + 1));

        let (store, opened) = open(dir.path());
        assert_eq!(opened.settings.check(), Ok(()));
        match &opened.recovery {
            Recovery::Quarantined { moved_to, .. } => {
                quarantined += 1;
                assert!(moved_to.exists());
                assert_eq!(opened.settings, Settings::fresh(opened.settings.document.id.clone()));
            }
            // Damage in a part that is not in use any more.
            Recovery::Clean => assert_eq!(opened.settings, last),
            Recovery::RolledBack { lost } => {
                rolled_back += 1;
                assert_eq!(opened.settings.document.max_steps, Some(40 - *lost as i64).filter(|n| *n > 0));
            }
            other => panic!("seed {seed}: {other:?}"),
        }
        block_on(store.save(numbered(&opened.settings, 77))).unwrap();
        drop(store);
        let (_store, again) = open(dir.path());
        assert_eq!(again.recovery, Recovery::Clean, "seed {seed}");
        assert_eq!(again.settings.document.max_steps, Some(77), "seed {seed}");
    }
    assert!(quarantined >= 10 && rolled_back >= 10, "of 60: {quarantined} aside, {rolled_back} back");
}

/// One accident to the files of a database.
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

/// The generator of Marsaglia, so that each run does the same damage.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        for (left, shift) in [(true, 13), (false, 7), (true, 17)] {
            self.0 ^= if left { self.0 << shift } else { self.0 >> shift };
        }
        self.0 % end
    }
}
