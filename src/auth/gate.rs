//! The gate: every request passes it before anything reads its path.
//!
//! STOP is taken before it, from anyone and under any name (promise S5): it can do nothing but stop.
//!
//! The rules, in order; the first that speaks decides:
//!
//! 1. Host names this server, else 421 with a text that says which names do.
//! 2. A header of a proxy (Forwarded, Via, X-Forwarded-*, X-Real-IP and their like) takes away all trust in the address.
//! 3. A foreign Origin may change nothing and open no WebSocket: 403.
//! 4. *Local*: loopback address, not forwarded, an allowed Origin, or none unless the browser says that the request
//!    comes from another site: everything, without credentials. The app on the machine itself needs nothing else.
//!    *Machine*: the one address of a yep-machine that the configuration names: what that program does, no more.
//! 5. A token would come here. None can be valid yet, so a presented one is wrong: 401, never a guest.
//! 6. Everyone else is a *guest*.

use std::net::IpAddr;

use hyper::header::{AUTHORIZATION, COOKIE, HeaderMap};

use super::host;
use super::origin::{self, RequestOrigin};

/// The cookie that would carry a token.
const TOKEN_COOKIE: &str = "yep_token";

/// Headers with which a proxy says that the request is not its own.
const FORWARDING: [&str; 14] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "x-original-forwarded-for",
    "x-original-host",
    "client-ip",
    "true-client-ip",
    "fastly-client-ip",
    "fly-client-ip",
    "proxy-client-ip",
    "cdn-loop",
];
const FORWARDING_PREFIXES: [&str; 3] = ["x-forwarded", "x-proxy", "cf-"];

/// With which a browser says how the page that asks is related to this server.
const FETCH_SITE: &str = "sec-fetch-site";

/// What the gate is told once.
#[derive(Debug, Clone)]
pub struct GateRules {
    /// The host name without `.local`; empty when there is none.
    pub hostname: String,
    /// Origins that are allowed besides the app's own.
    pub extra_origins: Vec<String>,
    /// The address of the yep-machine that moves the axis, when it runs on another host.
    pub remote_machine: Option<IpAddr>,
}

impl Default for GateRules {
    fn default() -> Self {
        GateRules {
            hostname: String::new(),
            extra_origins: origin::DEFAULT_EXTRA_ORIGINS.map(String::from).to_vec(),
            remote_machine: None,
        }
    }
}

/// A request as the gate sees it.
#[derive(Debug, Clone, Copy)]
pub struct RequestFacts<'a> {
    /// Who connected.
    pub peer: IpAddr,
    /// The address on which the connection came in.
    pub local: IpAddr,
    /// The authority of the request line, for the rare request that has one.
    pub authority: Option<&'a str>,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// Whether it may change something: an unsafe method or a WebSocket upgrade.
    pub changes: bool,
}

/// As whom a request is treated. Ordered by how much it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Anyone: health. STOP asks for no role.
    Guest,
    /// The configured yep-machine.
    Machine,
    /// A program or an allowed page on this very machine.
    Local,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 3] = [Role::Guest, Role::Machine, Role::Local];
}

/// The request does not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateRefusal {
    /// Rule 1: 421.
    Misdirected,
    /// Rule 3: 403.
    ForeignOrigin,
    /// Rule 5: 401.
    WrongToken,
}

impl GateRules {
    /// Lets a request in as somebody, or refuses it.
    ///
    /// # Errors
    /// [`GateRefusal`], by the rules of this module.
    pub fn judge(&self, facts: &RequestFacts<'_>) -> Result<Role, GateRefusal> {
        let ours = |authority| host::is_ours(authority, &self.hostname, facts.local);
        match host::sent(facts.headers) {
            Some(sent) if ours(sent) && facts.authority.is_none_or(ours) => {}
            _ => return Err(GateRefusal::Misdirected),
        }
        let origin = self.origin(facts.headers);
        if origin == RequestOrigin::Other && facts.changes {
            return Err(GateRefusal::ForeignOrigin);
        }
        let peer = facts.peer.to_canonical();
        // An allowed Origin is trusted wherever its page is; a picture in a page of another site names none.
        let from_elsewhere = origin == RequestOrigin::None && is_cross_site(facts.headers);
        if origin != RequestOrigin::Other && !from_elsewhere && !is_forwarded(facts.headers) {
            if peer.is_loopback() {
                return Ok(Role::Local);
            }
            if origin == RequestOrigin::None && self.remote_machine.is_some_and(|m| m.to_canonical() == peer)
            {
                return Ok(Role::Machine);
            }
        }
        if presents_token(facts.headers) {
            return Err(GateRefusal::WrongToken);
        }
        Ok(Role::Guest)
    }

    /// Under which names this server answers on a connection that came in on `local`, for a person.
    #[must_use]
    pub fn names(&self, local: IpAddr) -> String {
        let name =
            if self.hostname.is_empty() { String::new() } else { format!(", {}.local", self.hostname) };
        let address = match local.to_canonical() {
            IpAddr::V6(address) => format!("[{address}]"),
            address => address.to_string(),
        };
        format!("localhost, 127.0.0.1, [::1]{name} and {address}")
    }

    /// What the request says about the page that sent it.
    #[must_use]
    pub fn origin<'a>(&self, headers: &'a HeaderMap) -> RequestOrigin<'a> {
        origin::of(headers, &self.extra_origins)
    }
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| {
        let name = name.as_str();
        FORWARDING.contains(&name) || FORWARDING_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    })
}

