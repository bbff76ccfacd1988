//! The folder of a running server, deleted or replaced.

use super::*;

fn saved(store: &Store, settings: &Settings, n: i64) -> Result<(), StoreError> {
    block_on(store.save(numbered(settings, n)))
}

#[test]
fn what_was_deleted_is_made_anew_by_the_next_save() {
    for deleted in ["", "db", "db/db"] {
        let dir = tempfile::tempdir().unwrap();
        let state_dir = dir.path().join("state");
        let (store, opened) = open(&state_dir);
        let settings = opened.state.settings;
        block_on(store.save(store::StateChange::SaveWave("kept".into(), wave(2.0)))).unwrap();
        saved(&store, &settings, 1).unwrap();
        let gone = state_dir.join(deleted);
        if gone.is_dir() {
            fs::remove_dir_all(&gone).unwrap()
        } else {
            fs::remove_file(&gone).unwrap()
        };
        // Even a save without a change must not be acknowledged and then missing.
        saved(&store, &settings, 1).unwrap();
        assert_eq!(Store::open(&state_dir).unwrap_err(), StoreError::InUse(state_dir.clone()), "{deleted}");
        saved(&store, &settings, 2).unwrap();
        drop(store);
        let (_store, opened) = open(&state_dir);
        assert_eq!(opened.recovery, Recovery::Clean, "{deleted}");
        assert_eq!(opened.state.settings, numbered(&settings, 2));
        assert_eq!(opened.state.waves.len(), 1);
    }
}

#[test]
fn a_folder_in_its_place_is_somebody_elses() {
    let dir = tempfile::tempdir().unwrap();
    let (state_dir, other) = (dir.path().join("state"), dir.path().join("other"));
    let theirs = filled(&other, 7);
    let (store, opened) = open(&state_dir);
    saved(&store, &opened.state.settings, 1).unwrap();
    fs::rename(&state_dir, dir.path().join("away")).unwrap();
    fs::rename(&other, &state_dir).unwrap();
    for n in [2, 2, 3] {
        let refused = saved(&store, &opened.state.settings, n).unwrap_err().to_string();
        assert!(refused.contains("taken the place of the database"), "{refused}");
    }
    drop(store);
    let (_store, opened) = open(&state_dir);
    assert_eq!((opened.recovery, opened.state.settings), (Recovery::Clean, theirs));
}
