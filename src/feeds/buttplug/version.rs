//! Versions of the Buttplug message specification, and the handshake that settles one of them.
//!
//! Versions 1 to 3 are asked for as `MessageVersion`, version 0 by not asking, version 4 as `ProtocolVersionMajor`. The
//! answer repeats the client's own number: clients refuse a server whose number is smaller than theirs.
//!
//! No ping is demanded (`MaxPingTime` 0). Several client libraries never send one, though a server asks for it; whether
//! a client is still there is seen from the pings of its WebSocket instead.

use serde_json::{Map, Value, json};

use super::fields::{Fields, quoted};
use super::refusal::ButtplugRefusal;

/// Name of the server in the handshake.
pub const SERVER_NAME: &str = "yep";

/// Version of the message specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpecVersion {
    /// 2017: commands of single devices.
    V0,
    /// `LinearCmd` and `VibrateCmd` for all devices.
    V1,
    /// Step counts.
    V2,
    /// `ScalarCmd`.
    V3,
    /// `OutputCmd` and `InputCmd`.
    V4,
}

impl SpecVersion {
    /// All of them, oldest first.
    pub const ALL: [SpecVersion; 5] =
        [SpecVersion::V0, SpecVersion::V1, SpecVersion::V2, SpecVersion::V3, SpecVersion::V4];

    /// Its number.
    pub const fn number(self) -> u8 {
        match self {
            SpecVersion::V0 => 0,
            SpecVersion::V1 => 1,
            SpecVersion::V2 => 2,
            SpecVersion::V3 => 3,
            SpecVersion::V4 => 4,
        }
    }
}

/// Client's side of a handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ButtplugHello {
    /// Name of the program, for people: short, without control characters.
    pub client_name: String,
    /// Version that it speaks.
    pub version: SpecVersion,
}

/// Reads the fields of `RequestServerInfo`.
///
/// # Errors
/// A name or a number is missing or of another type; the version is one that does not exist yet.
pub fn hello(fields: Fields) -> Result<ButtplugHello, ButtplugRefusal> {
    // A handshake that did not succeed has a code of its own, whatever was wrong with it.
    let init = |refusal: ButtplugRefusal| ButtplugRefusal::init(refusal.reason);
    let client_name = quoted(fields.text("ClientName").map_err(init)?);
    let (key, known) = if fields.optional("ProtocolVersionMajor").is_some() {
        ("ProtocolVersionMajor", &SpecVersion::ALL[4..])
    } else if fields.optional("MessageVersion").is_some() {
        ("MessageVersion", &SpecVersion::ALL[..4])
    } else {
        return Ok(ButtplugHello { client_name, version: SpecVersion::V0 });
    };
    let number = fields.number(key).map_err(init)?;
    let version = known.iter().copied().find(|version| number == f64::from(version.number()));
    match version {
        Some(version) => Ok(ButtplugHello { client_name, version }),
        None => Err(ButtplugRefusal::init(format!(
            "{key} {} is not served here; {SERVER_NAME} speaks version 4.0, and MessageVersion 0 to 3",
            quoted(&number.to_string()),
        ))),
    }
}

/// Fields of `ServerInfo` without its `Id`, for a client of `version`.
pub fn server_info(version: SpecVersion) -> Map<String, Value> {
    let mut info = Map::new();
    info.insert("ServerName".to_owned(), json!(SERVER_NAME));
    info.insert("MaxPingTime".to_owned(), json!(0));
    if version == SpecVersion::V4 {
        info.insert("ProtocolVersionMajor".to_owned(), json!(4));
        info.insert("ProtocolVersionMinor".to_owned(), json!(0));
        return info;
    }
    info.insert("MessageVersion".to_owned(), json!(version.number()));
    // The version of the server's software left the message with version 2, and its clients were strict about it.
    if version <= SpecVersion::V1 {
        for key in ["MajorVersion", "MinorVersion", "BuildVersion"] {
            info.insert(key.to_owned(), json!(0));
        }
    }
    info
}
