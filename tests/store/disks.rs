//! Full and read-only disks. They are small tmpfs; where the test may not mount one, it reports a skip.

use super::*;

/// A mounted tmpfs.
struct Disk(tempfile::TempDir);

impl Disk {
    /// Mounts a tmpfs; `None` with a skip report where this is not allowed.
    fn mounted(kib: u32, test: &str) -> Option<Disk> {
        let disk = Disk(tempfile::tempdir().unwrap());
        let mounted = run(&["mount", "-t", "tmpfs", "-o", &format!("size={kib}k"), "yep-test", disk.path()]);
        if !mounted {
            skip(test, "this user may not mount a tmpfs (try it as root)");
        }
        mounted.then_some(disk)
    }

    fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    fn state_dir(&self) -> PathBuf {
        self.0.path().join("state")
    }

    /// Fills the disk except for so many KiB.
    fn fill(&self, leave_kib: usize) {
        let mut file = fs::File::create(self.0.path().join("filler")).unwrap();
        let mut written = 0;
        while file.write_all(&[1; 4_096]).is_ok() {
            written += 4;
        }
        file.set_len((written - leave_kib as u64) * 1_024).unwrap();
    }

    fn empty(&self) {
        fs::remove_file(self.0.path().join("filler")).unwrap();
    }

