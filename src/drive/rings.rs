//! The rings between the threads: single producer, single consumer, wait-free.
//!
//! They live as long as the process, so they are leaked once at the start: both ends then go to their threads
//! without a lock or a count.

use heapless::spsc::{Consumer, Producer, Queue};

use super::chunk::Chunk;
use crate::layout;
use crate::machine::{Command, Event, Snapshot};
use crate::units::Nanos;
use crate::wave::Retention;

/// A command on its way to the control cycle.
#[derive(Debug)]
pub struct QueuedCommand {
    /// The number that its reply will carry.
    pub id: u64,
    /// The latest instant, on the machine's clock, at which it is obeyed: whoever asked has given up by then.
    pub expires_ns: Nanos,
    /// The command.
    pub command: Command,
}

/// Control cycle to step loop.
pub type ChunkFeed = Producer<'static, Chunk>;
/// The step loop's end of it.
pub type Chunks = Consumer<'static, Chunk>;
/// Everyone to the control cycle.
pub struct CommandFeed {
    ring: Producer<'static, QueuedCommand>,
    retention: Retention,
}

impl CommandFeed {
    /// Hands a command over. Its wave is kept here as long as it is in use, since the control cycle may not free it.
    ///
    /// # Errors
    /// When the ring is full; then the command is dropped.
    pub fn enqueue(&mut self, queued: QueuedCommand) -> Result<(), RingFullError> {
        if let Command::Run(wave) = &queued.command {
            self.retention.keep(wave);
        }
        self.ring.enqueue(queued).map_err(|_| RingFullError)
    }
}

/// A ring is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingFullError;

/// The control cycle's end of it.
pub type Commands = Consumer<'static, QueuedCommand>;
/// Control cycle to the bridge.
pub type EventFeed = Producer<'static, Event>;
/// The bridge's end of it.
pub type Events = Consumer<'static, Event>;
/// Control cycle to the bridge.
pub type SnapshotFeed = Producer<'static, Snapshot>;
/// The bridge's end of it.
pub type Snapshots = Consumer<'static, Snapshot>;

/// Both ends of all rings.
pub struct Rings {
    /// For the control cycle.
    pub control: ControlEnds,
    /// For the step loop.
    pub chunks: Chunks,
    /// For the bridge.
    pub bridge: BridgeEnds,
}

/// The control cycle's ends.
pub struct ControlEnds {
    /// Motion, to the step loop.
    pub chunks: ChunkFeed,
    /// Commands, from the bridge.
    pub commands: Commands,
    /// What happened, to the bridge.
    pub events: EventFeed,
    /// How things are, to the bridge.
    pub snapshots: SnapshotFeed,
}

/// The bridge's ends.
pub struct BridgeEnds {
    /// Commands, to the control cycle.
    pub commands: CommandFeed,
    /// What happened.
    pub events: Events,
    /// How things are.
    pub snapshots: Snapshots,
}

// What memory-layout/layout.toml budgets for a slot is enough for what is in it.
const _: () = {
    assert!(size_of::<Chunk>() <= layout::CHUNK_SLOT_BYTES);
    assert!(size_of::<QueuedCommand>() <= layout::COMMAND_SLOT_BYTES);
    assert!(size_of::<Event>() <= layout::EVENT_SLOT_BYTES);
    assert!(size_of::<Snapshot>() <= layout::SNAPSHOT_SLOT_BYTES);
};

fn leaked<T, const N: usize>() -> (Producer<'static, T>, Consumer<'static, T>) {
    Box::leak(Box::new(Queue::<T, N>::new())).split()
}

impl Rings {
    /// New, empty rings.
    #[must_use]
    pub fn new() -> Rings {
        let (chunk_feed, chunks) = leaked::<_, { layout::CHUNK_RING }>();
        let (command_feed, commands) = leaked::<_, { layout::COMMAND_RING }>();
        let (event_feed, events) = leaked::<_, { layout::EVENT_RING }>();
        let (snapshot_feed, snapshots) = leaked::<_, { layout::SNAPSHOT_RING }>();
        Rings {
            control: ControlEnds {
                chunks: chunk_feed,
                commands,
                events: event_feed,
                snapshots: snapshot_feed,
            },
            chunks,
            bridge: BridgeEnds {
                commands: CommandFeed { ring: command_feed, retention: Retention::default() },
                events,
                snapshots,
            },
        }
    }
}

impl Default for Rings {
    fn default() -> Self {
        Rings::new()
    }
}
