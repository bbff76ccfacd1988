//! From where feeds may come. Most of their protocols have neither a name nor a password, so it is the address that counts.

use std::net::IpAddr;

use crate::store::FeedSettings;

/// A protocol, as far as it is switched on by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedProtocol {
    /// T-Code, on each of its transports.
    Tcode,
    /// Messages for a Buttplug server.
    Buttplug,
}

impl FeedProtocol {
    /// Name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FeedProtocol::Tcode => "tcode",
            FeedProtocol::Buttplug => "buttplug",
        }
    }

    /// Name for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            FeedProtocol::Tcode => "T-Code",
            FeedProtocol::Buttplug => "Buttplug",
        }
    }
}

/// True if an admin has switched this protocol on for other computers.
#[must_use]
pub fn is_open(settings: &FeedSettings, protocol: FeedProtocol) -> bool {
    match protocol {
        FeedProtocol::Tcode => settings.tcode_beyond_loopback,
        FeedProtocol::Buttplug => settings.buttplug_beyond_loopback,
    }
}

/// True if a feed of that computer may move the axis. `trusts_local` says that this computer itself needs no switch. Without a
/// list of hosts it may be any in a network of this house.
#[must_use]
pub fn admits(settings: &FeedSettings, protocol: FeedProtocol, peer: IpAddr, trusts_local: bool) -> bool {
    let peer = peer.to_canonical();
    if peer.is_loopback() && trusts_local {
        return true;
    }
    if !is_open(settings, protocol) {
        return false;
    }
    let hosts = &settings.allowed_hosts;
    if hosts.is_empty() { is_private(peer) } else { hosts.iter().any(|host| host.to_canonical() == peer) }
}

fn is_private(peer: IpAddr) -> bool {
    match peer {
        IpAddr::V4(peer) => peer.is_private() || peer.is_link_local() || peer.is_loopback(),
        IpAddr::V6(peer) => peer.is_unique_local() || peer.is_unicast_link_local() || peer.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(settings: &FeedSettings, peer: &str) -> bool {
        admits(settings, FeedProtocol::Tcode, peer.parse().unwrap(), true)
    }

    #[test]
    fn other_computers_come_in_by_a_switch_only_and_strangers_never() {
        let mut settings = FeedSettings::default();
        assert!(admitted(&settings, "127.0.0.1") && admitted(&settings, "::1"));
        assert!(admitted(&settings, "::ffff:127.0.0.1"));
        assert!(!admits(&settings, FeedProtocol::Tcode, "127.0.0.1".parse().unwrap(), false));
        assert!(!admitted(&settings, "192.168.1.20"));
        settings.buttplug_beyond_loopback = true;
        assert!(!admitted(&settings, "192.168.1.20"));
        settings.tcode_beyond_loopback = true;
        for (peer, comes_in) in [
            ("192.168.1.20", true),
            ("10.1.2.3", true),
            ("fe80::1", true),
            ("8.8.8.8", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(admitted(&settings, peer), comes_in, "{peer}");
        }
        settings.allowed_hosts = vec!["8.8.8.8".parse().unwrap()];
        assert!(admitted(&settings, "8.8.8.8") && !admitted(&settings, "192.168.1.20"));
    }
}
