//! Fuzz targets for files: the configuration, a recording of the flight recorder, the state folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use yep::api::port::{RecordingFormat, RecordingSpan};
use yep::app::recordings::RecordingsReader;
use yep::cli::config;
use yep::diag::recorder::export;
use yep::diag::recorder::{Archive, file};
use yep::store::{AuditAct, AuditEntry, DeviceKind, DeviceRecord, DeviceRole, StateChange, Store};

/// Target: a configuration file gives options that keep every rule, or an error.
pub fn config(data: &[u8]) {
    match config::of_text(&String::from_utf8_lossy(data)) {
        Ok(options) => options.check().expect("options that break a rule"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Target: a file of the flight recorder. The first byte says how many of its checksums are corrected, so that the code
/// behind them is reached as well.
pub fn recording(data: &[u8]) {
    let (first, rest) = data.split_first().unwrap_or((&0, &[]));
    let mut bytes = rest.to_vec();
    fix_checksums(&mut bytes, first % 3);
    let Ok(recording) = file::decode(&bytes) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("fault-7.rec"), &bytes).expect("a file");
    let archive = Archive::open(folder.path());
    let (_, read) = archive.read(7).expect("what can be decoded can be read");
    assert!(*read == recording);
    let reader = RecordingsReader::of(Arc::new(archive));
    let part = RecordingSpan { from_s: f64::NEG_INFINITY, to_s: f64::INFINITY, every: 1 };
    let text = |format| reader.read(7, format, &part).expect("what can be read can be exported");
    serde_json::from_slice::<serde_json::Value>(&text(RecordingFormat::Json)).expect("JSON");
    let csv = text(RecordingFormat::Csv);
    let csv = str::from_utf8(&csv).expect("a text");
    let columns = export::COLUMNS.split(',').count();
    assert!(csv.lines().all(|row| row.split(',').count() == columns));
}

fn fix_checksums(bytes: &mut [u8], checksums: u8) {
    const FIXED: usize = 20;
    if checksums == 0 || bytes.len() < FIXED + 4 {
        return;
    }
    let number = |at: usize| u32::from_le_bytes(core::array::from_fn(|byte| bytes[at + byte])) as usize;
    let head_end = number(8).saturating_add(FIXED).min(bytes.len());
    let head = crc32fast::hash(&bytes[FIXED..head_end]);
    bytes[12..16].copy_from_slice(&head.to_le_bytes());
    let records_end = bytes.len() - 4;
    if checksums > 1 && head_end <= records_end {
        let records = crc32fast::hash(&bytes[head_end..records_end]);
        bytes[records_end..].copy_from_slice(&records.to_le_bytes());
    }
}

/// Target: the state folder with one of its files replaced; the first byte chooses which. The store opens, or returns
/// an error.
pub fn state(data: &[u8]) {
    let (first, content) = data.split_first().unwrap_or((&0, &[]));
    let folder = tempfile::tempdir().expect("a folder");
    let mut files = Vec::new();
    for (path, content) in intact_state_files() {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, content).expect("a file");
        files.push(path);
    }
    fs::write(&files[usize::from(*first) % files.len()], content).expect("a file");
    match Store::open(folder.path()) {
        Ok((_store, opened)) => assert!(!opened.recovery.to_string().is_empty()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Files of a folder that a store has left, by their names in it.
pub fn intact_state_files() -> Vec<(PathBuf, Vec<u8>)> {
    static SOUND: std::sync::OnceLock<Vec<(PathBuf, Vec<u8>)>> = std::sync::OnceLock::new();
    SOUND
        .get_or_init(|| {
            let folder = tempfile::tempdir().expect("a folder");
            let (store, opened) = Store::open(folder.path()).expect("a new store");
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(store.save(opened.state.settings)).expect("it can be written");
            let device = DeviceRecord {
                name: "a device".to_owned(),
                role: DeviceRole::Operator,
                kind: DeviceKind::Browser,
                token_hash: [7; 32],
                paired_unix_s: 7,
                last_seen_unix_s: 8,
                last_used_h: 0,
            };
            let entry = AuditEntry::new(7, AuditAct::Paired, Some(1), "192.0.2.7", "with the switches");
            let pairing = vec![StateChange::PutDevice(1, device), StateChange::Audit(entry)];
            runtime.block_on(store.save(StateChange::Several(pairing))).expect("it can be written");
            drop(store);
            let mut files = Vec::new();
            read(folder.path(), folder.path(), &mut files);
            files
        })
        .clone()
}

fn read(root: &Path, folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read(root, &path, files);
        } else {
            let name = path.strip_prefix(root).expect("below it").to_owned();
            files.push((name, fs::read(&path).expect("a file")));
        }
    }
}
