//! The card of the running system: where its keys, its record, its partitions and its board are.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::autoboot::{self, AUTOBOOT_BYTES};
use super::kept_state::KeptState;
use super::{SlotFiles, SlotRecord, SystemSlot, UpdateKeys, UpdateTarget, fat, record};
use crate::{files, layout};

/// Longest file of the card that is read here.
const TEXT_BYTES: usize = 64 << 10;
/// Name of the firmware's file, as a folder of FAT has it.
const AUTOBOOT: &[u8; 11] = b"AUTOBOOTTXT";

/// A card with two systems.
#[derive(Debug, Clone)]
pub struct Card {
    root: PathBuf,
    running: SystemSlot,
}

impl Card {
    /// The card whose system runs; `root` is `/` except in tests.
    ///
    /// # Errors
    /// The system was not started from a card with two systems.
    pub fn running(root: &Path) -> io::Result<Card> {
        let line = fs::read_to_string(root.join("proc/cmdline"))?;
        let none = || io::Error::new(ErrorKind::Unsupported, "it did not start from a card with two systems");
        let running = SystemSlot::of_kernel_line(&line).ok_or_else(none)?;
        Ok(Card { root: root.to_owned(), running })
    }

    /// The slot of the running system.
    pub fn slot(&self) -> SystemSlot {
        self.running
    }

    /// A path on this card.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The keys that it trusts.
    ///
    /// # Errors
    /// The system's, or a line that is no key.
    pub fn keys(&self) -> io::Result<UpdateKeys> {
        let text = self.text("usr/share/yep/update-keys")?;
        let is_release = self.text("etc/yep/card-release")?.lines().any(|line| line == "KIND=release");
        UpdateKeys::parse(&text, is_release)
            .map_err(|error| io::Error::new(ErrorKind::InvalidData, error.to_string()))
    }

    /// What an update is compared with.
    ///
    /// # Errors
    /// The system's.
    pub fn target(&self, version: &str, written_unix_s: u64, allow_older: bool) -> io::Result<UpdateTarget> {
        let board = self.text("proc/device-tree/compatible")?;
        let board = board.split('\0').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let version = version.to_owned();
        Ok(UpdateTarget { board, card_layout: layout::CARD_LAYOUT, version, written_unix_s, allow_older })
    }

    /// The partitions of the slot that does not run.
    ///
    /// # Errors
    /// The system's.
    pub fn open_spare(&self) -> io::Result<SlotFiles> {
        let letter = self.running.other().letter();
        let open = |name: &str| self.device(&format!("{name}_{letter}"));
        SlotFiles::open(&open("boot")?, &open("root")?)
    }

    /// What is remembered of both systems.
    ///
    /// # Errors
    /// The system's.
    pub fn record(&self) -> io::Result<SlotRecord> {
        record::load(&self.record_path())
    }

    /// Replaces it.
    ///
    /// # Errors
    /// The system's.
    pub fn save(&self, record: &SlotRecord) -> io::Result<()> {
        record::save(&self.record_path(), record)
    }

    /// The folders of the stored state.
    pub fn kept_state(&self) -> KeptState {
        let state = self.root.join(layout::STATE_DIRECTORY.trim_start_matches('/'));
        KeptState { state, kept: self.path("var/lib/yep-card/states") }
    }

    /// The slot that the firmware starts by itself.
    ///
    /// # Errors
    /// The system's, or a file that names none.
    pub fn default_slot(&self) -> io::Result<SystemSlot> {
        let device = File::open(self.device("boot")?)?;
        let mut sector = [0; AUTOBOOT_BYTES];
        device.read_exact_at(&mut sector, fat::sector_of(&device, AUTOBOOT)?)?;
        let none = || io::Error::new(ErrorKind::InvalidData, "autoboot.txt names none of the two systems");
        autoboot::default_slot(&sector).ok_or_else(none)
    }

    /// Makes this slot the default: one sector, which is the moment from which the other system is the spare one.
    ///
    /// # Errors
    /// The system's.
    pub fn make_default(&self, slot: SystemSlot) -> io::Result<()> {
        let device = File::options().read(true).write(true).open(self.device("boot")?)?;
        let at = fat::sector_of(&device, AUTOBOOT)?;
        device.write_all_at(&autoboot::text(slot), at)?;
        device.sync_all()
    }

    fn record_path(&self) -> PathBuf {
        self.path("var/lib/yep-card/systems.json")
    }

    fn device(&self, partition: &str) -> io::Result<PathBuf> {
        let part = layout::PARTITIONS.iter().find(|part| part.name == partition);
        let part = part.ok_or_else(|| io::Error::new(ErrorKind::NotFound, partition))?;
        Ok(self.path(&format!("dev/disk/by-partuuid/{}-{:02}", layout::CARD_ID, part.number)))
    }

    fn text(&self, path: &str) -> io::Result<String> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("/{path}: {error}"));
        let bytes = files::read_regular(&self.path(path), TEXT_BYTES).map_err(named)?;
        String::from_utf8(bytes).map_err(|_| named(io::Error::new(ErrorKind::InvalidData, "it is no text")))
    }
}
