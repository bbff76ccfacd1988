//! Ring buffers between the threads: single producer, single consumer (SPSC), wait-free.
//!
//! They live as long as the process, so they are leaked once at the start: both ends then go to their threads without a
//! lock or a reference count.

use heapless::spsc::{Consumer, Producer, Queue};

use super::chunk::Chunk;
use crate::layout;
use crate::machine::{Command, Event, FeedMessage, Snapshot};
use crate::units::Nanos;
use crate::wave::Retention;

/// A command on its way to the control cycle.
#[derive(Debug)]
pub struct QueuedCommand {
    /// Number that its reply will carry.
    pub id: u64,
    /// Latest instant, on the machine's clock, at which it is obeyed: after that its sender has given up.
    pub expires_ns: Nanos,
    /// The command.
    pub command: Command,
}

/// Producer's end of the chunk ring, for the control cycle.
pub type ChunkFeed = Producer<'static, Chunk>;
/// Consumer's end of the chunk ring, for the step loop.
pub type Chunks = Consumer<'static, Chunk>;
/// Producer's end of the command ring, for the bridge.
pub struct CommandFeed {
    ring: Producer<'static, QueuedCommand>,
    retention: Retention,
}

impl CommandFeed {
    /// Enqueues a command. Its wave is kept here for as long as it is in use, since the control cycle may not free
    /// memory.
    ///
    /// # Errors
    /// [`RingFullError`]; the command is dropped then.
    pub fn enqueue(&mut self, queued: QueuedCommand) -> Result<(), RingFullError> {
        if let Command::Run(wave) = &queued.command {
            self.retention.keep(wave);
        }
        self.ring.enqueue(queued).map_err(|_| RingFullError)
    }
}

/// The ring is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingFullError;

/// Producer's end of the ring of a feed's targets, for the bridge.
pub type TargetFeed = Producer<'static, FeedMessage>;
/// Consumer's end of the ring of a feed's targets, for the control cycle.
pub type Targets = Consumer<'static, FeedMessage>;
/// Consumer's end of the command ring, for the control cycle.
pub type Commands = Consumer<'static, QueuedCommand>;
/// Producer's end of the event ring, for the control cycle.
pub type EventFeed = Producer<'static, Event>;
/// Consumer's end of the event ring, for the bridge.
pub type Events = Consumer<'static, Event>;
/// Producer's end of the snapshot ring, for the control cycle.
pub type SnapshotFeed = Producer<'static, Snapshot>;
/// Consumer's end of the snapshot ring, for the bridge.
pub type Snapshots = Consumer<'static, Snapshot>;

/// Both ends of all rings.
pub struct Rings {
    /// The control cycle's ends.
    pub control: ControlEnds,
    /// The step loop's end.
    pub chunks: Chunks,
    /// The bridge's ends.
    pub bridge: BridgeEnds,
}

/// The control cycle's ends.
pub struct ControlEnds {
    /// Chunks, to the step loop.
    pub chunks: ChunkFeed,
    /// Commands, from the bridge.
    pub commands: Commands,
    /// Targets of a feed, from the bridge.
    pub targets: Targets,
    /// Events, to the bridge.
    pub events: EventFeed,
    /// Snapshots, to the bridge.
    pub snapshots: SnapshotFeed,
}

/// The bridge's ends.
pub struct BridgeEnds {
    /// Commands, to the control cycle.
    pub commands: CommandFeed,
    /// Targets of a feed, to the control cycle.
    pub targets: TargetFeed,
    /// Events, from the control cycle.
    pub events: Events,
    /// Snapshots, from the control cycle.
    pub snapshots: Snapshots,
}

// The slot sizes budgeted in memory-layout/layout.toml hold the items.
const _: () = {
    assert!(size_of::<Chunk>() <= layout::CHUNK_SLOT_BYTES);
    assert!(size_of::<QueuedCommand>() <= layout::COMMAND_SLOT_BYTES);
    assert!(size_of::<Event>() <= layout::EVENT_SLOT_BYTES);
    assert!(size_of::<FeedMessage>() <= layout::TARGET_SLOT_BYTES);
    assert!(size_of::<Snapshot>() <= layout::SNAPSHOT_SLOT_BYTES);
};

fn leaked<T, const N: usize>() -> (Producer<'static, T>, Consumer<'static, T>) {
    Box::leak(Box::new(Queue::<T, N>::new())).split()
}

impl Rings {
    /// New, empty rings.
    pub fn new() -> Rings {
        let (chunk_feed, chunks) = leaked::<_, { layout::CHUNK_RING }>();
        let (command_feed, commands) = leaked::<_, { layout::COMMAND_RING }>();
        let (target_feed, targets) = leaked::<_, { layout::TARGET_RING }>();
        let (event_feed, events) = leaked::<_, { layout::EVENT_RING }>();
        let (snapshot_feed, snapshots) = leaked::<_, { layout::SNAPSHOT_RING }>();
        Rings {
            control: ControlEnds {
                chunks: chunk_feed,
                commands,
                targets,
                events: event_feed,
                snapshots: snapshot_feed,
            },
            chunks,
            bridge: BridgeEnds {
                commands: CommandFeed { ring: command_feed, retention: Retention::default() },
                targets: target_feed,
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
