//! Keeps each line of the log in the ring that the server shows.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use crate::log_ring::{LogLevel, LogRing};
use crate::wall_clock;

/// The layer of the log that fills the ring.
pub struct LogKeeper(pub Arc<LogRing>);

impl<S: Subscriber> Layer<S> for LogKeeper {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = FieldText::default();
        event.record(&mut text);
        let metadata = event.metadata();
        self.0.add(wall_clock::since_epoch(), level(*metadata.level()), metadata.target(), text.0);
    }
}

fn level(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    }
}

/// The message, and the fields behind it: `calibrated max_steps=1450`.
#[derive(Default)]
struct FieldText(String);

impl Visit for FieldText {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let space = if self.0.is_empty() { "" } else { " " };
        // A text takes whatever is written.
        let _ = match field.name() {
            "message" => write!(self.0, "{space}{value:?}"),
            name => write!(self.0, "{space}{name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::log_ring::LogSearch;

    #[test]
    fn a_line_is_its_message_and_its_fields() {
        let ring = Arc::new(LogRing::default());
        let subscriber = tracing_subscriber::registry().with(LogKeeper(Arc::clone(&ring)));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(steps = 7, name = "left", "calibrated {}", "again");
            tracing::debug!("said");
        });
        let wanted = LogSearch { since: 0, level: LogLevel::Warn, search: String::new(), count: 9 };
        let found = ring.find(&wanted);
        assert_eq!(found.lines.len(), 1);
        assert_eq!(found.lines[0].text, "calibrated again steps=7 name=left");
        assert_eq!(found.lines[0].part, module_path!());
        assert_eq!(found.newest, 2);
    }
}
