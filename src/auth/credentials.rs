//! The token that a request presents: as a cookie of a browser, or as `Authorization: Bearer` of a program.

use hyper::header::{AUTHORIZATION, COOKIE, HeaderMap};

use super::token::Token;

/// How many tokens of one request are looked at.
const MOST_PRESENTED: usize = 4;
/// The name of the cookie without the port. Cookies know no port, so two servers of one host need two names.
const COOKIE_NAME: &str = "yep_token";
/// How long a browser keeps the cookie, in seconds: 400 days, the longest that browsers allow.
const COOKIE_AGE_S: u32 = 34_560_000;

/// What a request presents.
#[derive(Debug, PartialEq, Eq)]
pub enum Presented {
    /// No token.
    Nothing,
    /// These; a text that is no token is wrong like any other token.
    Tokens(Vec<Option<Token>>),
}

/// The name of the cookie of the server on that port.
#[must_use]
pub fn cookie_name(port: u16) -> String {
    format!("{COOKIE_NAME}_{port}")
}

/// What the request presents to the server on that port. Cookies of other names and other kinds of `Authorization`, as a proxy
/// adds them, are not ours.
#[must_use]
pub fn presented(headers: &HeaderMap, port: u16) -> Presented {
    let name = cookie_name(port);
    let cookies = headers.get_all(COOKIE).iter().flat_map(|line| line.as_bytes().split(|&byte| byte == b';'));
    let cookies = cookies.filter_map(|cookie| {
        let at = cookie.iter().position(|&byte| byte == b'=')?;
        (cookie[..at].trim_ascii() == name.as_bytes()).then(|| cookie[at + 1..].trim_ascii())
    });
    let bearers = headers.get_all(AUTHORIZATION).iter().filter_map(|line| {
        let (scheme, rest) = line.as_bytes().split_at_checked("Bearer ".len())?;
        scheme.eq_ignore_ascii_case(b"Bearer ").then(|| rest.trim_ascii())
    });
    let tokens: Vec<_> = bearers.chain(cookies).take(MOST_PRESENTED).map(Token::parse).collect();
    if tokens.is_empty() { Presented::Nothing } else { Presented::Tokens(tokens) }
}

/// The `Set-Cookie` that gives a browser its token. There is no `Secure`: the home network has no https, and without it the cookie
/// would not be stored. No script can read it, and no page of another site makes the browser send it.
#[must_use]
pub fn set_cookie(token: &Token, port: u16) -> String {
    cookie(&cookie_name(port), &token.text(), COOKIE_AGE_S)
}

/// The `Set-Cookie` that lets a browser keep the token that it presents for as long again. None for a program.
#[must_use]
pub fn renewed_cookie(headers: &HeaderMap, port: u16) -> Option<String> {
    if headers.contains_key(AUTHORIZATION) {
        return None;
    }
    match presented(headers, port) {
        Presented::Tokens(tokens) => tokens.first()?.as_ref().map(|token| set_cookie(token, port)),
        Presented::Nothing => None,
    }
}

/// The `Set-Cookie` that takes the token away again.
#[must_use]
pub fn delete_cookie(port: u16) -> String {
    cookie(&cookie_name(port), "", 0)
}

fn cookie(name: &str, value: &str, age_s: u32) -> String {
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age_s}")
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
    fn a_token_comes_as_a_cookie_of_this_port_or_as_bearer() {
        let token = Token::new([9; 32]);
        let text = token.text();
        let found = Presented::Tokens(vec![Some(token)]);
        let cookie = format!("a=b; yep_token_80={text}; c=d");
        assert_eq!(presented(&headers(&[("cookie", &cookie)]), 80), found);
        assert_eq!(presented(&headers(&[("authorization", &format!("bearer  {text}"))]), 80), found);
        assert_eq!(presented(&headers(&[("cookie", &cookie)]), 8080), Presented::Nothing);
        for other in [("authorization", "Basic abc"), ("authorization", "Bear"), ("cookie", "yep_token=1")] {
            assert_eq!(presented(&headers(&[other]), 80), Presented::Nothing, "{other:?}");
        }
        for wrong in ["Bearer ", "Bearer x", "Bearer žžž"] {
            let presented = presented(&headers(&[("authorization", wrong)]), 80);
            assert_eq!(presented, Presented::Tokens(vec![None]), "{wrong}");
        }
        let many = headers(&[("cookie", &"yep_token_80=x;".repeat(100))]);
        assert!(matches!(presented(&many, 80), Presented::Tokens(tokens) if tokens.len() == MOST_PRESENTED));
    }

    #[test]
    fn the_cookie_is_for_this_server_and_no_script() {
        let set = set_cookie(&Token::new([9; 32]), 80);
        assert!(set.starts_with("yep_token_80=") && set.ends_with("Max-Age=34560000"), "{set}");
        for flag in ["; Path=/", "; HttpOnly", "; SameSite=Strict"] {
            assert!(set.contains(flag) && delete_cookie(80).contains(flag), "{set}");
        }
        assert!(delete_cookie(80).starts_with("yep_token_80=; ") && delete_cookie(80).ends_with("Max-Age=0"));
    }
}
