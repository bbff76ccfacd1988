//! Store: restarts, kills, damage, old and new versions, full disks, other processes.

#[path = "store/backup.rs"]
mod backup;
#[path = "store/by_hand.rs"]
mod by_hand;
#[path = "store/damage.rs"]
mod damage;
#[path = "store/deleted.rs"]
mod deleted;
#[path = "store/devices.rs"]
mod devices;
#[path = "store/disks.rs"]
mod disks;
#[path = "store/numbers.rs"]
mod numbers;
#[path = "store/patterns.rs"]
mod patterns;
#[path = "support/skip.rs"]
mod skip;
#[path = "store/versions.rs"]
mod versions;
#[path = "store/wear.rs"]
mod wear;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use devices::{device, pairing};
use serde_json::json;
use skip::skip;
use yep::hal::sim::Random;
use yep::machine::Calibration;
use yep::settings::{MotionChange, STORED_VERSION, Settings, SettingsChange, new_id};
use yep::store::{
    self, FeedSettings, ForceScale, InitialState, PatternMemory, PatternSettings, PatternStep,
    PlayerSettings, Recovery, SavedWave, SessionEnd, SessionRecord, SourceKind, Store, StoreError,
    StoredSource, StoredState, StoredWindow,
};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn open(dir: &Path) -> (Store, InitialState) {
    Store::open(dir).unwrap()
}

/// Settings that encode `n`.
fn numbered(settings: &Settings, n: i64) -> Settings {
    settings.changed(&SettingsChange { max_steps: Some(n), ..SettingsChange::default() }).unwrap()
}

fn wave(duration_s: f64) -> SavedWave {
    SavedWave::new(&json!({ "type": "sine", "duration": duration_s })).unwrap()
}

fn force_scale(zero: f64) -> ForceScale {
    ForceScale { sensor: "uart".to_owned(), zero: Some(zero), per_g: Some(-417.5) }
}

/// Settings of the feeds that encode `n`.
fn feeds(n: u8) -> FeedSettings {
    FeedSettings {
        window: Some(StoredWindow { back_mm: f64::from(n), front_mm: 300.5 }),
        vibration: true,
        vibration_speed_share: 0.1,
        tcode_beyond_loopback: true,
        buttplug_beyond_loopback: false,
        allowed_hosts: vec![[192, 168, 1, n].into(), "fe80::1".parse().unwrap()],
    }
}

/// A pattern that encodes `n`.
fn pattern(n: u8) -> PatternSettings {
    let step = |to| PatternStep { to, speed: 0.1, rest_s: 0.5 };
    PatternSettings {
        pattern: "steps".into(),
        steps: vec![step(0.0), step(f64::from(n) / 256.0)],
        strokes_per_min: Some(40.0),
        ..PatternSettings::default()
    }
}

/// Settings of the media player that encode `n`.
fn player(n: u8) -> PlayerSettings {
    let (address, password) = (format!("http://192.168.1.{n}:8080"), Some(format!("hunter{n}")));
    let source = StoredSource { kind: SourceKind::Vlc, address, password };
    PlayerSettings { offset_ms: -f64::from(n), source: Some(source) }
}

/// A state folder with settings that were saved `saves` times; returns the last.
fn filled(dir: &Path, saves: i64) -> Settings {
    let (store, opened) = open(dir);
    let mut settings = opened.state.settings;
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
    assert_eq!(first.state, StoredState::of(Settings::fresh(first.state.settings.document.id.clone())));
    drop(store);
    let (_store, second) = open(&dir.path().join("made/by/the/store"));
    assert_eq!(second, InitialState { recovery: Recovery::Clean, ..first });
}

