//! What a socket has to say.

use std::sync::Arc;

use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::bus::{COMMANDS, STATUS, Subscription};
use super::context::Context;
use super::port::MachinePort;
use super::telemetry;

/// Where the messages of a socket come from.
pub enum MessageSource {
    /// A stream: every message.
    Stream(Subscription),
    /// The machine: the newest snapshot, again and again. Old ones are worthless, so none waits.
    Telemetry(Arc<dyn MachinePort>, Interval),
}

/// Every stream that there is.
pub const STREAMS: [&str; 3] = [COMMANDS, STATUS, telemetry::STREAM];

impl MessageSource {
    /// The source of the stream of that name.
    #[must_use]
    pub fn of(ctx: &Context, stream: &str) -> MessageSource {
        if stream != telemetry::STREAM {
            return MessageSource::Stream(ctx.bus.subscribe(stream));
        }
        let mut pace = interval(ctx.options.limits.telemetry_time);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        MessageSource::Telemetry(Arc::clone(&ctx.port), pace)
    }

    /// The next message; none when the socket was too slow. Cancel-safe. The first snapshot comes at once.
    pub async fn next(&mut self) -> Option<Utf8Bytes> {
        match self {
            MessageSource::Stream(subscription) => subscription.next().await,
            MessageSource::Telemetry(port, pace) => {
                pace.tick().await;
                let object = telemetry::now(&**port);
                serde_json::to_string(&object).ok().map(Utf8Bytes::from)
            }
        }
    }

    /// The next message, if it is there already.
    pub fn waiting(&mut self) -> Option<Utf8Bytes> {
        match self {
            MessageSource::Stream(subscription) => subscription.waiting(),
            MessageSource::Telemetry(..) => None,
        }
    }
}
