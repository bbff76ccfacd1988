//! Rule 3: which pages may call the server.
//!
//! A browser names the page in the Origin header of every request that changes something and of every
//! WebSocket upgrade, and no page can forge it.

use hyper::header::{HeaderMap, ORIGIN};

use super::host;

/// The pages of the app, without credentials: where it is served on the machine itself.
const BUILT_IN: [&str; 4] =
    ["http://localhost", "http://localhost:3042", "http://127.0.0.1", "http://127.0.0.1:3042"];

/// Development servers of the app; the allowed origins of the clients' first server, where the configuration names none.
pub const DEFAULT_EXTRA_ORIGINS: [&str; 3] =
    ["http://localhost:3000", "http://localhost:8080", "http://localhost:4200"];

/// What a request says about the page that sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestOrigin<'a> {
    /// No page: a program, or a page of this server that only reads.
    None,
    /// A page of this server, that calls API v1: its browser asks for no permission to read the answer.
    Own,
    /// A page that may call the server; exactly as it was sent.
    Allowed(&'a str),
    /// Any other page, `null`, or a header that is no text or is there twice.
    Other,
}

/// Reads the Origin header. The caller has checked the Host header before: a page of this server is known by
/// naming the same authority in both. Besides it API v1 takes only origins of the configuration, and the clients' old contract
/// also those of their first server.
#[must_use]
pub fn of<'a>(headers: &'a HeaderMap, extra: Option<&[String]>, is_v1: bool) -> RequestOrigin<'a> {
    if !headers.contains_key(ORIGIN) {
        return RequestOrigin::None;
    }
    let Some(origin) = host::single(headers, ORIGIN) else { return RequestOrigin::Other };
    let is_listed = extra.is_some_and(|extra| extra.iter().any(|allowed| allowed == origin));
    let is_app =
        !is_v1 && (BUILT_IN.contains(&origin) || extra.is_none() && DEFAULT_EXTRA_ORIGINS.contains(&origin));
    let is_own = is_same(origin, host::sent(headers));
    if is_own && is_v1 && !is_listed {
        RequestOrigin::Own
    } else if is_listed || is_app || is_own {
        RequestOrigin::Allowed(origin)
    } else {
        RequestOrigin::Other
    }
}

fn is_same(origin: &str, host: Option<&str>) -> bool {
    // A browser leaves out the default port in both; a program may write it in Host.
    let authority = host.map(|host| host.strip_suffix(":80").unwrap_or(host));
    matches!((origin.strip_prefix("http://"), authority), (Some(a), Some(b)) if a.eq_ignore_ascii_case(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn listed_and_same_origins_are_allowed_and_all_others_are_not() {
        for good in ["http://localhost", "http://127.0.0.1:3042", "http://localhost:3000", "http://yep.local"]
        {
            let map = headers(&[("host", "yep.local"), ("origin", good)]);
            assert_eq!(of(&map, None, false), RequestOrigin::Allowed(good));
        }
        for bad in [
            "null",
            "",
            "http://evil.example",
            "https://localhost",
            "http://localhost:3043",
            "http://localhost.evil.example",
            "http://yep.local.evil.example",
            "http://yep.local:81",
            "localhost",
        ] {
            let map = headers(&[("host", "yep.local"), ("origin", bad)]);
            assert_eq!(of(&map, None, false), RequestOrigin::Other, "{bad}");
        }
        let twice = headers(&[("origin", "http://localhost"), ("origin", "http://evil.example")]);
        assert_eq!(of(&twice, None, false), RequestOrigin::Other);
        assert_eq!(of(&headers(&[("host", "localhost")]), None, false), RequestOrigin::None);
    }

    #[test]
    fn the_default_port_may_be_written_in_the_host() {
        let map = headers(&[("host", "yep.local:80"), ("origin", "http://yep.local")]);
        assert_eq!(of(&map, Some(&[]), true), RequestOrigin::Own);
        assert_eq!(of(&map, Some(&[]), false), RequestOrigin::Allowed("http://yep.local"));
    }
}
