//! What clients send on their sockets: messages for a stream, some of which are commands.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::bus::{self, COMMANDS, STATUS};
use super::charge::client::Client;
use super::charge::fence::Stops;
use super::charge::lease::NotInCharge;
use super::close_reason::CloseReason;
use super::coerce;
use super::commands::{CommandError, STOP};
use super::context::Context;
use super::json;
use super::port::MachineLocation;
use super::problem::ProblemCode;
use crate::auth::Role;

/// How many commands of one socket may wait for the machine's decision.
const WAITING_COMMANDS: usize = 64;
/// A frame up to this length is read in less time than handing it over takes.
const SHORT_BYTES: usize = 4 * 1024;

/// Publishes for one socket, and obeys it if it may command.
pub struct Publisher {
    ctx: Arc<Context>,
    client: Client,
    /// The listeners were told of a command that was not taken.
    warned: bool,
    /// Commands wait here, so that a STOP behind them is read at once; each with the STOPs behind which it came.
    commands: mpsc::Sender<(Stops, String)>,
}

impl Publisher {
    /// For that client.
    #[must_use]
    pub fn new(ctx: &Arc<Context>, client: Client) -> Publisher {
        let (commands, mut waiting) = mpsc::channel::<(Stops, String)>(WAITING_COMMANDS);
        let (service, devices, sender) =
            (Arc::clone(&ctx.commands), Arc::clone(&ctx.devices), client.clone());
        // A task of its own: what was accepted is carried out, even if the client leaves.
        ctx.workers.spawn(async move {
            while let Some((stops, command)) = waiting.recv().await {
                if !devices.knows(&sender) {
                    return;
                }
                if let Err(no) = service.execute(&sender, stops, &command).await {
                    tracing::info!(command, ?no, "a command on the stream was not obeyed");
                }
            }
        });
        Publisher { ctx: Arc::clone(ctx), client, warned: false, commands }
    }

    /// Takes one text frame. A long one is read where requests are worked on.
    ///
    /// # Errors
    /// Why the socket must be closed.
    pub async fn take(&mut self, text: Utf8Bytes) -> Result<(), CloseReason> {
        if text.is_empty() {
            return Ok(());
        }
        let frame = if text.len() <= SHORT_BYTES {
            parse(&text)
        } else {
            self.ctx.workers.spawn(async move { parse(&text) }).await.unwrap_or_default()
        };
        let (stream, fields) = frame.ok_or(CloseReason::BadFrame)?;
        let command = fields.iter().find(|(name, _)| stream == COMMANDS && name == "type");
        let command = command.map(|(_, command)| command.clone());
        let is_stop = command.as_deref() == Some(STOP);
        let may_publish = match stream.as_str() {
            COMMANDS => is_stop || self.client.may_move(),
            STATUS => self.client.may_move() || self.client.caller.role == Role::Machine,
            // What nobody can hear may be a slip of the pen, and in it a STOP.
            _ => false,
        };
        if !may_publish {
            return Err(CloseReason::NotAllowed);
        }
        let device = fields.iter().find(|(name, _)| stream == STATUS && name == "device");
        if device.is_some_and(|(_, device)| !self.may_speak_for(device)) {
            return Err(CloseReason::NotAllowed);
        }
        if is_stop {
            self.ctx.commands.raise_stop();
            self.ctx.commands.stopped_by(Some(self.client.clone()));
        }
        let may_give = |command| self.ctx.commands.may_give(&self.client, command, None);
        let given = command.as_deref().map(may_give).transpose();
        let Ok(stops) = given.map_err(|no| self.warn(command.as_deref().unwrap_or_default(), &no)) else {
            // Nobody hears it: a yep-machine would start.
            return Ok(());
        };
        if command.is_some() && core::mem::take(&mut self.warned) {
            self.ctx.bus.mention(STATUS, &[("device", "queue"), ("type", "waiting")]);
        }
        let borrowed: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.ctx.bus.relay(&stream, &borrowed);
        match command.zip(stops) {
            Some((command, stops)) if !is_stop && self.ctx.port.location() == MachineLocation::Local => {
                self.commands.try_send((stops, command)).map_err(|_| CloseReason::NotAllowed)
            }
            _ => Ok(()),
        }
    }

    /// A yep-machine elsewhere is the machine; what this process says of itself nobody else says.
    fn may_speak_for(&self, device: &str) -> bool {
        !bus::is_own(device)
            || (self.ctx.port.location() == MachineLocation::Remote && device == bus::MACHINE)
    }

    /// Tells the listeners once that commands of this client are not taken; a frame has no answer.
    fn warn(&mut self, command: &str, no: &CommandError) {
        let (code, why) = match no {
            CommandError::Fenced(fenced) if fenced.first => (ProblemCode::Stopped, fenced.to_string()),
            CommandError::NotInCharge(NotInCharge { holder }) if !self.warned => {
                (ProblemCode::NotInCharge, format!("{holder} is in charge of the machine"))
            }
            _ => return,
        };
        let (code, why) = (code.name(), format!("{command} is not obeyed: {why}"));
        tracing::warn!("{why}");
        let fields =
            [("device", "queue"), ("type", "warning"), ("command", command), ("code", code), ("why", &why)];
        self.ctx.bus.mention(STATUS, &fields);
        self.warned = true;
    }
}

/// The stream and the fields of a frame, all as text; none when there is anything else in it.
fn parse(text: &str) -> Option<(String, Vec<(String, String)>)> {
    let Value::Object(mut map) = json::read(text.as_bytes()).ok()? else { return None };
    let stream = scalar(&map.shift_remove("stream")?)?;
    // The id is ours to give.
    map.shift_remove(bus::MESSAGE_ID);
    if map.is_empty() {
        return None;
    }
    let fields = map.into_iter().map(|(name, value)| Some((name, scalar(&value)?)));
    Some((stream, fields.collect::<Option<_>>()?))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(coerce::number_text(number)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_a_stream_and_scalars() {
        let (stream, fields) = parse(r#"{"stream": "s", "a": "x", "b": 1, "c": 2.50}"#).unwrap();
        assert_eq!(stream, "s");
        let expected = [("a", "x"), ("b", "1"), ("c", "2.5")];
        assert_eq!(fields, expected.map(|(name, value)| (name.into(), value.into())));
    }

    #[test]
    fn everything_else_is_bad() {
        for text in [
            "{",
            "[]",
            "1",
            "null",
            r#"[{"stream": "s", "a": "b"}]"#,
            r#"{"stream": "s"}"#,
            r#"{"a": "b"}"#,
            r#"{"stream": null, "a": "b"}"#,
            r#"{"stream": "s", "a": true}"#,
            r#"{"stream": "s", "a": null}"#,
            r#"{"stream": "s", "a": {"b": 1}}"#,
            r#"{"stream": "s", "a": [1]}"#,
            r#"{"stream": "s", "message_id": "1-1"}"#,
            r#"{"stream": "s", "a": "b", "a": "b"}"#,
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
