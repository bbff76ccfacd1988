//! Rule 1: the Host header names this server, or the request is not for it.
//!
//! This is what stops DNS rebinding: a foreign page whose name suddenly resolves to this machine still sends
//! its own name as Host.

use std::net::{IpAddr, Ipv6Addr};

use hyper::header::{HOST, HeaderMap};

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

/// Whether `authority` (a host with or without a port) is a name of this server: localhost, a loopback
/// literal, `<hostname>.local`, or the very address on which the connection came in.
#[must_use]
pub fn is_ours(authority: &str, hostname: &str, local: IpAddr) -> bool {
    let Some(host) = without_port(authority) else { return false };
    if let Some(literal) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let Ok(address) = literal.parse::<Ipv6Addr>() else { return false };
        return address == Ipv6Addr::LOCALHOST || IpAddr::V6(address).to_canonical() == local.to_canonical();
    }
    if host.eq_ignore_ascii_case("localhost") || host == "127.0.0.1" {
        return true;
    }
    if let Some(name) = strip_local(host) {
        return !hostname.is_empty() && name.eq_ignore_ascii_case(hostname);
    }
    host.parse::<IpAddr>().is_ok_and(|address| address.is_ipv4() && address == local.to_canonical())
}

/// The name in front of `.local`.
fn strip_local(host: &str) -> Option<&str> {
    let at = host.len().checked_sub(".local".len())?;
    let tail = host.get(at..)?;
    tail.eq_ignore_ascii_case(".local").then(|| &host[..at])
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

    fn ours(authority: &str) -> bool {
        is_ours(authority, "yep", "192.168.1.20".parse().unwrap())
    }

    #[test]
    fn the_names_of_this_server_pass_with_any_port() {
        for name in
            ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:3042", "[::1]", "[::1]:8080", "yep.local"]
        {
            assert!(ours(name), "{name}");
        }
        for name in ["YEP.Local:80", "192.168.1.20", "192.168.1.20:80"] {
            assert!(ours(name), "{name}");
        }
        assert!(is_ours("[fd00::7]:80", "yep", "fd00::7".parse().unwrap()));
        assert!(is_ours("10.0.0.1", "yep", "::ffff:10.0.0.1".parse().unwrap()), "a dual-stack socket");
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
        assert!(!is_ours(".local", "", "127.0.0.1".parse().unwrap()), "a host without a name");
    }
}
