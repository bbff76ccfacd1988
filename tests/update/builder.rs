//! Builds updates, as scripts/build-update does.

use std::collections::HashMap;
use std::io::{self, ErrorKind};

use data_encoding::{BASE64, HEXLOWER};
use ed25519_compact::{KeyPair, Seed};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use sha2::{Digest as _, Sha256};
use yep::layout::CARD_LAYOUT;
use yep::update::manifest::{ImagePart, PRODUCT};
use yep::update::{KeyKind, Manifest, PartName, SlotParts, UpdateTarget};

pub const BLOCK: usize = 64 << 10;
pub const BOARD: &str = "raspberrypi,4-model-b";

/// A private key.
pub struct Signer {
    pair: KeyPair,
    kind: KeyKind,
}

impl Signer {
    pub fn new(number: u8, kind: KeyKind) -> Signer {
        Signer { pair: KeyPair::from_seed(Seed::new([number; 32])), kind }
    }

    /// The line that a card has of it.
    pub fn line(&self) -> String {
        let word = match self.kind {
            KeyKind::Release => "yep-update-release",
            KeyKind::Development => "yep-update-development",
        };
        format!("{word} {} somebody\n", BASE64.encode(self.pair.pk.as_ref()))
    }

    pub fn sign(&self, manifest: &[u8]) -> Vec<u8> {
        self.pair.sk.sign(self.kind.message(manifest), None).to_vec()
    }
}

/// What an update is made of.
#[derive(Debug, Clone)]
pub struct Images {
    pub boot: Vec<u8>,
    pub root: Vec<u8>,
    pub slot_byte: Option<u64>,
}

impl Images {
    pub fn manifest(&self) -> Manifest {
        let part =
            |name, image: &[u8], slot_byte| ImagePart { name, size_bytes: image.len() as u64, slot_byte };
        Manifest {
            product: PRODUCT.into(),
            architecture: "aarch64".into(),
            boards: vec![BOARD.into()],
            card_layout: CARD_LAYOUT,
            store_layout: 6,
            version: "0.2.0".into(),
            commit: "0123456789ab".into(),
            written_unix_s: 1_800_000_000,
            block_bytes: BLOCK as u32,
            table_bytes: 0,
            table_sha256: String::new(),
            parts: vec![
                part(PartName::Boot, &self.boot, self.slot_byte),
                part(PartName::Root, &self.root, None),
            ],
        }
    }

    /// The file of an update with this description, whose table is filled in.
    pub fn update(&self, signer: &Signer, mut manifest: Manifest) -> Vec<u8> {
        let (mut table, mut packed) = (Vec::new(), Vec::new());
        for (number, image) in [&self.boot, &self.root].into_iter().enumerate() {
            for (index, block) in
                image.chunks(BLOCK).enumerate().filter(|(_, block)| block.iter().any(|b| *b != 0))
            {
                let block_packed = compress_to_vec(block, CompressionLevel::Fastest);
                table.push(number as u8);
                table.extend((index as u32).to_le_bytes());
                table.extend((block_packed.len() as u32).to_le_bytes());
                table.extend(Sha256::digest(&block_packed));
                packed.extend(block_packed);
            }
        }
        manifest.table_bytes = table.len() as u32;
        manifest.table_sha256 = HEXLOWER.encode(&Sha256::digest(&table));
        let text = serde_json::to_vec(&manifest).unwrap();
        let length = (text.len() as u32).to_le_bytes();
        [b"YEPUPD01", &length[..], &text, &signer.sign(&text), &table, &packed].concat()
    }
}

/// The machine that these updates are for.
pub fn target() -> UpdateTarget {
    UpdateTarget {
        board: vec![BOARD.into(), "brcm,bcm2711".into()],
        card_layout: CARD_LAYOUT,
        version: "0.1.0".into(),
        written_unix_s: 1_700_000_000,
        allow_older: false,
    }
}

/// Partitions in memory, with the cache of a card: a power cut loses what was not flushed, or a part of it.
#[derive(Debug, Clone)]
pub struct Card {
    pub parts: HashMap<PartName, Vec<u8>>,
    /// Writes since the last flush: what was there before.
    undo: Vec<(PartName, usize, Vec<u8>)>,
    /// Calls that are left before the power is cut.
    pub calls_left: Option<u32>,
    pub calls: u32,
    pub writes: u32,
}

impl Card {
    pub fn new(boot: Vec<u8>, root: Vec<u8>) -> Card {
        let parts = [(PartName::Boot, boot), (PartName::Root, root)].into();
        Card { parts, undo: Vec::new(), calls_left: None, calls: 0, writes: 0 }
    }

    /// The power is back: each write that was not flushed is kept, or undone in part or altogether, as `chance` says.
    pub fn power_on(&mut self, mut chance: impl FnMut() -> f64) {
        for (part, at, before) in std::mem::take(&mut self.undo).into_iter().rev() {
            let undone = match chance() {
                fate if fate < 0.4 => 0,
                fate if fate < 0.7 => before.len(),
                _ => (before.len() as f64 * chance()) as usize,
            };
            self.parts.get_mut(&part).unwrap()[at..at + undone].copy_from_slice(&before[..undone]);
        }
        self.calls_left = None;
    }

    fn count(&mut self) -> io::Result<()> {
        self.calls += 1;
        match &mut self.calls_left {
            Some(0) => Err(io::Error::new(ErrorKind::BrokenPipe, "the power is cut")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl SlotParts for Card {
    fn size_bytes(&mut self, part: PartName) -> io::Result<u64> {
        Ok(self.parts[&part].len() as u64)
    }

    fn read_at(&mut self, part: PartName, at: u64, block: &mut [u8]) -> io::Result<()> {
        self.count()?;
        block.copy_from_slice(&self.parts[&part][at as usize..at as usize + block.len()]);
        Ok(())
    }

    fn write_at(&mut self, part: PartName, at: u64, block: &[u8]) -> io::Result<()> {
        self.writes += 1;
        let there = &mut self.parts.get_mut(&part).unwrap()[at as usize..at as usize + block.len()];
        self.undo.push((part, at as usize, there.to_vec()));
        there.copy_from_slice(block);
        self.count()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.count()?;
        self.undo.clear();
        Ok(())
    }
}
