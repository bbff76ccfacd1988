//! Introduction to Intiface: the first frame to its device WebSocket server, and the file with which it knows the name.
//!
//! Intiface serves programs that speak Buttplug, and passes their commands to devices. Its device WebSocket server lets
//! a device in that connects to it: the device sends one text frame with its name and address, and from then on
//! receives T-Code in binary frames. Nothing is answered. Intiface only accepts names that its device configuration has
//! with a protocol; the user adds ours as a file.

use super::json::json_string;

/// Name under which the machine introduces itself; the configuration below has the same.
const IDENTIFIER: &str = "yep";

/// File name that Intiface gives its user device configuration.
pub const DEVICE_CONFIG_NAME: &str = "buttplug-user-device-config.json";

/// Format of the device configuration. Intiface refuses a file of another major version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceConfigFormat {
    /// Intiface built on Buttplug server 10 or older.
    V4,
    /// Newer Intiface.
    V5,
}

/// First frame after the connection, to be sent as text. `serial` is the serial number of this machine or another text
/// that tells it from others, as Intiface keeps its settings of a device by this address.
pub fn handshake(serial: &str) -> String {
    let address = json_string(&format!("{IDENTIFIER}-{serial}"));
    format!(r#"{{"identifier":"{IDENTIFIER}","address":{address},"version":0}}"#)
}

/// Content of the user device configuration: the name belongs to T-Code 0.3.
pub fn device_config(format: DeviceConfigFormat) -> String {
    // The minor version is not compared.
    let (major, minor) = match format {
        DeviceConfigFormat::V4 => (4, 0),
        DeviceConfigFormat::V5 => (5, 57),
    };
    let communication = format!(r#"[{{"websocket":{{"name":"{IDENTIFIER}"}}}}]"#);
    let protocols = format!(r#"{{"tcode-v03":{{"communication":{communication}}}}}"#);
    format!(r#"{{"version":{{"major":{major},"minor":{minor}}},"user_configs":{{"protocols":{protocols}}}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_introduction_as_intiface_reads_it() {
        assert_eq!(handshake("1a2b"), r#"{"identifier":"yep","address":"yep-1a2b","version":0}"#);
        assert_eq!(handshake("\"\n"), r#"{"identifier":"yep","address":"yep-\"\n","version":0}"#);
    }

    #[test]
    fn the_configuration_of_both_formats() {
        assert_eq!(
            device_config(DeviceConfigFormat::V5),
            concat!(
                r#"{"version":{"major":5,"minor":57},"user_configs":{"protocols":{"#,
                r#""tcode-v03":{"communication":[{"websocket":{"name":"yep"}}]}}}}"#
            )
        );
        assert!(device_config(DeviceConfigFormat::V4).starts_with(r#"{"version":{"major":4,"minor":0},"#));
    }
}