#[test]
fn what_was_saved_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (store, opened) = open(dir.path());
    let change = SettingsChange {
        name: Some("größer".to_owned()),
        force_limit: Some(800),
        ..SettingsChange::default()
    };
    let motion = MotionChange { max_speed_mm_s: Some(123.4), ..MotionChange::default() };
    let found = Calibration { origin_steps: 50, travel_steps: 1_550, max_steps: 1_450 };
    let settings = opened.state.settings.changed(&change).unwrap().with_motion(&motion).unwrap();
    let mut settings = settings.with_calibration(&found);
    settings.calibrated_unix_s = Some(1_735_689_599);
    let session = SessionRecord {
        ended: Some(SessionEnd::Stop),
        distance_mm: 12.5,
        ..SessionRecord::begun(1_735_689_599)
    };
    let changes = [
        store::StateChange::Settings(settings.clone()),
        store::StateChange::SaveWave("slow".into(), wave(2.0)),
        store::StateChange::SaveWave("größer".into(), wave(3.0)),
        store::StateChange::ForgetWave("slow".into()),
        store::StateChange::Session(1, session.clone()),
        store::StateChange::ForceScale(force_scale(0.1)),
        store::StateChange::Feeds(feeds(9)),
        store::StateChange::Patterns(pattern(9)),
        store::StateChange::SavePattern("gone".into(), pattern(1)),
        store::StateChange::SavePattern("größer".into(), pattern(2)),
        store::StateChange::ForgetPattern("gone".into()),
        store::StateChange::Player(player(9)),
    ];
    for change in changes {
        block_on(store.save(change)).unwrap();
    }
    let kept = store.state();
    drop(store);
    let (store, opened) = open(dir.path());
    assert_eq!(opened, InitialState { state: (*kept).clone(), recovery: Recovery::Clean });
    assert_eq!((&opened.state.settings, &opened.state.sessions[&1]), (&settings, &session));
    assert_eq!(opened.state.waves.into_iter().collect::<Vec<_>>(), [("größer".to_owned(), wave(3.0))]);
    assert_eq!((opened.state.counters.sessions, opened.state.counters.distance_mm), (1, 12.5));

    // A reset makes a new document and drops the old one; the rest stays.
    let reset = Settings::fresh(new_id());
    block_on(store.save(reset.clone())).unwrap();
    drop(store);
    let opened = open(dir.path()).1;
    assert_eq!((opened.state.settings, opened.state.waves.len()), (reset, 1));
    assert_eq!((opened.state.force_scale, opened.state.feeds), (Some(force_scale(0.1)), feeds(9)));
    let PatternMemory { kept, saved } = opened.state.patterns;
    assert_eq!((kept, saved), (pattern(9).without_speed(), [("größer".into(), pattern(2))].into()));
    assert_eq!(opened.state.player, player(9));
}

#[test]
fn the_feeds_survive_a_lost_database_and_what_cannot_be_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    block_on(store.save(store::StateChange::Feeds(feeds(9)))).unwrap();
    let twice = FeedSettings { allowed_hosts: vec![[10, 0, 0, 1].into(); 2], ..feeds(9) };
    let refused = block_on(store.save(store::StateChange::Feeds(twice))).unwrap_err().to_string();
    assert!(refused.contains("10.0.0.1 is there twice"), "{refused}");
    drop(store);
    fs::remove_dir_all(dir.path().join("db")).unwrap();
    let (store, opened) = open(dir.path());
    assert!(matches!(opened.recovery, Recovery::Restored { .. }), "{:?}", opened.recovery);
    assert_eq!(opened.state.feeds, feeds(9));
    // The defaults need no record.
    block_on(store.save(store::StateChange::Feeds(FeedSettings::default()))).unwrap();
    drop(store);
    assert!(!raw(dir.path()).open_tree("calibration").unwrap().contains_key("feeds").unwrap());
    assert_eq!(open(dir.path()).1.state.feeds, FeedSettings::default());
    // A record that cannot be is damage, and the copy takes its place.
    plant(dir.path(), "calibration", b"feeds", &sealed(1, b"\x08{\"x\": 1}"));
    let opened = open(dir.path()).1;
    assert!(matches!(opened.recovery, Recovery::Restored { .. }), "{:?}", opened.recovery);
    assert_eq!(opened.state.feeds, FeedSettings::default());
}

