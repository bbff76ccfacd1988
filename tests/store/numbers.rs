//! Integers near the limits of their range in a stored state and in a backup.

use serde_json::Value;
use yep::store::document;
use yep::store::patterns::{MAX_PATTERN_STEPS, MAX_PATTERNS};

use super::*;

const LAST: u64 = 1 << 53;

/// A backup whose only session has this number.
fn backup(number: u64) -> Value {
    let mut state = StoredState::of(Settings::fresh(new_id()));
    state.sessions.insert(number, SessionRecord { ended: Some(SessionEnd::Stop), ..SessionRecord::begun(7) });
    document::write(&state, 0, 0)
}

fn read(document: &Value) -> Result<StoredState, String> {
    document::read(document, |_| Ok(())).map_err(|wrong| wrong.to_string())
}

#[test]
fn a_backup_with_the_highest_numbers_goes_in_and_out_and_survives_every_start() {
    for number in [LAST + 1, u64::MAX - 1, u64::MAX] {
        let refused = read(&backup(number)).unwrap_err();
        assert!(refused.contains(&format!("session {number}")), "{refused}");
    }
    let dir = tempfile::tempdir().unwrap();
    let mut document = backup(LAST);
    for round in 0..3 {
        let (store, opened) = open(dir.path());
        assert!(opened.recovery.is_plain(), "{round}: {}", opened.recovery);
        let state = read(&document).unwrap();
        block_on(store.save(store::StateChange::Everything(Box::new(state)))).unwrap();
        // The next wave begins and ends a session.
        let number = store.state().next_session();
        for session in [
            SessionRecord::begun(8),
            SessionRecord { ended: Some(SessionEnd::End), ..SessionRecord::begun(8) },
        ] {
            block_on(store.save(store::StateChange::Session(number, session))).unwrap();
        }
        // The server's document, after a program that knows no integer above 2^53.
        document = document::write(&store.state(), 0, store.generation());
        assert!(number < LAST && document["sessions"].as_object().unwrap().len() == round + 2);
    }
    assert_eq!(open(dir.path()).1.recovery, Recovery::Clean);
}

/// Values that an older version stored, in the database or in its copy.
#[test]
fn what_an_older_version_took_in_is_still_read() {
    for lost in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let (store, opened) = open(dir.path());
        let session = SessionRecord { ended: Some(SessionEnd::Stop), strokes: 4, ..SessionRecord::begun(7) };
        block_on(store.save(store::StateChange::Session(1, session.clone()))).unwrap();
        let generation = store.generation();
        drop(store);
        if lost {
            let mut document = document::write(&opened.state, 0, generation);
            document["sessions"] = json!({ "18446744073709551614": session });
            document["counters"]["strokes"] = json!(u64::MAX);
            document["settings"]["name"] = json!("a\u{1b}b\n");
            let crc32 = format!("{:08x}", crc32fast::hash(document.to_string().as_bytes()));
            let copy = json!({ "crc32": crc32, "state": document });
            fs::write(dir.path().join("mirror.json"), copy.to_string()).unwrap();
            fs::remove_dir_all(dir.path().join("db")).unwrap();
        } else {
            let db = raw(dir.path());
            let sessions = db.open_tree("sessions").unwrap();
            let stored = sessions.remove(1_u64.to_be_bytes()).unwrap().unwrap();
            sessions.insert((u64::MAX - 1).to_be_bytes(), stored).unwrap();
            db.flush().unwrap();
        }
        for start in 0..2 {
            let (store, opened) = open(dir.path());
            let restored = matches!(opened.recovery, Recovery::Restored { .. });
            assert_eq!(restored, lost && start == 0, "{}", opened.recovery);
            assert!(opened.recovery.is_plain() || restored, "{}", opened.recovery);
            assert_eq!(opened.state.sessions[&1], session);
            if lost {
                assert_eq!(opened.state.settings.document.name, "ab");
                assert_eq!(opened.state.counters.strokes, LAST);
            }
            block_on(store.save(store::StateChange::Session(2 + start, SessionRecord::begun(8)))).unwrap();
        }
    }
}

#[test]
fn the_largest_backup_is_one_that_can_be_posted() {
    let mut state = StoredState::of(Settings::fresh(new_id()));
    let points = "x".repeat(yep::store::state::WAVES_BYTES / yep::store::state::MAX_WAVES - 20);
    for n in 0..yep::store::state::MAX_WAVES {
        let name = format!("{n:0>64}").replace('0', "\"");
        let wave = SavedWave::new(&json!({ "type": points })).unwrap();
        assert!(state.apply(store::StateChange::SaveWave(format!("{}{n:02}", &name[..62]), wave)).is_ok());
    }
    let session = SessionRecord {
        ended: Some(SessionEnd::Interrupted),
        started_unix_s: LAST,
        duration_s: f64::MIN_POSITIVE,
        strokes: LAST,
        distance_mm: f64::MIN_POSITIVE,
        peak_speed_mm_s: f64::MIN_POSITIVE,
        peak_force_g: Some(f64::MIN_POSITIVE),
        faults: vec!["f".repeat(64); 8],
    };
    for n in 0..yep::store::state::MAX_SESSIONS as u64 {
        state.sessions.insert(LAST - n, session.clone());
    }
    let tiny = f64::MIN_POSITIVE;
    let step = PatternStep { to: tiny, speed: tiny, rest_s: tiny };
    let pattern = PatternSettings {
        pattern: "steps".to_owned(),
        steps: vec![step; MAX_PATTERN_STEPS],
        depth_pct: tiny,
        stroke_pct: tiny,
        sensation: -tiny,
        strokes_per_min: Some(tiny),
        ..PatternSettings::default()
    };
    state.apply(store::StateChange::Patterns(pattern.clone())).unwrap();
    for n in 0..MAX_PATTERNS {
        let name = format!("{}{n:02}", "\"".repeat(62));
        state.apply(store::StateChange::SavePattern(name, pattern.clone())).unwrap();
    }
    let document = document::write(&state, 0, 0);
    let again = read(&document).unwrap();
    assert_eq!((again.sessions.len(), again.patterns), (yep::store::state::MAX_SESSIONS, state.patterns));
    let bytes = document.to_string().len();
    assert!(bytes < yep::layout::BACKUP_BODY_BYTES, "{bytes}");
}
