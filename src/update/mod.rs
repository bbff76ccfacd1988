//! Update in place: one signed file becomes the system in the spare slot of the card, and a counter of tries decides
//! whether it stays (docs/UPDATE.md).
//!
//! - `key`: the keys that a card trusts
//! - `manifest`: what an update says of itself, and the checks against the machine at hand
//! - `reader`: the file, block by block; nothing of it counts before its hash was compared
//! - `write`: the blocks into a slot, only where they differ
//! - `parts`: the partitions of a slot as files or block devices
//! - `slots`: which of the two systems starts, and how often a new one is tried
//! - `autoboot`, `fat`: the file in which the firmware reads that, as one sector
//! - `kept_state`: the stored state of each of the two systems
//! - `left_behind`: what was changed under a system that was left
//! - `card`: where all that is on the running card
//!
//! Everything but `card`, `parts`, `kept_state` and `record` is pure: it names no file and no clock.

pub mod autoboot;
pub mod card;
mod error;
pub mod fat;
pub mod kept_state;
pub mod key;
pub mod left_behind;
pub mod manifest;
pub mod parts;
pub mod reader;
pub mod record;
pub mod slots;
pub mod write;

pub use error::UpdateError;
pub use key::{KeyKind, UpdateKeys};
pub use left_behind::LeftBehind;
pub use manifest::{Manifest, PartName, UpdateTarget};
pub use parts::SlotFiles;
pub use reader::UpdateReader;
pub use slots::{SlotRecord, SystemSlot};
pub use write::{SlotParts, WriteProgress, Written, write};
