//! Rule 1: the Host header names this server, or the request is not for it.
//!
//! This is what stops DNS rebinding: a foreign page whose name suddenly resolves to this machine still sends
//! its own name as Host.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use hyper::header::{HOST, HeaderMap};

use super::own_names::OwnNames;

/// The Host header when there is exactly one and it is text.
#[must_use]
pub fn sent(headers: &HeaderMap) -> Option<&str> {
    single(headers, HOST)
}

/// The header of that name when there is exactly one and it is text. Two of them are an attempt to show
/// different ones to different readers.
pub(super) fn single(headers: &HeaderMap, name: hyper::header::HeaderName) -> Option<&str> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (Some(only), None) => only.to_str().ok(),
        _ => None,
    }
}

/// The port of an authority; 80 without one.
#[must_use]
pub fn port(authority: &str) -> u16 {
    without_port(authority)
        .and_then(|host| authority.get(host.len() + 1..))
        .and_then(|port| port.parse().ok())
        .unwrap_or(80)
}

/// Whether the authority is a name that only this machine itself can mean: localhost, 127.0.0.1 or [::1].
#[must_use]
pub fn is_loopback(authority: &str) -> bool {
    without_port(authority).is_some_and(|host| {
        host.eq_ignore_ascii_case("localhost") || host == "127.0.0.1" || is_ipv6(host, Ipv6Addr::LOCALHOST)
    })
}

/// Whether the host is this address in brackets, however it is written.
fn is_ipv6(host: &str, address: Ipv6Addr) -> bool {
    let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    literal.is_some_and(|literal| literal.parse() == Ok(address))
}

/// The names under which this server may be reached.
#[derive(Debug, Clone, Default)]
pub struct HostNames {
    /// The names without a domain.
    pub own: OwnNames,
    /// Further names, of the configuration.
    pub extra: Vec<String>,
    /// The domains that the network gave this host, with which `<hostname>.<domain>` is a name, too. They change when the
    /// host gets another address.
    pub domains: Arc<RwLock<Vec<String>>>,
}

impl HostNames {
    /// The names of a host that is called so.
    #[must_use]
    pub fn of(hostname: &str) -> HostNames {
        HostNames { own: OwnNames::of(hostname), ..HostNames::default() }
    }

    /// Whether `authority` (a host with or without a port) is a name of this server: localhost, a loopback literal,
    /// `<hostname>`, `<hostname>.local`, `<hostname>.<domain of the network>`, a name of the configuration, or the very
    /// address on which the connection came in. An address needs no list: no foreign page can have it as its name.
    #[must_use]
    pub fn has(&self, authority: &str, local: IpAddr) -> bool {
        let Some(host) = without_port(authority) else { return false };
        if is_loopback(authority) {
            return true;
        }
        match local.to_canonical() {
            IpAddr::V6(local) if is_ipv6(host, local) => return true,
            IpAddr::V4(local) if host.parse() == Ok(local) => return true,
            IpAddr::V4(local) if is_ipv6(host, local.to_ipv6_mapped()) => return true,
            _ => {}
        }
        if self.extra.iter().any(|name| host.eq_ignore_ascii_case(name)) {
            return true;
        }
        self.own.all().iter().filter_map(|name| strip_name(host, name)).any(|rest| {
            match rest.strip_prefix('.') {
                None => rest.is_empty(),
                Some(domain) => {
                    domain.eq_ignore_ascii_case("local")
                        || self.domains().iter().any(|known| domain.eq_ignore_ascii_case(known))
                }
            }
        })
    }

    /// The names, for a person whose connection came in on `local`.
    #[must_use]
    pub fn text(&self, local: IpAddr) -> String {
        let address = match local.to_canonical() {
            IpAddr::V6(address) => format!("[{address}]"),
            address => address.to_string(),
        };
        let hostname = self.own.current();
        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned()];
        if !hostname.is_empty() {
            names.extend([hostname.clone(), format!("{hostname}.local")]);
            // A text for a person: a router gives one domain, and 421 is no list.
            names.extend(self.domains().first().map(|domain| format!("{hostname}.{domain}")));
        }
        names.extend(self.extra.first().cloned());
        format!("{} and {address}", names.join(", "))
    }

    fn domains(&self) -> RwLockReadGuard<'_, Vec<String>> {
        self.domains.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stands behind the name at the beginning of the host.