    fn remount(&self, how: &str) {
        let remount = || run(&["mount", "-o", &format!("remount,{how}"), self.path()]);
        // A child of another test inherits all open files of this process until it executes its program, and a disk
        // with files that are open for writing does not become read-only.
        let patiently = |_| {
            remount() || {
                std::thread::sleep(Duration::from_millis(10));
                false
            }
        };
        assert!((0..200).any(patiently), "remount {how}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        run(&["umount", "-l", self.path()]);
    }
}

fn run(command: &[&str]) -> bool {
    let quiet = Command::new(command[0]).args(&command[1..]).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

#[test]
fn a_full_disk_refuses_what_it_cannot_keep_and_loses_nothing() {
    let Some(disk) = Disk::mounted(8 * 1_024, "a full disk refuses") else { return };
    let dir = disk.state_dir();
    let (store, opened) = open(&dir);
    block_on(store.save(numbered(&opened.state.settings, 1))).unwrap();
    disk.fill(0);
    let (mut kept, mut refused) = (1, 0);
    for n in 2..2_000 {
        match block_on(store.save(numbered(&opened.state.settings, n))) {
            Ok(()) => kept = n,
            Err(error) => {
                assert!(error.to_string().contains("cannot be written down"), "{error}");
                refused += 1;
                assert_eq!(store.state().settings.document.max_steps, Some(kept));
                if refused > 3 {
                    break;
                }
            }
        }
    }
    assert!(refused > 3, "the disk was never full");
    drop(store);
    // A start on a full disk: the acknowledged state is in force, wherever it can be read.
    let (store, again) = open(&dir);
    let steps = again.state.settings.document.max_steps;
    assert!(steps >= Some(kept), "{steps:?} of {kept}: {}", again.recovery);
    drop(store);
    disk.empty();
    let (store, again) = open(&dir);
    let steps = again.state.settings.document.max_steps.unwrap();
    assert!((kept..=kept + 4).contains(&steps), "{steps} of {kept}: {}", again.recovery);
    block_on(store.save(numbered(&again.state.settings, 7_777))).unwrap();
    drop(store);
    assert_eq!(open(&dir).1.state.settings.document.max_steps, Some(7_777));
}

#[test]
fn ballast_makes_room_on_a_full_disk() {
    let Some(disk) = Disk::mounted(32 * 1_024, "ballast makes room") else { return };
    let dir = disk.state_dir();
    let (store, opened) = open(&dir);
    let ballast = dir.join("ballast");
    let begun = Instant::now();
    while fs::metadata(&ballast).map_or(0, |file| file.len()) != 4 << 20 {
        assert!(begun.elapsed() < Duration::from_secs(30), "no ballast");
        std::thread::sleep(Duration::from_millis(20));
    }
    // The ballast may not be synced yet; this save waits for the writer thread.
    block_on(store.save(numbered(&opened.state.settings, 1))).unwrap();
    disk.fill(0);
    for n in 2..600 {
        block_on(store.save(numbered(&opened.state.settings, n))).unwrap();
        if !ballast.exists() {
            break;
        }
    }
    assert!(!ballast.exists(), "the disk was never full");
    block_on(store.save(numbered(&opened.state.settings, 1_000))).unwrap();
    drop(store);
    let (_store, again) = open(&dir);
    assert_eq!(again.recovery, Recovery::Clean);
    assert_eq!(again.state.settings.document.max_steps, Some(1_000));
}

#[test]
fn on_a_full_disk_a_new_store_runs_with_the_defaults_and_an_old_one_is_not_touched() {
    let Some(disk) = Disk::mounted(2 * 1_024, "a new store on a full disk") else { return };
    let dir = disk.state_dir();
    disk.fill(0);
    let (store, opened) = open(&dir);
    assert!(matches!(opened.recovery, Recovery::Unavailable { .. }), "{:?}", opened.recovery);
    assert!(!opened.recovery.has_lost_settings(), "there was nothing to lose");
    assert!(block_on(store.save(numbered(&opened.state.settings, 1))).is_err());
    drop(store);
    disk.empty();
    fs::create_dir_all(dir.join("db")).unwrap();
    for file in ["conf", "db", "generation"] {
        let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store/v1").join(file);
        fs::copy(old, dir.join("db").join(file)).unwrap();
    }
    // A migration without disk space.
    disk.fill(0);
    let (store, opened) = open(&dir);
    println!("{}", opened.recovery);
    assert_eq!(opened.state.settings.document.name, "version 1, größer");
    drop(store);
    disk.empty();
    let (_store, opened) = open(&dir);
    assert!(
        matches!(opened.recovery, Recovery::Migrated { from: 1 } | Recovery::Clean),
        "{:?}",
        opened.recovery
    );
    assert_eq!(opened.state.settings.document.name, "version 1, größer");
}

#[test]
fn a_read_only_disk_runs_with_what_is_stored_and_says_that_nothing_can_be_kept() {
    let Some(disk) = Disk::mounted(16 * 1_024, "a read-only disk") else { return };
    let dir = disk.state_dir();
    let last = filled(&dir, 3);
    disk.remount("ro");
    let (store, opened) = open(&dir);
    let said = opened.recovery.to_string();
    assert!(said.contains("Read-only file system") && said.contains("what is stored is in force"), "{said}");
    assert_eq!(opened.state.settings, last);
    let refused = block_on(store.save(numbered(&last, 4))).unwrap_err();
    assert!(refused.to_string().contains("Read-only file system"), "{refused}");
    drop(store);
    disk.remount("rw");
    assert_eq!(open(&dir).1.recovery, Recovery::Clean);
    // With an unreadable database, the copy is used.
    fs::write(dir.join("db/db"), "what is this?").unwrap();
    disk.remount("ro");
    let (_store, opened) = open(&dir);
    let said = opened.recovery.to_string();
    assert!(said.contains("Read-only file system") && said.contains("the copy of 20"), "{said}");
    assert_eq!(opened.state.settings, last);
}

#[test]
fn a_folder_that_cannot_be_made_is_no_store() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    for path in [dir.path().join("file/state"), "/proc/yep".into()] {
        let (store, opened) = open(&path);
        let said = opened.recovery.to_string();
        assert!(
            said.contains(path.to_str().unwrap()) && said.contains("the defaults are in force"),
            "{said}"
        );
        assert!(block_on(store.save(numbered(&opened.state.settings, 1))).is_err());
    }
}
