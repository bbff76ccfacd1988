//! Representation of an answer for this client: not sent again when the client has it (`ETag`), and compressed when it asks for
//! that (`gzip`).

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
    IF_NONE_MATCH, VARY,
};
use hyper::{Method, StatusCode};

use super::answer::Answer;
use super::content::Content;

/// A smaller answer fits into one packet as it is.
const LEAST_BYTES: usize = 1_400;

/// What a client says of the representation that it wants.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    takes_gzip: bool,
    /// The tags that it has.
    known: Option<HeaderValue>,
}

impl Wanted {
    /// From the headers of a request.
    #[must_use]
    pub fn of(method: &Method, headers: &HeaderMap) -> Wanted {
        let safe = matches!(*method, Method::GET | Method::HEAD);
        let known = headers.get(IF_NONE_MATCH).filter(|_| safe).cloned();
        Wanted { takes_gzip: takes_gzip(headers), known }
    }

    /// The answer with its tag, if it `rarely_changes`, and in the wanted representation.
    #[must_use]
    pub fn represent(&self, mut answer: Answer, rarely_changes: bool) -> Answer {
        let Some(bytes) = answer.body().whole_bytes().filter(|_| answer.status() == StatusCode::OK) else {
            return answer;
        };
        if rarely_changes {
            let tag = tag(&bytes);
            let is_known = self.known.as_ref().is_some_and(|known| contains(known, &tag));
            if let Ok(tag) = HeaderValue::from_str(&tag) {
                answer.headers_mut().insert(ETAG, tag);
                answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            }
            if is_known {
                *answer.status_mut() = StatusCode::NOT_MODIFIED;
                answer.headers_mut().remove(CONTENT_TYPE);
                *answer.body_mut() = Content::whole(Bytes::new());
                return answer;
            }
        }
        if bytes.len() < LEAST_BYTES {
            return answer;
        }
        answer.headers_mut().append(VARY, HeaderValue::from_static("accept-encoding"));
        if self.takes_gzip
            && let Some(compressed) = gzip(&bytes)
        {
            answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            *answer.body_mut() = Content::whole(compressed);
        }
        answer
    }
}

/// True for text; pictures, sounds and fonts are compressed already.
#[must_use]
pub fn is_worth_compressing(content_type: &str) -> bool {
    let kinds =
        ["text/", "application/json", "application/manifest+json", "application/wasm", "image/svg+xml"];
    kinds.iter().any(|kind| content_type.starts_with(kind))
}

/// A weak tag: the same for the compressed and the plain text.
fn tag(bytes: &[u8]) -> String {
    format!("W/\"{:08x}-{:x}\"", crc32fast::hash(bytes), bytes.len())
}

fn contains(known: &HeaderValue, tag: &str) -> bool {
    let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let known = known.to_str().unwrap_or_default();
    known.trim() == "*" || known.split(',').any(|known| weak(known) == weak(tag))
}

/// True if the client takes gzip.
#[must_use]
pub fn takes_gzip(headers: &HeaderMap) -> bool {
    let all = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';');
        let is_gzip = parts.next().is_some_and(|name| name.trim().eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.trim().strip_prefix("q=")).map(|text| text.trim().parse());
        is_gzip && !matches!(weight, Some(Ok(0.0)))
    })
}

/// The bytes, compressed.
#[must_use]
pub fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn gzip_is_for_those_who_ask() {
        for (value, takes) in [
            ("gzip", true),
            ("gzip, deflate", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("identity", false),
            ("xgzip", false),
            ("", false),
        ] {
            assert_eq!(takes_gzip(&headers(&[("accept-encoding", value)])), takes, "{value}");
        }
    }

    #[test]
    fn a_tag_is_compared_weakly() {
        let tag = tag(b"abc");
        for (known, same) in [
            (tag.clone(), true),
            (tag.trim_start_matches("W/").to_owned(), true),
            (format!("\"x\", {tag}"), true),
            ("*".to_owned(), true),
            ("\"x\"".to_owned(), false),
        ] {
            assert_eq!(contains(&known.parse().unwrap(), &tag), same, "{known}");
        }
    }

    #[test]
    fn what_is_compressed_comes_back_the_same() {
        use std::io::Read;
        let text = "position_mm ".repeat(1_000);
        let mut back = String::new();
        flate2::read::GzDecoder::new(&*gzip(text.as_bytes()).unwrap()).read_to_string(&mut back).unwrap();
        assert_eq!(back, text);
    }
}
