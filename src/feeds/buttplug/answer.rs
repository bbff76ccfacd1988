//! Messages of the server. Each is a text frame of its own: a JSON array of one object with one key.
//!
//! One message for each frame, because a client may stop reading a frame behind the first device list in it.

use serde_json::{Map, Value, json};

use super::device::{self, DEVICE_INDEX};
use super::reading::ButtplugReading;
use super::refusal::ButtplugRefusal;
use super::version::{self, SpecVersion};

/// `Id` of what the server says unasked, and of the answer to a message whose own cannot be read.
pub const SYSTEM_ID: u32 = 0;

/// Frame that says that a message was carried out.
pub fn ok(id: u32) -> String {
    frame("Ok", id, Map::new())
}

/// Frame that says why a message was refused.
pub fn error(id: u32, refusal: &ButtplugRefusal) -> String {
    let fields = json!({ "ErrorMessage": refusal.reason, "ErrorCode": refusal.code.number() });
    frame("Error", id, object(fields))
}

/// Frame that answers a handshake.
pub fn server_info(id: u32, version: SpecVersion) -> String {
    frame("ServerInfo", id, version::server_info(version))
}

/// Frame with the device list.
pub fn device_list(id: u32, version: SpecVersion, vibrates: bool) -> String {
    frame("DeviceList", id, object(json!({ "Devices": device::devices(version, vibrates) })))
}

/// Frame that says that the search for devices has ended. It has no `Id` of a message that it would answer.
pub fn scanning_finished() -> String {
    frame("ScanningFinished", SYSTEM_ID, Map::new())
}

/// Frame with a reading, as the answer to a request or, with [`SYSTEM_ID`], to a subscription.
pub fn input_reading(id: u32, reading: ButtplugReading) -> String {
    let kind = reading.kind();
    let fields = json!({
        "DeviceIndex": DEVICE_INDEX,
        "FeatureIndex": kind.feature(),
        "Reading": { kind.name(): { "Value": reading.value() } },
    });
    frame("InputReading", id, object(fields))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn frame(name: &str, id: u32, fields: Map<String, Value>) -> String {
    let mut message = Map::new();
    message.insert("Id".to_owned(), json!(id));
    message.extend(fields);
    json!([{ name: message }]).to_string()
}
