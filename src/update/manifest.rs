//! What an update says of itself, signed; and the checks against the machine that is to take it.

use serde::{Deserialize, Serialize};

use super::UpdateError;

/// The machine for which updates of this program are.
pub const PRODUCT: &str = "yep-card";
/// Smallest and largest blocks: a small one wastes the table, a large one the memory.
const BLOCK_BYTES: [u32; 2] = [64 << 10, 4 << 20];
/// Images end at a page of the file systems.
const PAGE_BYTES: u64 = 4_096;

/// An image in an update, and the partition of a slot to which it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartName {
    /// What the firmware starts: its own files, kernel, first program, device trees.
    Boot,
    /// The system.
    Root,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePart {
    /// Its partition.
    pub name: PartName,
    /// Its size; the partition may be larger.
    pub size_bytes: u64,
    /// Place of the one byte that differs between the slots: the number of the root partition on the kernel's line.
    pub slot_byte: Option<u64>,
}

/// The signed description of an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`PRODUCT`].
    pub product: String,
    /// Architecture of its programs.
    pub architecture: String,
    /// `compatible` words of the device trees of the boards on which it starts.
    pub boards: Vec<String>,
    /// Version of the card's partitions.
    pub card_layout: u32,
    /// Version of the stored state that it writes.
    pub store_layout: u8,
    /// Version of the program: three numbers.
    pub version: String,
    /// Its commit.
    pub commit: String,
    /// Time of the commit.
    pub written_unix_s: u64,
    /// Size of a block; the last one of an image may be shorter.
    pub block_bytes: u32,
    /// Size of the table of the blocks.
    pub table_bytes: u32,
    /// Hash of that table, hexadecimal.
    pub table_sha256: String,
    /// The images, in the order of the table.
    pub parts: Vec<ImagePart>,
}

/// The machine that is to take an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateTarget {
    /// `compatible` words of its device tree.
    pub board: Vec<String>,
    /// Version of its partitions.
    pub card_layout: u32,
    /// Version of the running program.
    pub version: String,
    /// Time of its commit.
    pub written_unix_s: u64,
    /// True if an older system may be taken.
    pub allow_older: bool,
}

impl Manifest {
    /// Parses a manifest whose signature was verified.
    ///
    /// # Errors
    /// [`UpdateError::Damaged`]: a signed manifest may still be a mistake of its builder.
    pub fn parse(bytes: &[u8]) -> Result<Manifest, UpdateError> {
        let wrong = |why: String| UpdateError::Damaged(format!("its description: {why}"));
        let manifest: Manifest = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        let block = manifest.block_bytes;
        if !block.is_power_of_two() || block < BLOCK_BYTES[0] || block > BLOCK_BYTES[1] {
            return Err(wrong(format!("blocks of {block} bytes")));
        }
        if manifest.parts.iter().map(|part| part.name).ne([PartName::Boot, PartName::Root]) {
            return Err(wrong("its images are not boot and root".into()));
        }
        for part in &manifest.parts {
            let in_it = part.slot_byte.is_none_or(|at| at < part.size_bytes);
            if part.size_bytes == 0 || !part.size_bytes.is_multiple_of(PAGE_BYTES) || !in_it {
                return Err(wrong(format!("an image of {} bytes", part.size_bytes)));
            }
        }
        Ok(manifest)
    }

    /// Number of blocks of an image.
    pub fn blocks(&self, part: &ImagePart) -> u64 {
        part.size_bytes.div_ceil(u64::from(self.block_bytes))
    }

    /// Length of a block of an image.
    pub fn block_len(&self, part: &ImagePart, index: u64) -> usize {
        let block = u64::from(self.block_bytes);
        part.size_bytes.saturating_sub(index * block).min(block) as usize
    }

    /// The version with its commit, for people.
    pub fn title(&self) -> String {
        format!("{} ({})", self.version, self.commit)
    }

    /// Refuses an update that is not for this machine, or older than what it runs.
    ///
    /// # Errors
    /// [`UpdateError::OtherMachine`], [`UpdateError::OtherLayout`] or [`UpdateError::Older`].
    pub fn check(&self, target: &UpdateTarget) -> Result<(), UpdateError> {
        if self.product != PRODUCT {
            return Err(UpdateError::OtherMachine(format!(
                "for {:?}, and this is {PRODUCT:?}",
                self.product
            )));
        }
        if !target.board.iter().any(|word| self.boards.contains(word)) {
            let here = target.board.first().map_or("an unknown board", String::as_str);
            return Err(UpdateError::OtherMachine(format!("it does not start on {here}")));
        }
        if self.card_layout != target.card_layout {
            return Err(UpdateError::OtherLayout { wanted: self.card_layout, found: target.card_layout });
        }
        let offered = (numbers(&self.version), self.written_unix_s);
        let running = (numbers(&target.version), target.written_unix_s);
        if offered < running && !target.allow_older {
            let running = format!("{}, {}", target.version, target.written_unix_s);
            return Err(UpdateError::Older {
                offered: format!("{}, {}", self.version, self.written_unix_s),
                running,
            });
        }
        Ok(())
    }
}

/// The numbers of a version; what is no number counts as 0.
fn numbers(version: &str) -> Vec<u64> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}
