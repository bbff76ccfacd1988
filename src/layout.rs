//! Constants.
#![allow(missing_docs)]
pub const CONTROL_PERIOD_NS: u64 = 1_000_000;
pub const QUEUE_AHEAD_NS: u64 = 12_000_000;
pub const STEP_POLL_NS: u64 = 200_000;
pub const SPIN_NS: u64 = 60_000;
pub const CHUNK_RING: usize = 32;
pub const COMMAND_RING: usize = 16;
pub const EVENT_RING: usize = 256;
pub const SNAPSHOT_RING: usize = 8;
