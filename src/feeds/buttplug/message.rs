//! Messages of a client: a text frame split into its messages, and each message as one typed enum.
//!
//! A frame is read to its end before anything of it is carried out. If it is no JSON, or has more messages than a
//! program sends at once, none of it is; its answer then has the `Id` 0. Inside a frame each message stands for itself:
//! a bad one is refused, and those around it are carried out.
//!
//! A message is known in the versions that have it. Stops and `Disconnect` are taken in every version and with any
//! content: a stop that is refused for its spelling does not stop.

use serde_json::{Map, Value};

use super::answer::SYSTEM_ID;
use super::device::DEVICE_INDEX;
use super::fields::{Fields, quoted};
use super::outputs;
use super::reading::ReadingKind;
use super::refusal::ButtplugRefusal;
use super::version::SpecVersion;
use crate::motion::feed::FeedTarget;

/// Most messages in one frame.
pub const MAX_MESSAGES: usize = 64;
/// Longest frame, in bytes.
pub const MAX_FRAME_BYTES: usize = 64 * 1024;

/// Name of the message that begins a connection.
pub const HANDSHAKE: &str = "RequestServerInfo";

/// What a client asks for, in whichever version it said so.
#[derive(Debug, Clone, PartialEq)]
pub enum ButtplugRequest {
    /// A sign of life; also what is answered with `Ok` and has no effect here.
    Ping,
    /// The device list.
    RequestDeviceList,
    /// The search for devices, which ends at once.
    StartScanning,
    /// The end of that search.
    StopScanning,
    /// A place to be at.
    Toward(FeedTarget),
    /// Strokes.
    Oscillate {
        /// Share of the highest speed; 0 ends the strokes.
        share: f64,
    },
    /// Vibration.
    Vibrate {
        /// Share of the highest strength; 0 ends it.
        share: f64,
    },
    /// To rest where it is: a move at speed 0.
    Rest,
    /// A stop.
    Stop {
        /// True if the axis is meant.
        outputs: bool,
        /// Readings whose subscriptions end.
        inputs: Vec<ReadingKind>,
    },
    /// One reading.
    Read(ReadingKind),
    /// Readings from now on.
    Subscribe(ReadingKind),
    /// No more readings.
    Unsubscribe(ReadingKind),
    /// The end of the connection.
    Disconnect,
}

/// One message of a frame, before its fields are read.
#[derive(Debug, Clone, PartialEq)]
pub struct RawMessage {
    /// Number that its answer repeats; 0 if it has no valid one.
    pub id: u32,
    /// Its name and its fields, or why it is no message.
    pub content: Result<(String, Map<String, Value>), ButtplugRefusal>,
}

/// The messages of a text frame, in their order.
///
/// # Errors
/// The frame as a whole is no list of messages; nothing of it is to be carried out.
pub fn split(text: &str) -> Result<Vec<RawMessage>, ButtplugRefusal> {
    if text.len() > MAX_FRAME_BYTES {
        let reason = format!("a frame has at most {MAX_FRAME_BYTES} bytes; send fewer messages at once");
        return Err(ButtplugRefusal::message(reason));
    }
    // The parser bounds the nesting itself.
    let value: Value = serde_json::from_str(text)
        .map_err(|error| ButtplugRefusal::message(format!("the frame is no JSON: {error}")))?;
    match value {
        Value::Array(messages) if messages.len() > MAX_MESSAGES => {
            let reason =
                format!("a frame has at most {MAX_MESSAGES} messages; none of these was carried out");
            Err(ButtplugRefusal::message(reason))
        }
        Value::Array(messages) => Ok(messages.into_iter().map(raw).collect()),
        value => {
            let reason = "messages are objects in an array";
            Ok(vec![RawMessage { content: Err(ButtplugRefusal::message(reason)), ..raw(value) }])
        }
    }
}

fn raw(value: Value) -> RawMessage {
    let no_message = |id| RawMessage {
        id,
        content: Err(ButtplugRefusal::message(
            "a message is an object with one key, whose value is an object",
        )),
    };
    let Value::Object(object) = value else { return no_message(SYSTEM_ID) };
    let id = object.values().find_map(valid_id);
    let mut entries = object.into_iter();
    match (entries.next(), entries.next(), id) {
        (Some((name, Value::Object(fields))), None, Some(id)) => {
            RawMessage { id, content: Ok((name, fields)) }
        }
        (Some((name, Value::Object(_))), None, None) => {
            let reason =
                format!("{} has no Id; it must be a whole number from 1 to {}", quoted(&name), u32::MAX);
            RawMessage { id: SYSTEM_ID, content: Err(ButtplugRefusal::message(reason)) }
        }
        _ => no_message(id.unwrap_or(SYSTEM_ID)),
    }
}

/// The `Id` of a message with these fields. 0 belongs to the server.
fn valid_id(fields: &Value) -> Option<u32> {
    let id = fields.get("Id")?.as_u64()?;
    u32::try_from(id).ok().filter(|id| *id != SYSTEM_ID)
}

