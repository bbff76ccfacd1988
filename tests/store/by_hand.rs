//! Pipes and devices in the place of the store's files: the store must neither block on them nor read them without end.

use std::os::unix::fs::symlink;
use std::sync::mpsc;
use std::thread;

use super::*;

/// Runs `doing` in another thread; panics if it takes longer than a start may take.
fn in_time<T: Send + 'static>(what: &str, doing: impl FnOnce() -> T + Send + 'static) -> T {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(doing()));
    told.recv_timeout(Duration::from_secs(30)).unwrap_or_else(|_| panic!("{what} holds it up"))
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn zeros(path: &Path) {
    symlink("/dev/zero", path).unwrap();
}

#[test]
fn pipes_and_devices_neither_hold_up_nor_fill_the_memory() {
    let places = "mirror.json mirror.previous.json mirror.unfinished ballast lock db db/db db/conf db/generation db/more";
    for place in places.split_whitespace() {
        for (kind, make) in [("pipe", pipe as fn(&Path)), ("device", zeros as fn(&Path))] {
            let what = format!("a {kind} as {place}");
            let dir = tempfile::tempdir().unwrap();
            let settings = filled(dir.path(), 2);
            let at = dir.path().join(place);
            let _ = if at.is_dir() { fs::remove_dir_all(&at) } else { fs::remove_file(&at) };
            make(&at);
            let state_dir = dir.path().to_owned();
            in_time(&what, move || store::check::check_folder(&state_dir)).unwrap();
            let state_dir = dir.path().to_owned();
            let opened = in_time(&what, move || {
                let (store, opened) = open(&state_dir);
                let saved = block_on(store.save(numbered(&opened.state.settings, 3)));
                drop(store);
                (opened, saved)
            });
            assert_eq!(opened.0.state.settings, settings, "{what}: {:?}", opened.0.recovery);
            // Without the lock, saves are refused; with any other file in the way, they work.
            assert_eq!(opened.1.is_ok(), place != "lock", "{what}: {:?}", opened.1);
        }
    }
}
