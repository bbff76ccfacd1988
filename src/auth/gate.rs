//! The gate: every request passes it before anything reads its path.
//!
//! STOP is taken before it, from anyone and under any name (promise S5): it can do nothing but stop.
//!
//! The rules, in order; the first that speaks decides:
//!
//! 1. Host names this server, else 421 with a text that says which names do.
//! 2. A header of a proxy (Forwarded, Via, X-Forwarded-*, X-Real-IP and their like) takes away all trust in the address.
//! 3. A foreign Origin may change nothing and open no WebSocket: 403.
//! 4. *Local*: loopback address, **Host localhost, 127.0.0.1 or [::1]** (whoever comes from there and says another name is a
//!    proxy), not forwarded, an allowed Origin, or none unless the browser says that the request comes from another site:
//!    everything, without credentials. The app on the machine itself needs nothing else. A configuration can take this away.
//!    *Machine*: the one address of a yep-machine that the configuration names: what that program does, no more.
//! 5. A token, as a cookie or as Bearer: the role of its device. A wrong one makes its sender a guest who is told so where a
//!    role is needed ([`Caller::wrong_token`]): a device that was taken off the list can still stop, and be paired again.
//! 6. Everyone else is a *guest*.

use std::net::IpAddr;

use hyper::header::HeaderMap;

use super::credentials::{self, Presented};
use super::host::{self, HostNames};
use super::origin::{self, RequestOrigin};
use super::right::Role;
use super::token::TokenBook;

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
    /// The names of this server.
    pub names: HostNames,
    /// Origins that are allowed besides the app's own; none where the configuration names none.
    pub extra_origins: Option<Vec<String>>,
    /// The address of the yep-machine that moves the axis, when it runs on another host.
    pub remote_machine: Option<IpAddr>,
    /// False if programs and pages on this machine need a token, too.
    pub trusts_local: bool,
}

impl Default for GateRules {
    fn default() -> Self {
        GateRules {
            names: HostNames::default(),
            extra_origins: None,
            remote_machine: None,
            trusts_local: true,
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
    /// True for a path of API v1, where only origins of the configuration are allowed besides the own one.
    pub is_v1: bool,
}

/// Who sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The role.
    pub role: Role,
    /// The number of the paired device, for a role that a token gave.
    pub device: Option<u32>,
    /// True for a guest who presented a token that is not valid.
    pub wrong_token: bool,
}

impl Caller {
    /// A caller who needs no token for this role.
    #[must_use]
    pub const fn of(role: Role) -> Caller {
        Caller { role, device: None, wrong_token: false }
    }
}

/// The request does not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateRefusal {
    /// Rule 1: 421.
    Misdirected,
    /// Rule 3: 403.
    ForeignOrigin,
}

impl GateRules {
    /// Lets a request in as somebody, or refuses it.
    ///
    /// # Errors
    /// [`GateRefusal`], by the rules of this module.
    pub fn judge(&self, facts: &RequestFacts<'_>, tokens: &dyn TokenBook) -> Result<Caller, GateRefusal> {
        let ours = |authority| self.names.has(authority, facts.local);
        let sent = match host::sent(facts.headers) {
            Some(sent) if ours(sent) && facts.authority.is_none_or(ours) => sent,
            _ => return Err(GateRefusal::Misdirected),
        };
        let origin = self.origin(facts.headers, facts.is_v1);
        if origin == RequestOrigin::Other && facts.changes {
            return Err(GateRefusal::ForeignOrigin);
        }
        if let Some(role) = self.role_by_address(facts, sent, origin) {
            return Ok(Caller::of(role));
        }
        let guest = Caller::of(Role::Guest);
        // A foreign page that only reads is a guest, whatever cookie its browser adds.
        if origin == RequestOrigin::Other {
            return Ok(guest);
        }
        Ok(match credentials::presented(facts.headers, host::port(sent)) {
            Presented::Nothing => guest,
            Presented::Tokens(presented) => {
                let known = presented.iter().flatten().find_map(|token| tokens.find(&token.hash()));
                known.map_or(Caller { wrong_token: true, ..guest }, |device| Caller {
                    role: device.role,
                    device: Some(device.number),
                    wrong_token: false,
                })
            }
        })
    }

    /// Rule 4.
    fn role_by_address(
        &self,
        facts: &RequestFacts<'_>,
        host: &str,
        origin: RequestOrigin<'_>,
    ) -> Option<Role> {
        // An allowed Origin is trusted wherever its page is; a picture in a page of another site names none.
        let from_elsewhere = origin == RequestOrigin::None && is_cross_site(facts.headers);
        if origin == RequestOrigin::Other || from_elsewhere || is_forwarded(facts.headers) {
            return None;
        }
        let peer = facts.peer.to_canonical();
        if peer.is_loopback() && self.trusts_local && host::is_loopback(host) {
            return Some(Role::Local);
        }
        let is_machine = self.remote_machine.is_some_and(|machine| machine.to_canonical() == peer);
        (origin == RequestOrigin::None && is_machine).then_some(Role::Machine)
    }

    /// What the request says about the page that sent it.
    #[must_use]
    pub fn origin<'a>(&self, headers: &'a HeaderMap, is_v1: bool) -> RequestOrigin<'a> {
        origin::of(headers, self.extra_origins.as_deref(), is_v1)
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

