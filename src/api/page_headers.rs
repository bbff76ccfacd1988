//! Security headers: what a browser may do with an answer, and what a page of this server may load.
//!
//! Every answer has them, refusals too. A policy for content (CSP) is for pages. Two have their own: `/docs`, which loads nothing
//! at all, and a served app, as a build of create-react-app needs inline scripts and styles.

use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};

use super::answer::Answer;

/// A browser must not guess another type than the one that is said.
const NO_SNIFFING: HeaderValue = HeaderValue::from_static("nosniff");
/// Resource policy: a page of another origin may load nothing from here as a picture, a script or a frame. Requests with
/// CORS, as an allowed origin sends them, are not affected.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// Nothing else learns on which page somebody was. Not `no-referrer`: with it Chromium sends the form of STOP with `Origin:
/// null`.
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");

/// Adds the headers. `host` is the header of the request.
pub fn protect(answer: &mut Answer, host: Option<&HeaderValue>) {
    let is_page = is_html(answer.headers());
    let headers = answer.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, NO_SNIFFING);
    headers.insert(RESOURCE_POLICY, SAME_ORIGIN);
    headers.insert(REFERRER_POLICY, SAME_ORIGIN);
    if is_page && !headers.contains_key(CONTENT_SECURITY_POLICY) {
        let host = host.and_then(|host| host.to_str().ok());
        if let Ok(policy) = HeaderValue::from_str(&page_policy(host)) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
    }
}

/// What API v1 answers is true now and for this caller, so no cache keeps it; a document with a tag is asked for anew each time.
pub fn keep_nowhere(answer: &mut Answer) {
    let headers = answer.headers_mut();
    if !headers.contains_key(ETAG) {
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
}

/// Content security policy of the server's own pages: everything from here, and nothing from elsewhere. Not every browser
/// takes a WebSocket to this server for `'self'`, so it is named.
fn page_policy(host: Option<&str>) -> String {
    let socket = match host {
        Some(host) if is_plain(host) => format!(" ws://{host}"),
        _ => String::new(),
    };
    format!(
        "default-src 'self'; connect-src 'self'{socket}; base-uri 'none'; object-src 'none'; \
         form-action 'self'; frame-ancestors 'none'"
    )
}

fn is_html(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// True for a name or an address, with or without a port: nothing that could be a part of a policy itself. STOP is answered
/// under any name.
fn is_plain(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    };
    let literal = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let is_name = match literal {
        Some(address) => !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':'),
        None => {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        }
    };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    is_name && port.is_none_or(is_port)
}

#[cfg(test)]
mod tests {
    use hyper::StatusCode;

    use super::*;
    use crate::api::answer;

    #[test]
    fn only_a_plain_host_becomes_part_of_the_policy() {
        for host in ["yep.local", "localhost:8080", "192.168.1.20", "[::1]", "[fd00::7]:80", "yep"] {
            let policy = page_policy(Some(host));
            assert!(policy.contains(&format!("connect-src 'self' ws://{host};")), "{policy}");
        }
        for host in
            ["", ":80", "a;script-src *", "a b", "*", "a:", "a:b", "[]", "[::1", "::1", "a/b", "\u{e4}"]
        {
            let policy = page_policy(Some(host));
            assert!(policy.contains("connect-src 'self'; base-uri"), "{host}: {policy}");
        }
        assert_eq!(page_policy(None), page_policy(Some("*")));
    }

    #[test]
    fn a_page_with_a_policy_of_its_own_keeps_it() {
        let policy = |mut page: Answer| {
            protect(&mut page, None);
            assert_eq!(page.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
            page.headers().get(CONTENT_SECURITY_POLICY).map(|policy| policy.to_str().unwrap().to_owned())
        };
        let page = || answer::typed(StatusCode::OK, "text/html; charset=utf-8", "");
        assert_eq!(policy(page()), Some(page_policy(None)));
        let mut own = page();
        own.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("frame-ancestors 'none'"));
        assert_eq!(policy(own).as_deref(), Some("frame-ancestors 'none'"));
        assert_eq!(policy(answer::empty(StatusCode::OK)), None);
    }
}