/// The request of the message `name` on a connection of `version`.
///
/// # Errors
/// There is no such message in this version, or its fields are not what it needs.
pub fn parse(
    name: &str,
    fields: &Map<String, Value>,
    version: SpecVersion,
) -> Result<ButtplugRequest, ButtplugRefusal> {
    use SpecVersion::{V0, V1, V2, V3, V4};
    let fields = &Fields::new(name, fields);
    let between = |first: SpecVersion, last: SpecVersion| {
        if (first..=last).contains(&version) {
            return Ok(());
        }
        let (first, last, here) = (first.number(), last.number(), version.number());
        let reason =
            format!("{name} belongs to the versions {first} to {last}; this connection speaks {here}");
        Err(ButtplugRefusal::message(reason))
    };
    match name {
        "Ping" => Ok(ButtplugRequest::Ping),
        "RequestDeviceList" => Ok(ButtplugRequest::RequestDeviceList),
        "StartScanning" => Ok(ButtplugRequest::StartScanning),
        "StopScanning" => Ok(ButtplugRequest::StopScanning),
        "StopCmd" => Ok(stop(fields)),
        "StopDeviceCmd" | "StopAllDevices" => Ok(stop_everything()),
        "Disconnect" => Ok(ButtplugRequest::Disconnect),
        "OutputCmd" => between(V4, V4).and_then(|()| outputs::output(fields)),
        "InputCmd" => between(V4, V4).and_then(|()| input(fields)),
        "ScalarCmd" => between(V3, V3).and_then(|()| outputs::scalar(fields)),
        "LinearCmd" => between(V1, V3).and_then(|()| outputs::linear(fields)),
        "VibrateCmd" => between(V1, V2).and_then(|()| outputs::vibrate(fields)),
        // Servers of version 1 took the commands of version 0 as well, and its clients send them.
        "SingleMotorVibrateCmd" => between(V0, V1).and_then(|()| outputs::single_motor(fields)),
        "FleshlightLaunchFW12Cmd" => between(V0, V1).and_then(|()| outputs::launch(fields)),
        // A log is not sent to clients, and an old client needs no more than to hear that it was asked for.
        "RequestLog" | "Test" => between(V0, V3).map(|()| ButtplugRequest::Ping),
        other => Err(ButtplugRefusal::message(format!("there is no message {} here", quoted(other)))),
    }
}

fn stop_everything() -> ButtplugRequest {
    ButtplugRequest::Stop { outputs: true, inputs: ReadingKind::ALL.to_vec() }
}

/// `StopCmd`. What it does not narrow down legibly is stopped: an index of another device or of a feature that is not
/// there may be one that the client remembers from before.
fn stop(fields: &Fields) -> ButtplugRequest {
    let wanted = |key: &str| fields.optional(key).and_then(Value::as_bool) != Some(false);
    let index = |key: &str| fields.optional(key).and_then(Value::as_u64);
    let named = index("DeviceIndex")
        .filter(|device| *device == u64::from(DEVICE_INDEX))
        .and_then(|_| index("FeatureIndex"));
    let has = |kind: &ReadingKind| named.is_none_or(|feature| feature == u64::from(kind.feature()));
    // The force sensor has nothing to stop.
    let is_sensor = named == Some(u64::from(ReadingKind::Pressure.feature()));
    ButtplugRequest::Stop {
        outputs: wanted("Outputs") && !is_sensor,
        inputs: if wanted("Inputs") {
            ReadingKind::ALL.into_iter().filter(has).collect()
        } else {
            Vec::new()
        },
    }
}

/// `InputCmd` of version 4.
fn input(fields: &Fields) -> Result<ButtplugRequest, ButtplugRefusal> {
    outputs::check_device(fields)?;
    let feature = fields.number("FeatureIndex")?;
    let name = fields.text("Type")?;
    let kind = ReadingKind::ALL.into_iter().find(|kind| kind.name() == name);
    let Some(kind) = kind.filter(|kind| feature == f64::from(kind.feature())) else {
        let known = ReadingKind::ALL.map(|kind| format!("{} of feature {}", kind.name(), kind.feature()));
        let (feature, name, known) = (quoted(&feature.to_string()), quoted(name), known.join(" and "));
        let reason = format!("feature {feature} has no input {name}; there is {known}");
        return Err(ButtplugRefusal::device(reason));
    };
    match fields.text("Command")? {
        "Read" => Ok(ButtplugRequest::Read(kind)),
        "Subscribe" => Ok(ButtplugRequest::Subscribe(kind)),
        "Unsubscribe" => Ok(ButtplugRequest::Unsubscribe(kind)),
        other => Err(ButtplugRefusal::message(format!(
            "Command of InputCmd is {}; it must be Read, Subscribe or Unsubscribe",
            quoted(other),
        ))),
    }
}
