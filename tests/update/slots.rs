//! The two systems of a card as a model: firmware, restarts, power cuts at each step, and systems that are healthy or not.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use yep::hal::sim::Random;
use yep::update::slots::{StartAction, TRIES};
use yep::update::{SlotRecord, SystemSlot, autoboot, fat};

/// What lasts over a power cut.
struct Card {
    default: SystemSlot,
    record: SlotRecord,
    /// The firmware's flag for one start of the other system; lost with the power.
    tryboot: bool,
}

impl Card {
    fn new(default: SystemSlot) -> Card {
        Card { default, record: SlotRecord::default(), tryboot: false }
    }

    /// The system that the firmware starts.
    fn start(&mut self) -> SystemSlot {
        if std::mem::take(&mut self.tryboot) { self.default.other() } else { self.default }
    }
}

/// One start, cut off after some of its durable steps. Returns false if the power was cut.
fn run(
    card: &mut Card,
    is_healthy: impl Fn(SystemSlot) -> bool,
    mut steps_left: u32,
    tries: &mut u32,
) -> bool {
    let mut step = || {
        let goes_on = steps_left > 0;
        steps_left = steps_left.saturating_sub(1);
        goes_on
    };
    let running = card.start();
    let mut record = card.record.clone();
    let action = record.start(running, card.default);
    if !step() {
        return false;
    }
    card.record = record.clone();
    if !step() {
        return false;
    }
    match action {
        StartAction::Go => {}
        StartAction::TryOther => {
            *tries += 1;
            card.tryboot = true;
        }
        StartAction::Prove if is_healthy(running) => {
            card.default = running;
            if !step() {
                return false;
            }
            record.note_proven();
            card.record = record;
        }
        // It restarts, or hangs until somebody does.
        StartAction::Prove => {}
    }
    true
}

#[test]
fn a_healthy_system_stays_and_another_is_left_wherever_the_power_is_cut() {
    let mut random = Random::new(24);
    for round in 0..4_000 {
        let old = if round % 2 == 0 { SystemSlot::A } else { SystemSlot::B };
        let healthy = round % 3 != 0;
        let mut card = Card::new(old);
        card.record.begin_writing();
        card.record.begin_trial(old.other(), "new".into(), "old".into());
        let (mut tries, mut cuts) = (0, 0);
        for _ in 0..24 {
            let steps = if random.unit() < 0.3 { (random.unit() * 4.0) as u32 } else { 9 };
            if !run(&mut card, |slot| slot == old || healthy, steps, &mut tries) {
                card.tryboot = false;
                cuts += 1;
            }
            assert!(tries <= u32::from(TRIES), "round {round}: {tries} tries");
            assert!(healthy || card.default == old, "round {round}: a sick system became the default");
        }
        assert!(card.record.trial.is_none(), "round {round}: the trial never ends: {:?}", card.record);
        let last = card.record.last.clone().unwrap();
        assert_eq!(last.stays, card.default != old, "round {round}");
        if healthy && cuts == 0 {
            assert_eq!((card.default, tries), (old.other(), 1), "round {round}");
            assert_eq!(card.record.spare.as_deref(), Some("old"), "round {round}");
        }
        // Whatever came before: the machine runs, and asks for nothing more.
        let running = card.start();
        assert_eq!(card.record.start(running, card.default), StartAction::Go, "round {round}");
    }
}

#[test]
fn a_half_written_slot_is_never_tried() {
    let mut record = SlotRecord::default();
    record.begin_trial(SystemSlot::B, "first".into(), "old".into());
    record.begin_writing();
    assert_eq!(record.start(SystemSlot::A, SystemSlot::A), StartAction::Go);
    assert_eq!(record.spare, None);
}

#[test]
fn what_a_try_said_of_its_failure_is_kept() {
    let mut record = SlotRecord::default();
    record.begin_trial(SystemSlot::B, "new".into(), "old".into());
    record.trouble = Some("the page is none".into());
    for _ in 0..TRIES {
        assert_eq!(record.start(SystemSlot::A, SystemSlot::A), StartAction::TryOther);
    }
    assert_eq!(record.start(SystemSlot::A, SystemSlot::A), StartAction::Go);
    let last = record.last.unwrap();
    assert_eq!((last.stays, last.why.as_str(), last.title.as_str()), (false, "the page is none", "new"));
}

