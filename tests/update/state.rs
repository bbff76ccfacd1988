//! The stored state of the two systems: what each of them finds.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use yep::update::SystemSlot;
use yep::update::kept_state::{KeptState, StateChoice, StateUser};

struct Place {
    dir: TempDir,
    states: KeptState,
}

const OLD: StateUser = StateUser { slot: SystemSlot::A, store_layout: 6 };
const SAME: StateUser = StateUser { slot: SystemSlot::B, store_layout: 6 };
const NEWER: StateUser = StateUser { slot: SystemSlot::B, store_layout: 7 };

impl Place {
    /// A state that system A left.
    fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        let states = KeptState { state: dir.path().join("yep"), kept: dir.path().join("states") };
        let place = Place { dir, states };
        place.write("old");
        assert_eq!(place.states.choose(OLD, false).unwrap(), StateChoice::Own);
        place
    }

    fn write(&self, text: &str) {
        fs::create_dir_all(self.states.state.join("db")).unwrap();
        fs::write(self.states.state.join("db/settings"), text).unwrap();
    }

    fn read(&self) -> String {
        text_of(&self.states.state)
    }
}

fn text_of(folder: &Path) -> String {
    fs::read_to_string(folder.join("db/settings")).unwrap()
}

#[test]
fn a_newer_system_migrates_a_copy_and_going_back_finds_what_was_left() {
    let place = Place::new();
    assert_eq!(place.states.choose_for_try(NEWER).unwrap(), StateChoice::TakenOver);
    assert_eq!(place.read(), "old");
    place.write("migrated");
    assert_eq!(place.states.choose(NEWER, false).unwrap(), StateChoice::Own);
    assert_eq!(place.read(), "migrated");
    // Back: the old one finds what it left, and the other state is kept.
    assert_eq!(place.states.choose_for_try(OLD).unwrap(), StateChoice::GivenBack);
    assert_eq!(place.read(), "old");
    assert_eq!(text_of(&place.states.left_by(SystemSlot::B)), "migrated");
    assert_eq!(place.states.choose_for_try(OLD).unwrap(), StateChoice::Own);
}

#[test]
fn going_back_to_a_system_that_can_read_the_state_keeps_what_changed() {
    let place = Place::new();
    place.states.choose_for_try(SAME).unwrap();
    place.write("changed since");
    assert_eq!(place.states.choose(OLD, false).unwrap(), StateChoice::TakenOver);
    assert_eq!(place.read(), "changed since");
}

#[test]
fn each_try_begins_with_what_was_left_and_a_failed_one_leaves_no_trace() {
    let place = Place::new();
    for _ in 0..3 {
        assert_eq!(place.states.choose_for_try(SAME).unwrap(), StateChoice::TakenOver);
        assert_eq!(place.read(), "old");
        place.write("damaged by the try");
    }
    assert_eq!(place.states.choose(OLD, true).unwrap(), StateChoice::GivenBack);
    assert_eq!(place.read(), "old");
}

#[test]
fn a_cut_between_the_steps_is_made_good_at_the_next_start() {
    // In the middle of the copy that is kept.
    let place = Place::new();
    fs::create_dir_all(place.dir.path().join("states/state-a.new/db")).unwrap();
    assert_eq!(place.states.choose_for_try(NEWER).unwrap(), StateChoice::TakenOver);
    place.write("migrated");
    // The newer state is aside, and the older one is not back yet.
    fs::rename(&place.states.state, place.states.left_by(SystemSlot::B)).unwrap();
    fs::create_dir_all(place.dir.path().join("yep.new")).unwrap();
    assert_eq!(place.states.choose(OLD, true).unwrap(), StateChoice::GivenBack);
    assert_eq!(
        (place.read().as_str(), text_of(&place.states.left_by(SystemSlot::B)).as_str()),
        ("old", "migrated")
    );

    // A try whose copy was removed and not replaced yet: the old system has its state all the same.
    let place = Place::new();
    place.states.choose_for_try(SAME).unwrap();
    fs::remove_dir_all(&place.states.state).unwrap();
    assert_eq!(place.states.choose(OLD, true).unwrap(), StateChoice::GivenBack);
    assert_eq!(place.read(), "old");
}

#[test]
fn a_new_card_has_nothing_to_choose() {
    let dir = tempfile::tempdir().unwrap();
    let states = KeptState { state: dir.path().join("yep"), kept: dir.path().join("states") };
    assert_eq!(states.choose(OLD, false).unwrap(), StateChoice::NothingKept);
    states.note_user(OLD).unwrap();
    assert!(!states.state.exists());
}
