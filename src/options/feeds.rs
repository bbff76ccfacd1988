//! Options of the feeds: where other programs reach the axis, and the devices that follow it.
//!
//! A port here is open to programs on this host. Whether it is also open beyond is no start option but a stored setting
//! that an administrator changes: a file that was copied from elsewhere opens nothing to the network.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Feeds: where other programs reach the axis, and the devices that follow it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeedOptions {
    /// UDP port for T-Code; 0 means none.
    pub tcode_udp: u16,
    /// TCP port for T-Code; 0 means none.
    pub tcode_tcp: u16,
    /// TCP port of the Buttplug server; 0 means none.
    pub buttplug: u16,
    /// Serial line for T-Code.
    pub tcode_serial: Option<PathBuf>,
    /// Baud rate of that line (bit/s), one of [`FeedOptions::BAUD_RATES`].
    pub tcode_baud: u32,
    /// Link to a pseudo terminal for T-Code, which is made at the start; an absolute path.
    pub tcode_pty: Option<PathBuf>,
    /// True to answer to the name `tcode.local` in the network. Programs for such devices try it first.
    pub tcode_local: bool,
    /// Address of Intiface's WebSocket for devices, `ws://host:port`, to which the axis presents itself.
    pub intiface: Option<String>,
    /// Devices that follow the axis, at most [`FeedOptions::MAX_MIRRORS`].
    pub mirror: Vec<MirrorOptions>,
}

impl Default for FeedOptions {
    fn default() -> Self {
        FeedOptions {
            // Those that the programs have as their own default.
            tcode_udp: 8_000,
            tcode_tcp: 8_000,
            buttplug: 12_345,
            tcode_serial: None,
            tcode_baud: 115_200,
            tcode_pty: None,
            tcode_local: false,
            intiface: None,
            mirror: Vec::new(),
        }
    }
}

impl FeedOptions {
    /// Baud rates of a serial line for T-Code (bit/s).
    pub const BAUD_RATES: [u32; 9] =
        [9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600, 1_000_000];
    /// Largest number of devices that follow the axis.
    pub const MAX_MIRRORS: usize = 4;

    /// No port at all: for several servers on one host.
    #[must_use]
    pub fn off() -> FeedOptions {
        FeedOptions { tcode_udp: 0, tcode_tcp: 0, buttplug: 0, ..FeedOptions::default() }
    }
}

/// A device that follows the axis: T-Code out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MirrorOptions {
    /// The device.
    pub to: MirrorTarget,
    /// Share of the device's travel for the back of this axis, 0 to 1. Above `high` it turns the direction round.
    #[serde(default = "MirrorOptions::low")]
    pub low: f64,
    /// Share of the device's travel for the front of this axis, 0 to 1.
    #[serde(default = "MirrorOptions::high")]
    pub high: f64,
    /// Time by which the device follows later (ms), 0 to 5000.
    #[serde(default)]
    pub delay_ms: u32,
    /// Time between two lines (ms), 3 to 1000.
    #[serde(default = "MirrorOptions::interval_ms")]
    pub interval_ms: u32,
}

impl MirrorOptions {
    fn low() -> f64 {
        0.0
    }

    fn high() -> f64 {
        1.0
    }

    fn interval_ms() -> u32 {
        20
    }
}

/// A device that follows the axis, by its address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum MirrorTarget {
    /// Datagrams to `host:port`
    Udp(String),
    /// A WebSocket, as its whole address with `ws://`
    WebSocket(String),
    /// A serial device of this host, by its absolute path
    Serial(PathBuf),
}

impl TryFrom<String> for MirrorTarget {
    type Error = String;

