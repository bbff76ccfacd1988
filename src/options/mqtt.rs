//! Options of MQTT: the broker that hears how the machine is.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// MQTT; nothing is sent without a broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MqttOptions {
    /// Address of the broker, `host:port`; `None` means that there is none.
    pub broker: Option<String>,
    /// Name of the user at the broker; without one nobody signs in.
    pub user: Option<String>,
    /// File with the password; `None` means the environment variable [`MqttOptions::PASSWORD`]. The password itself is never an
    /// option, as options are logged and copied.
    pub password_file: Option<PathBuf>,
    /// Whether the connection is encrypted, and the broker proves its name.
    pub tls: bool,
    /// File with the certificates that the broker's is proven by (PEM); `None` means those of the system.
    pub ca_file: Option<PathBuf>,
    /// First part of all topics, before the number of the machine.
    pub prefix: String,
    /// First part of the topics in which Home Assistant looks for devices; empty if it should find none.
    pub discovery: String,
}

impl MqttOptions {
    /// The environment variable with the password.
    pub const PASSWORD: &str = "YEP_MQTT_PASSWORD";

    /// Host and port of the broker. The rules of the options have checked that it has both.
    #[must_use]
    pub fn broker_address(&self) -> Option<(String, u16)> {
        let (host, port) = self.broker.as_ref()?.rsplit_once(':')?;
        Some((host.trim_matches(['[', ']']).to_owned(), port.parse().ok()?))
    }
}

impl Default for MqttOptions {
    fn default() -> Self {
        MqttOptions {
            broker: None,
            user: None,
            password_file: None,
            tls: false,
            ca_file: None,
            prefix: "yep".to_owned(),
            discovery: "homeassistant".to_owned(),
        }
    }
}

/// True for a part of a topic: printable, without the characters that mean several topics.
pub(super) fn is_topic(topic: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '+' | '#' | '$');
    (1..=64).contains(&topic.len())
        && topic.chars().all(plain)
        && topic.split('/').all(|level| !level.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_plain() {
        for good in ["yep", "house/floor-1/yep", "a"] {
            assert!(is_topic(good), "{good}");
        }
        for bad in ["", "/yep", "yep/", "a//b", "a+b", "#", "$SYS", "a b", "ž"] {
            assert!(!is_topic(bad), "{bad}");
        }
    }

    #[test]
    fn an_address_has_two_parts() {
        let of = |broker: &str| MqttOptions { broker: Some(broker.into()), ..MqttOptions::default() };
        assert_eq!(of("a.example:1883").broker_address(), Some(("a.example".into(), 1883)));
        assert_eq!(of("[::1]:8883").broker_address(), Some(("::1".into(), 8883)));
        assert_eq!(MqttOptions::default().broker_address(), None);
    }
}