fn strip_name<'a>(host: &'a str, name: &str) -> Option<&'a str> {
    host.get(..name.len()).filter(|head| head.eq_ignore_ascii_case(name))?;
    host.get(name.len()..)
}

/// The host of an authority whose port, if there is one, is a number.
fn without_port(authority: &str) -> Option<&str> {
    // The colon of a port comes after the bracket of an IPv6 literal; the colons inside are not ports.
    let after_literal = authority.find(']').map_or(0, |at| at + 1);
    match authority[after_literal..].find(':') {
        None => Some(authority),
        Some(at) => {
            let (host, port) = authority.split_at(after_literal + at);
            port[1..].parse::<u16>().is_ok().then_some(host)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> HostNames {
        let domains = Arc::new(RwLock::new(vec!["fritz.box".to_owned(), "lan".to_owned()]));
        HostNames { own: OwnNames::of("yep"), extra: vec!["machine.example".into()], domains }
    }

    fn ours(authority: &str) -> bool {
        names().has(authority, "192.168.1.20".parse().unwrap())
    }

    #[test]
    fn the_names_of_this_server_pass_with_any_port() {
        for name in
            ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:3042", "[::1]", "[::1]:8080", "yep.local"]
        {
            assert!(ours(name), "{name}");
        }
        for name in [
            "YEP.Local:80",
            "192.168.1.20",
            "192.168.1.20:80",
            "yep",
            "yep:80",
            "yep.fritz.box",
            "YEP.lan:8080",
            "machine.example",
        ] {
            assert!(ours(name), "{name}");
        }
        assert!(names().has("[fd00::7]:80", "fd00::7".parse().unwrap()));
        assert!(names().has("10.0.0.1", "::ffff:10.0.0.1".parse().unwrap()), "a dual-stack socket");
    }

    #[test]
    fn any_other_name_is_foreign() {
        for name in [
            "",
            ":80",
            "evil.example",
            "localhost.evil.example",
            "localhost:x",
            "localhost:80:80",
            "127.0.0.2",
            "192.168.1.21",
            "other.local",
            ".local",
            "evilyep.local",
            "yep.evil.example",
            "yep.fritz.box.evil.example",
            "yep.",
            "yepfritz.box",
            "other.lan",
            "fritz.box",
            "[::2]",
            "[::1",
            "::1",
            "[::1]x",
            "localhost.",
            "user@localhost",
            "žžžžžž",
        ] {
            assert!(!ours(name), "{name}");
        }
        for name in [".local", "", "local"] {
            assert!(!HostNames::default().has(name, "127.0.0.1".parse().unwrap()), "a host without a name");
        }
    }

    #[test]
    fn a_new_name_is_good_at_once_and_the_former_one_still_is() {
        let names = names();
        let ours = |authority| names.has(authority, "192.168.1.20".parse().unwrap());
        assert!(!ours("left.local"));
        names.own.take("left");
        for name in ["left", "left.local:80", "LEFT.lan", "yep.local", "yep.fritz.box"] {
            assert!(ours(name), "{name}");
        }
        assert!(!ours("left.evil.example") && !ours("lefty.local"));
        assert!(names.text("192.168.1.20".parse().unwrap()).contains("left.local"));
    }

    #[test]
    fn the_port_of_an_authority_is_80_without_one() {
        for (authority, expected) in
            [("yep.local", 80), ("yep.local:8080", 8080), ("[::1]:81", 81), ("[::1]", 80), ("a:b", 80)]
        {
            assert_eq!(port(authority), expected, "{authority}");
        }
    }
}