    fn try_from(text: String) -> Result<MirrorTarget, String> {
        if let Some(address) = text.strip_prefix("udp://")
            && has_port(address)
        {
            return Ok(MirrorTarget::Udp(address.to_owned()));
        }
        if is_ws_address(&text) {
            return Ok(MirrorTarget::WebSocket(text));
        }
        if text.starts_with('/') {
            return Ok(MirrorTarget::Serial(text.into()));
        }
        Err(format!(
            "{text:?} must be \"udp://HOST:PORT\", \"ws://HOST/PATH\" or the path of a serial device, as in \
             \"/dev/ttyUSB0\""
        ))
    }
}

impl From<MirrorTarget> for String {
    fn from(target: MirrorTarget) -> String {
        target.to_string()
    }
}

impl fmt::Display for MirrorTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MirrorTarget::Udp(address) => write!(f, "udp://{address}"),
            MirrorTarget::WebSocket(address) => f.write_str(address),
            MirrorTarget::Serial(device) => write!(f, "{}", device.display()),
        }
    }
}

/// True for `ws://host`, perhaps with a port and a path. There is no TLS, so `wss://` is none.
pub(super) fn is_ws_address(address: &str) -> bool {
    let Some(rest) = address.strip_prefix("ws://") else { return false };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let has_name = has_port(host) || (is_host(host) && !host.contains(':'));
    has_name && path.chars().all(|c| c.is_ascii_graphic() && c != '#')
}

/// True for `host:port`; an IPv6 address is in brackets.
pub(super) fn has_port(address: &str) -> bool {
    let Some((host, port)) = address.rsplit_once(':') else { return false };
    is_host(host) && port.parse().is_ok_and(|port: u16| port > 0)
}

/// True for a name, an IPv4 address, or an IPv6 address in brackets.
fn is_host(host: &str) -> bool {
    match host.strip_prefix('[') {
        Some(v6) => v6.strip_suffix(']').is_some_and(|v6| v6.parse::<std::net::Ipv6Addr>().is_ok()),
        None => {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
            (1..=253).contains(&host.len()) && host.chars().all(plain)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_and_written_alike() {
        for (text, target) in [
            ("udp://192.168.1.20:8000", MirrorTarget::Udp("192.168.1.20:8000".into())),
            ("udp://tcode.local:8000", MirrorTarget::Udp("tcode.local:8000".into())),
            ("udp://[fe80::1]:8000", MirrorTarget::Udp("[fe80::1]:8000".into())),
            ("ws://arm.local/ws", MirrorTarget::WebSocket("ws://arm.local/ws".into())),
            ("ws://[::1]:81", MirrorTarget::WebSocket("ws://[::1]:81".into())),
            ("/dev/ttyUSB0", MirrorTarget::Serial("/dev/ttyUSB0".into())),
        ] {
            assert_eq!(MirrorTarget::try_from(text.to_owned()), Ok(target.clone()));
            assert_eq!(target.to_string(), text);
        }
        for text in [
            "",
            "tty",
            "udp://host",
            "udp://host:0",
            "udp://host:65536",
            "udp://:8000",
            "udp://a b:8000",
            "udp://::1:8000",
            "udp://[1.2.3.4]:8000",
            "wss://host/ws",
            "ws://",
            "ws:///ws",
            "ws://host:/ws",
            "ws://host/a b",
            "http://host",
        ] {
            let wrong = MirrorTarget::try_from(text.to_owned()).unwrap_err();
            assert!(wrong.starts_with(&format!("{text:?} must be \"udp://HOST:PORT\"")), "{wrong}");
        }
    }

    #[test]
    fn a_mirror_needs_only_its_target() {
        let options: FeedOptions = toml::from_str("[[mirror]]\nto = '/dev/ttyUSB0'").unwrap();
        let mirror = MirrorOptions {
            to: MirrorTarget::Serial("/dev/ttyUSB0".into()),
            low: 0.0,
            high: 1.0,
            delay_ms: 0,
            interval_ms: 20,
        };
        assert_eq!(options, FeedOptions { mirror: vec![mirror], ..FeedOptions::default() });
        assert!(toml::from_str::<FeedOptions>("[[mirror]]\nlow = 0.5").is_err());
    }
}