fn is_cross_site(headers: &HeaderMap) -> bool {
    headers.get_all(FETCH_SITE).iter().any(|site| site.as_bytes().eq_ignore_ascii_case(b"cross-site"))
}

fn presents_token(headers: &HeaderMap) -> bool {
    if headers.contains_key(AUTHORIZATION) {
        return true;
    }
    headers.get_all(COOKIE).iter().any(|cookies| {
        cookies.as_bytes().split(|&byte| byte == b';').any(|cookie| {
            let name = cookie.split(|&byte| byte == b'=').next().unwrap_or_default();
            name.trim_ascii() == TOKEN_COOKIE.as_bytes()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: &str = "127.0.0.1";
    const OTHER: &str = "192.168.1.50";
    const MACHINE: &str = "192.168.1.60";

    fn judge(peer: &str, pairs: &[(&'static str, &str)], changes: bool) -> Result<Role, GateRefusal> {
        let rules = GateRules {
            hostname: "yep".into(),
            remote_machine: Some(MACHINE.parse().unwrap()),
            ..GateRules::default()
        };
        let mut headers = HeaderMap::new();
        headers.append("host", "localhost".parse().unwrap());
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        let local = "192.168.1.20".parse().unwrap();
        let peer = peer.parse().unwrap();
        rules.judge(&RequestFacts { peer, local, authority: None, headers: &headers, changes })
    }

    #[test]
    fn loopback_is_local_by_every_spelling_of_it() {
        for peer in [LOOPBACK, "127.0.0.2", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(judge(peer, &[], true), Ok(Role::Local), "{peer}");
        }
        assert_eq!(judge(LOOPBACK, &[("origin", "http://localhost:3042")], true), Ok(Role::Local));
    }

    #[test]
    fn a_forwarded_request_is_a_guest_wherever_it_comes_from() {
        for header in [
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-forwarded",
            "x-real-ip",
            "via",
            "cf-connecting-ip",
            "true-client-ip",
            "x-client-ip",
            "cdn-loop",
        ] {
            for peer in [LOOPBACK, MACHINE] {
                assert_eq!(judge(peer, &[(header, "1.2.3.4")], true), Ok(Role::Guest), "{header}");
            }
        }
    }

    #[test]
    fn a_foreign_page_changes_nothing_and_reads_as_a_guest() {
        for origin in ["http://evil.example", "null"] {
            assert_eq!(judge(LOOPBACK, &[("origin", origin)], true), Err(GateRefusal::ForeignOrigin));
            assert_eq!(judge(LOOPBACK, &[("origin", origin)], false), Ok(Role::Guest));
        }
    }

    #[test]
    fn what_another_site_asks_for_is_a_guest_unless_its_origin_is_allowed() {
        let site = |site| ("sec-fetch-site", site);
        for peer in [LOOPBACK, MACHINE] {
            assert_eq!(judge(peer, &[site("cross-site")], false), Ok(Role::Guest));
        }
        for near in ["same-origin", "same-site", "none"] {
            assert_eq!(judge(LOOPBACK, &[site(near)], true), Ok(Role::Local), "{near}");
        }
        let app = ("origin", "http://127.0.0.1:3042");
        assert_eq!(judge(LOOPBACK, &[site("cross-site"), app], true), Ok(Role::Local));
        let both = [site("same-origin"), site("cross-site")];
        assert_eq!(judge(LOOPBACK, &both, true), Ok(Role::Guest));
    }

    #[test]
    fn the_configured_machine_is_known_by_its_address_and_sends_no_origin() {
        assert_eq!(judge(MACHINE, &[], true), Ok(Role::Machine));
        assert_eq!(judge("::ffff:192.168.1.60", &[], true), Ok(Role::Machine));
        assert_eq!(judge(MACHINE, &[("origin", "http://localhost")], true), Ok(Role::Guest));
        assert_eq!(judge(OTHER, &[], true), Ok(Role::Guest));
    }

    #[test]
    fn a_token_is_wrong_unless_nobody_needed_it() {
        let bearer = ("authorization", "Bearer 0123");
        let cookie = ("cookie", "a=b; yep_token=0123");
        for token in [bearer, cookie] {
            assert_eq!(judge(OTHER, &[token], false), Err(GateRefusal::WrongToken));
            assert_eq!(judge(LOOPBACK, &[token], false), Ok(Role::Local));
        }
        assert_eq!(judge(OTHER, &[("cookie", "a=b; not_yep_token=1")], false), Ok(Role::Guest));
    }

    #[test]
    fn the_host_comes_first() {
        assert_eq!(
            judge(LOOPBACK, &[("host", "localhost")], true),
            Err(GateRefusal::Misdirected),
            "two hosts"
        );
        let rules = GateRules::default();
        let address = LOOPBACK.parse().unwrap();
        let mut headers = HeaderMap::new();
        let judge = |headers: &HeaderMap, authority| {
            rules.judge(&RequestFacts { peer: address, local: address, authority, headers, changes: false })
        };
        assert_eq!(judge(&headers, None), Err(GateRefusal::Misdirected), "no host");
        headers.append("host", "evil.example".parse().unwrap());
        assert_eq!(judge(&headers, None), Err(GateRefusal::Misdirected));
        headers.insert("host", "localhost".parse().unwrap());
        assert_eq!(judge(&headers, None), Ok(Role::Local));
        assert_eq!(
            judge(&headers, Some("evil.example")),
            Err(GateRefusal::Misdirected),
            "an absolute target"
        );
    }
}