#[cfg(test)]
mod tests {
    use super::super::token::{KnownDevice, Token, TokenHash};
    use super::*;

    const LOOPBACK: &str = "127.0.0.1";
    const OTHER: &str = "192.168.1.50";
    const MACHINE: &str = "192.168.1.60";

    /// One device, an operator.
    struct OneDevice(TokenHash);

    impl TokenBook for OneDevice {
        fn find(&self, hash: &TokenHash) -> Option<KnownDevice> {
            (*hash == self.0).then_some(KnownDevice { number: 7, role: Role::Operator })
        }
    }

    fn token() -> Token {
        Token::new([5; 32])
    }

    fn rules() -> GateRules {
        GateRules {
            names: HostNames::of("yep"),
            remote_machine: Some(MACHINE.parse().unwrap()),
            ..GateRules::default()
        }
    }

    fn judged(
        rules: &GateRules,
        peer: &str,
        headers: &HeaderMap,
        changes: bool,
    ) -> Result<Caller, GateRefusal> {
        let local = "192.168.1.20".parse().unwrap();
        let peer = peer.parse().unwrap();
        let facts = RequestFacts { peer, local, authority: None, headers, changes, is_v1: false };
        rules.judge(&facts, &OneDevice(token().hash()))
    }

    fn judge(peer: &str, pairs: &[(&'static str, &str)], changes: bool) -> Result<Role, GateRefusal> {
        let mut headers = HeaderMap::new();
        headers.append("host", "localhost".parse().unwrap());
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        judged(&rules(), peer, &headers, changes).map(|caller| caller.role)
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
    fn a_token_gives_the_role_of_its_device_and_a_wrong_one_makes_a_guest_who_is_told() {
        let mut headers = HeaderMap::new();
        headers.append("host", "yep.local:8080".parse().unwrap());
        let mut with = |name: &'static str, value: String| {
            headers.insert(name, value.parse().unwrap());
            let caller = judged(&rules(), OTHER, &headers, true).unwrap();
            headers.remove(name);
            (caller.role, caller.device, caller.wrong_token)
        };
        let text = token().text();
        let known = (Role::Operator, Some(7), false);
        assert_eq!(with("authorization", format!("Bearer {text}")), known);
        assert_eq!(with("cookie", format!("yep_token_8080=x; yep_token_8080={text}")), known);
        // Another port is another server of this host.
        assert_eq!(with("cookie", format!("yep_token_80={text}")), (Role::Guest, None, false));
        assert_eq!(with("cookie", "yep_token_8080=0123".into()), (Role::Guest, None, true));
        assert_eq!(with("authorization", "Bearer 0123".into()), (Role::Guest, None, true));
        assert_eq!(with("authorization", "Basic 0123".into()), (Role::Guest, None, false));
        assert_eq!(judge(LOOPBACK, &[("authorization", "Bearer 0123")], false), Ok(Role::Local));
        let bearer = format!("Bearer {text}");
        for proxy in ["x-forwarded-for", "via"] {
            let forwarded = [("authorization", bearer.as_str()), (proxy, "1.2.3.4")];
            assert_eq!(judge(LOOPBACK, &forwarded, true), Ok(Role::Operator), "a token needs no address");
        }
        let read = [("authorization", bearer.as_str()), ("origin", "http://evil.example")];
        assert_eq!(judge(OTHER, &read, false), Ok(Role::Guest));
    }

    #[test]
    fn who_comes_from_here_and_says_another_name_is_a_proxy() {
        let mut headers = HeaderMap::new();
        for (host, role) in [
            ("localhost:3042", Role::Local),
            ("127.0.0.1", Role::Local),
            ("[::1]:80", Role::Local),
            ("yep.local", Role::Guest),
            ("192.168.1.20", Role::Guest),
        ] {
            headers.insert("host", host.parse().unwrap());
            assert_eq!(judged(&rules(), LOOPBACK, &headers, true), Ok(Caller::of(role)), "{host}");
        }
        headers.insert("host", "localhost".parse().unwrap());
        let paired = GateRules { trusts_local: false, ..rules() };
        assert_eq!(judged(&paired, LOOPBACK, &headers, true), Ok(Caller::of(Role::Guest)));
    }

    #[test]
    fn api_v1_knows_no_origin_but_its_own_and_those_of_the_configuration() {
        let origin = |extra: Option<&str>, is_v1| {
            let rules = GateRules { extra_origins: extra.map(|extra| vec![extra.to_owned()]), ..rules() };
            let mut headers = HeaderMap::new();
            headers.insert("host", "localhost".parse().unwrap());
            headers.insert("origin", "http://localhost:3000".parse().unwrap());
            rules.origin(&headers, is_v1) != RequestOrigin::Other
        };
        assert_eq!([origin(None, false), origin(None, true)], [true, false]);
        let given = Some("http://localhost:3000");
        assert_eq!([origin(given, false), origin(given, true)], [true, true]);
        let other = Some("http://localhost:1");
        assert_eq!([origin(other, false), origin(other, true)], [false, false]);
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
            let (peer, local) = (address, address);
            let facts = RequestFacts { peer, local, authority, headers, changes: false, is_v1: false };
            rules.judge(&facts, &OneDevice(token().hash())).map(|caller| caller.role)
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
