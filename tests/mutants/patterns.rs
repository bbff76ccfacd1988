//! Defects between what plays patterns and the machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use yep::api::port::{BoxFuture, MachineLocation, MachinePort, OperatorPort};
use yep::machine::{Accepted, Command, FeedItem, FeedMessage, FeedSource, FeedStart, Reply, Snapshot};
use yep::motion::pattern::StrokeDrive;
use yep::units::Nanos;

/// The defects.
#[derive(Clone, Copy, PartialEq)]
pub enum PatternDefect {
    /// A pause changes nothing.
    ForgetsPause,
    /// A speed of 0 is the least one that moves the axis.
    NeverRests,
    /// A pattern reaches further to the front than it is set to.
    ReachesBeyond,
    /// What another program sends counts as a pattern, and passes the checks on programs.
    HidesPrograms,
    /// A pattern goes on without its client.
    PlaysAlone,
}

/// Port with such a defect.
struct DefectivePatterns {
    port: Arc<dyn MachinePort>,
    defect: PatternDefect,
    /// True if the last feed that was begun is a pattern.
    plays: AtomicBool,
}

/// The port with that defect.
pub fn patterns(defect: PatternDefect, port: Arc<dyn MachinePort>) -> Arc<dyn MachinePort> {
    Arc::new(DefectivePatterns { port, defect, plays: AtomicBool::new(false) })
}

/// Share of the stroke by which a pattern reaches further.
const BEYOND: f64 = 0.1;

impl PatternDefect {
    fn spoil(self, drive: StrokeDrive) -> StrokeDrive {
        use yep::motion::pattern::StrokeSpeed;
        match self {
            PatternDefect::ForgetsPause => StrokeDrive { is_paused: false, ..drive },
            PatternDefect::NeverRests if !drive.moves() => {
                StrokeDrive { speed: StrokeSpeed::Share(0.05), is_paused: false, ..drive }
            }
            PatternDefect::ReachesBeyond => StrokeDrive { depth: drive.depth + BEYOND, ..drive },
            PatternDefect::NeverRests | PatternDefect::HidesPrograms | PatternDefect::PlaysAlone => drive,
        }
    }
}

impl MachinePort for DefectivePatterns {
    fn location(&self) -> MachineLocation {
        self.port.location()
    }

    fn command(&self, command: Command) -> BoxFuture<'_, Reply> {
        Box::pin(async move {
            let command = match command {
                Command::Follow(start) => {
                    self.plays.store(start.source == FeedSource::Playback, Ordering::SeqCst);
                    let hides = self.defect == PatternDefect::HidesPrograms;
                    let source = if hides { FeedSource::Playback } else { start.source };
                    Command::Follow(FeedStart { source, ..start })
                }
                Command::ClientGone
                    if self.defect == PatternDefect::PlaysAlone && self.plays.load(Ordering::SeqCst) =>
                {
                    // Something that changes nothing, in its place.
                    let _ = self.port.command(Command::Acknowledge).await;
                    return Ok(Accepted::Now);
                }
                other => other,
            };
            self.port.command(command).await
        })
    }

    fn send_to_feed(&self, message: FeedMessage) -> bool {
        let item = match message.item {
            FeedItem::Strokes(drive) => FeedItem::Strokes(self.defect.spoil(drive)),
            other => other,
        };
        self.port.send_to_feed(FeedMessage { item, ..message })
    }

    fn clock_ns(&self) -> Nanos {
        self.port.clock_ns()
    }

    fn stop(&self) {
        self.port.stop();
    }

    fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.port.snapshots()
    }

    fn simulated_operator(&self) -> Option<&dyn OperatorPort> {
        self.port.simulated_operator()
    }
}
