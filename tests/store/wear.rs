//! Wear of the card: size of the store, and bytes that it writes. `cargo bench --bench store` is the long form, with
//! figures.

use super::*;

/// A folder in memory if possible, since thousands of writes to a disk take minutes.
fn folder() -> tempfile::TempDir {
    if Path::new("/dev/shm").is_dir() {
        tempfile::tempdir_in("/dev/shm").unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

fn bytes(dir: &Path) -> u64 {
    let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    files
        .map(|file| if file.path().is_dir() { bytes(&file.path()) } else { file.metadata().unwrap().len() })
        .sum()
}

#[test]
fn ten_thousand_changes_do_not_make_it_grow() {
    let dir = folder();
    let (store, opened) = open(dir.path());
    let mut largest = 0;
    for n in 1..=10_000 {
        block_on(store.save(numbered(&opened.state.settings, n))).unwrap();
        if n % 500 == 0 {
            let session = SessionRecord { ended: Some(SessionEnd::Stop), ..SessionRecord::begun(n as u64) };
            block_on(store.save(store::StateChange::Session(n as u64, session))).unwrap();
            largest = largest.max(bytes(&dir.path().join("db")));
        }
    }
    assert!(largest < 8 << 20, "{largest} bytes");
    drop(store);
    assert_eq!(open(dir.path()).1.state.settings.document.max_steps, Some(10_000));
}

#[test]
fn what_rests_writes_nothing() {
    let dir = folder();
    let (store, opened) = open(dir.path());
    block_on(store.save(numbered(&opened.state.settings, 1))).unwrap();
    // The copy and the ballast are made a moment later.
    std::thread::sleep(Duration::from_millis(2_500));
    let listing = |dir: &Path| -> Vec<_> {
        let all = [dir.to_owned(), dir.join("db")];
        let files = all.iter().flat_map(|dir| fs::read_dir(dir).unwrap());
        let mut files: Vec<_> = files
            .map(|file| {
                let (path, about) = (file.as_ref().unwrap().path(), file.unwrap().metadata().unwrap());
                (path, about.len(), about.modified().unwrap())
            })
            .collect();
        files.sort();
        files
    };
    let before = listing(dir.path());
    let generation = store.generation();
    block_on(store.save(numbered(&opened.state.settings, 1))).unwrap();
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!((listing(dir.path()), store.generation()), (before, generation));
}
