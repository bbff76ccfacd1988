//! What a socket has to say.

use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::bus::Subscription;
use super::context::Context;
use super::telemetry;
use crate::machine::Snapshot;

/// Where the messages of a socket come from.
pub enum Source {
    /// A stream: every message.
    Stream(Subscription),
    /// The machine: the newest snapshot, again and again. Old ones are worthless, so none waits.
    Telemetry(watch::Receiver<Snapshot>, Interval),
}

impl Source {
    /// The source of the stream of that name.
    #[must_use]
    pub fn of(ctx: &Context, stream: &str) -> Source {
        if stream != telemetry::STREAM {
            return Source::Stream(ctx.bus.subscribe(stream));
        }
        let mut pace = interval(ctx.options.limits.telemetry_time);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Source::Telemetry(ctx.port.snapshots(), pace)
    }

    /// The next message; none when the socket was too slow. Cancel-safe. The first snapshot comes at once.
    pub async fn next(&mut self) -> Option<Utf8Bytes> {
        match self {
            Source::Stream(subscription) => subscription.next().await,
            Source::Telemetry(snapshots, pace) => {
                pace.tick().await;
                let object = telemetry::object(&snapshots.borrow());
                serde_json::to_string(&object).ok().map(Utf8Bytes::from)
            }
        }
    }

    /// The next message, if it is there already.
    pub fn waiting(&mut self) -> Option<Utf8Bytes> {
        match self {
            Source::Stream(subscription) => subscription.waiting(),
            Source::Telemetry(..) => None,
        }
    }
}
