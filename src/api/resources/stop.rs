//! STOP, without a word to say. The router has raised the stop line before it checked anything else.

use hyper::StatusCode;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName};
use serde_json::Value;

use crate::api::answer::{self, Answer};
use crate::api::dialect::Dialect;
use crate::api::documents::info::StopAnswer;

/// The content types of HTML forms. A script of a page can send them, too, but asks for something else than a page.
const FORM_TYPES: [&str; 3] = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

/// For a person whose browser sent a form, perhaps since no script of the page worked.
const PAGE: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>STOP was received</title>\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
    <meta name=\"color-scheme\" content=\"light dark\"></head><body><h1>STOP was received</h1>\
    <p>If the machine does not come to rest, use the button on the machine.</p>\
    <p><a href=\"/\">Back</a></p></body></html>";

/// It has been done, in the words of the clients' old contract.
#[must_use]
pub fn answer() -> Answer {
    answer::ok(&Value::Null)
}

/// It has been done: a page for the form of a browser, else in the words of that dialect. `headers` are those of the request.
#[must_use]
pub fn answer_to(headers: &HeaderMap, dialect: &Dialect) -> Answer {
    match dialect {
        _ if is_form(headers) => answer::typed(StatusCode::OK, "text/html; charset=utf-8", PAGE),
        Dialect::Contract => answer(),
        Dialect::V1(_) => answer::ok(&StopAnswer { received: true }),
    }
}

/// True for a form of a browser, which wants a page.
fn is_form(headers: &HeaderMap) -> bool {
    let is_form = media_types(headers, CONTENT_TYPE)
        .any(|(kind, _)| FORM_TYPES.iter().any(|form| kind.eq_ignore_ascii_case(form)));
    is_form
        && media_types(headers, ACCEPT)
            .any(|(kind, quality)| kind.eq_ignore_ascii_case("text/html") && quality != Some(0.0))
}

/// The media types of a header, each with its quality where there is one.
fn media_types(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = (&str, Option<f32>)> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        (kind, quality.and_then(|text| text.parse().ok()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Chromium accepts when it loads a page.
    const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8";

    #[test]
    fn a_form_is_known_by_what_it_sends_and_what_it_wants() {
        for (content_type, accept, expected) in [
            (Some("application/x-www-form-urlencoded"), Some(BROWSER), true),
            (Some("multipart/form-data; boundary=----a"), Some(BROWSER), true),
            (Some("text/plain"), Some(BROWSER), true),
            (Some("TEXT/PLAIN;charset=UTF-8"), Some("Text/HTML;q=0.1"), true),
            // Scripts: fetch with a text, axios, curl, the clients of the first server.
            (Some("text/plain;charset=UTF-8"), Some("*/*"), false),
            (Some("application/json;charset=utf-8"), Some("application/json, text/plain, */*"), false),
            (Some("application/x-www-form-urlencoded"), Some("*/*"), false),
            (Some("application/x-www-form-urlencoded"), None, false),
            (Some("application/x-www-form-urlencoded"), Some("text/html;q=0"), false),
            (Some("application/x-www-form-urlencoded"), Some("text/htmlx"), false),
            (Some("application/json"), Some(BROWSER), false),
            (None, Some(BROWSER), false),
            (None, None, false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [(CONTENT_TYPE, content_type), (ACCEPT, accept)] {
                if let Some(value) = value {
                    headers.insert(name, value.parse().unwrap());
                }
            }
            assert_eq!(is_form(&headers), expected, "{content_type:?} {accept:?}");
        }
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        assert!(!PAGE.contains("<script") && !PAGE.contains("style") && !PAGE.contains("//"), "{PAGE}");
    }
}