#[test]
fn of_a_burst_all_are_acknowledged_and_what_is_shown_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (store, opened) = open(dir.path());
    block_on(async {
        let saves = (1..=500).map(|n| store.save(numbered(&opened.state.settings, n)));
        for saved in futures_util::future::join_all(saves).await {
            saved.unwrap();
        }
    });
    // Any of the concurrent callers may be the last.
    let shown = store.state();
    assert!((1..=500).contains(&shown.settings.document.max_steps.unwrap()));
    drop(store);
    assert_eq!(open(dir.path()).1.state, *shown);
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

/// The raw database of `dir`.
fn raw(dir: &Path) -> sled::Db {
    let open = || sled::open(dir.join("db"));
    // A child of another test inherits all locks of this process until it executes its program.
    let patiently = |_| {
        open().ok().or_else(|| {
            std::thread::sleep(Duration::from_millis(10));
            None
        })
    };
    (0..200).find_map(patiently).unwrap_or_else(|| open().unwrap())
}

/// Writes a raw value into the store of `dir`.
fn plant(dir: &Path, tree: &str, key: &[u8], value: &[u8]) {
    let db = raw(dir);
    db.open_tree(tree).unwrap().insert(key, value).unwrap();
    db.flush().unwrap();
}

fn sealed(version: u8, content: &[u8]) -> Vec<u8> {
    let value = [&[version], content].concat();
    let crc = crc32fast::hash(&value).to_be_bytes();
    [&value[..], &crc].concat()
}

#[test]
fn a_session_that_nobody_ended_is_ended_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let session = SessionRecord { strokes: 5, ..SessionRecord::begun(7) };
    block_on(store.save(store::StateChange::Session(1, session))).unwrap();
    drop(store);
    for _ in 0..2 {
        let (_store, opened) = open(dir.path());
        assert_eq!(opened.recovery, Recovery::Clean);
        assert_eq!(opened.state.sessions[&1].ended, Some(SessionEnd::Interrupted));
        assert_eq!((opened.state.counters.sessions, opened.state.counters.strokes), (1, 5));
    }
}

/// No test of its own: the process that the next test kills. Saves 1, 2, 3 … as a setting, as the zero of the force
/// sensor, and as a device with its audit entry in place of the one before, and prints each number once all are durable.
#[test]
fn writer_to_be_killed() {
    let Some(dir) = std::env::var_os("YEP_TEST_WRITER") else { return };
    let (store, opened) = open(Path::new(&dir));
    let mut out = std::io::stdout();
    for n in opened.state.settings.document.max_steps.unwrap_or(0) + 1.. {
        block_on(store.save(numbered(&opened.state.settings, n))).unwrap();
        block_on(store.save(store::StateChange::ForceScale(force_scale(n as f64)))).unwrap();
        block_on(store.save(pairing(store.state().next_device(), n as u32))).unwrap();
        writeln!(out, "saved {n}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn a_kill_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random::new(27);
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
        let stored = opened.state.settings.document.max_steps.unwrap();
        let zero = opened.state.force_scale.as_ref().map_or(0, |scale| scale.zero.unwrap() as i64);
        assert!((acknowledged..=acknowledged + 1).contains(&stored), "{stored} after {acknowledged}");
        assert!((acknowledged..=stored).contains(&zero), "{zero} after {acknowledged}, beside {stored}");
        // Of a change of several parts all are there, or none.
        let state = &opened.state;
        let paired = state.audit.back().map_or(0, |entry| entry.detail.parse().unwrap());
        let expected = (paired > 0).then(|| (state.last_device, device(paired as u32)));
        assert!(state.devices.clone().into_iter().eq(expected), "{:?} beside {paired}", state.devices);
        assert_eq!(state.next_audit(), u64::from(state.next_device()), "round {round}");
        assert!((acknowledged..=zero).contains(&paired), "{paired} after {acknowledged}, beside {zero}");
    }
    assert!(acknowledged >= 20, "the writer hardly wrote: {acknowledged}");
}
