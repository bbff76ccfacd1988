//! Cost of the store: time of a save and of a start, bytes written to the card for a change and for a session, and its
//! size over a million changes.
//!
//! Bytes are those that the kernel counts for this process (`write_bytes` of /proc/self/io: pages made dirty), so they
//! are 0 where the folder is in memory; the million is made there, since its fsyncs would take an hour on a card.

mod support;

use std::fs;
use std::path::Path;
use std::time::Instant;

use serde_json::json;
use support::{Samples, number, print_figure};
use yep::settings::{Settings, SettingsChange as Setting};
use yep::store::{SavedWave, SessionEnd, SessionRecord, StateChange, Store};

const SAVES: u64 = 500;

fn main() {
    if !support::is_bench_run() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let save = |store: &Store, change: StateChange| runtime.block_on(store.save(change)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (store, opened) = Store::open(dir.path()).unwrap();
    let settings = opened.state.settings;
    save(&store, changed(&settings, 1).into());

    let before = bytes_written();
    let times: Vec<f64> = (2..SAVES + 2)
        .map(|n| {
            let begin = Instant::now();
            save(&store, changed(&settings, n).into());
            begin.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    let per_change = (bytes_written() - before) as f64 / SAVES as f64;
    print_figure(
        "store.bytes_per_change",
        per_change,
        "bytes",
        &format!("of {SAVES}, one after the other, copies among them"),
    );
    Samples::new(times).print("store.save", "ms");

    // A full session log, so that this is the most expensive case.
    for n in 1..=200 {
        save(&store, StateChange::Session(n, session(n)));
    }
    let before = bytes_written();
    for n in 201..=300 {
        save(&store, StateChange::Session(n, SessionRecord::begun(n)));
        save(&store, StateChange::Session(n, session(n)));
    }
    print_figure(
        "store.bytes_per_session",
        (bytes_written() - before) as f64 / 100.0,
        "bytes",
        "of 100, begin and end of each",
    );
    for n in 0..64 {
        let points: Vec<f64> = (0..100).map(|i| f64::from((i * 37 + n) % 100) / 100.0).collect();
        let wave = json!({ "type": "points", "duration": 5, "points": points });
        save(&store, StateChange::SaveWave(format!("wave {n}"), SavedWave::new(&wave).unwrap()));
    }
    let before = bytes_written();
    save(&store, changed(&settings, 7).into());
    drop(store);
    print_figure(
        "store.bytes_of_a_copy",
        (bytes_written() - before) as f64,
        "bytes",
        "one change and its copy, with 200 sessions and 64 waves of 100 points",
    );
    let opens: Vec<f64> = (0..30)
        .map(|_| {
            let begin = Instant::now();
            drop(Store::open(dir.path()).unwrap());
            begin.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    Samples::new(opens).print("store.open_and_close", "ms");
    print_figure("store.size", size(&dir.path().join("db")) as f64 / 1e3, "kB", "the database, then");

    let million = number("--changes").unwrap_or(1_000_000);
    let place = if Path::new("/dev/shm").is_dir() { Path::new("/dev/shm") } else { Path::new("/tmp") };
    let dir = tempfile::tempdir_in(place).unwrap();
    let (store, opened) = Store::open(dir.path()).unwrap();
    let (mut largest, begin) = (0, Instant::now());
    for n in 1..=million {
        save(&store, changed(&opened.state.settings, n).into());
        if n % 100 == 0 {
            save(&store, StateChange::Session(n / 100, session(n)));
        }
        if n % 1_000 == 0 {
            largest = largest.max(size(&dir.path().join("db")));
        }
    }
    print_figure(
        "store.largest",
        largest as f64 / 1e3,
        "kB",
        &format!("over {million} changes and {} sessions", million / 100),
    );
    print_figure(
        "store.save_in_memory",
        begin.elapsed().as_secs_f64() * 1e6 / million as f64,
        "us",
        "each of them",
    );
    let begin = Instant::now();
    drop(store);
    drop(Store::open(dir.path()).unwrap());
    print_figure("store.open_after_them", begin.elapsed().as_secs_f64() * 1e3, "ms", "once, with its close");
}

fn changed(settings: &Settings, n: u64) -> Settings {
    let change = Setting { max_steps: Some(1 + (n % 1_000_000) as i64), ..Setting::default() };
    settings.changed(&change).unwrap()
}

fn session(n: u64) -> SessionRecord {
    SessionRecord {
        duration_s: 600.0 + n as f64,
        ended: Some(SessionEnd::Stop),
        strokes: 400,
        distance_mm: 80_000.125,
        peak_speed_mm_s: 321.5,
        peak_force_g: Some(456.7),
        faults: vec!["limit_hit_back".to_owned()],
        ..SessionRecord::begun(1_735_689_599 + n)
    }
}

fn bytes_written() -> u64 {
    let io = fs::read_to_string("/proc/self/io").unwrap();
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).unwrap();
    line.parse().unwrap()
}

fn size(dir: &Path) -> u64 {
    let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    files
        .map(|file| if file.path().is_dir() { size(&file.path()) } else { file.metadata().unwrap().len() })
        .sum()
}