#[test]
fn the_kernels_line_names_the_slot() {
    let line = |number: &str| format!("console=tty1 root=PARTUUID=59455031-{number} ro\n");
    assert_eq!(SystemSlot::of_kernel_line(&line("05")), Some(SystemSlot::A));
    assert_eq!(SystemSlot::of_kernel_line(&line("06")), Some(SystemSlot::B));
    assert_eq!(SystemSlot::of_kernel_line(&line("07")), None);
    assert_eq!(SystemSlot::of_kernel_line("root=LABEL=root-a"), None);
}

/// A FAT32 of 512-byte clusters, whose root folder has two clusters, and the file in the second one.
pub fn fat_with_autoboot(default: SystemSlot) -> Vec<u8> {
    let (reserved, table, sectors) = (32_u32, 16_u32, 256_usize);
    let mut disk = vec![0_u8; sectors * fat::SECTOR_BYTES];
    disk[11..13].copy_from_slice(&512_u16.to_le_bytes());
    disk[13] = 1;
    disk[14..16].copy_from_slice(&(reserved as u16).to_le_bytes());
    disk[16] = 2;
    disk[36..40].copy_from_slice(&table.to_le_bytes());
    disk[44..48].copy_from_slice(&2_u32.to_le_bytes());
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    let entry = |disk: &mut Vec<u8>, cluster: usize, word: u32| {
        let at = reserved as usize * 512 + cluster * 4;
        disk[at..at + 4].copy_from_slice(&word.to_le_bytes());
    };
    // The root folder: clusters 2 and 5; the file: cluster 9.
    entry(&mut disk, 2, 5);
    entry(&mut disk, 5, 0x0fff_ffff);
    entry(&mut disk, 9, 0x0fff_ffff);
    let data = (reserved + 2 * table) as usize * 512;
    let place = |cluster: usize| data + (cluster - 2) * 512;
    for index in 0..16 {
        let at = place(2) + index * 32;
        disk[at..at + 11].copy_from_slice(b"OTHER   TXT");
        disk[at + 11] = 0x20;
    }
    // A label of the same name is no file.
    let at = place(5);
    disk[at..at + 11].copy_from_slice(b"AUTOBOOTTXT");
    disk[at + 11] = 0x08;
    let at = at + 32;
    disk[at..at + 11].copy_from_slice(b"AUTOBOOTTXT");
    disk[at + 11] = 0x20;
    disk[at + 26..at + 28].copy_from_slice(&9_u16.to_le_bytes());
    disk[at + 28..at + 32].copy_from_slice(&512_u32.to_le_bytes());
    disk[place(9)..place(9) + 512].copy_from_slice(&autoboot::text(default));
    disk
}

#[test]
fn the_sector_of_the_firmwares_file_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("boot");
    let disk = fat_with_autoboot(SystemSlot::B);
    std::fs::write(&path, &disk).unwrap();
    let file = File::open(&path).unwrap();
    let at = fat::sector_of(&file, b"AUTOBOOTTXT").unwrap();
    let mut sector = [0; 512];
    file.read_exact_at(&mut sector, at).unwrap();
    assert_eq!(autoboot::default_slot(&sector), Some(SystemSlot::B));
    assert!(fat::sector_of(&file, b"NOTHERE TXT").is_err());

    let mut longer = disk.clone();
    let place = longer.windows(4).rposition(|word| word == 512_u32.to_le_bytes()).unwrap();
    longer[place] = 1;
    for bytes in [longer, vec![0; 4_096], disk[..700].to_vec(), Vec::new()] {
        std::fs::write(&path, bytes).unwrap();
        assert!(fat::sector_of(&File::open(&path).unwrap(), b"AUTOBOOTTXT").is_err());
    }
}
