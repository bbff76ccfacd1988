//! One file of a page, as browsers get it: plain or compressed, with a tag by which a browser knows whether it has it.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH,
    VARY,
};

use crate::api::answer::{self, Answer};
use crate::api::representation;

/// A browser asks each time whether its copy is the newest: after an update nobody sees half of the old page.
const ASK_FIRST: HeaderValue = HeaderValue::from_static("no-cache");

/// A file.
#[derive(Debug, Clone)]
pub struct Page {
    content: Bytes,
    /// The same, compressed once, where that makes it smaller.
    compressed: Option<Bytes>,
    content_type: &'static str,
    /// Changes with the content.
    tag: HeaderValue,
    /// Its own content security policy, if it has another one than the server's own pages.
    policy: Option<HeaderValue>,
}

impl Page {
    /// A file of that name, with a content security policy of its own.
    #[must_use]
    pub fn new(name: &str, content: Vec<u8>, policy: Option<HeaderValue>) -> Page {
        let compressed = representation::is_worth_compressing(content_type(name))
            .then(|| representation::gzip(&content))
            .flatten()
            .filter(|compressed| compressed.len() < content.len())
            .map(Bytes::from);
        Page { policy, ..Page::of(name, content.into(), compressed) }
    }

    /// A file that was compressed before.
    #[must_use]
    pub fn of(name: &str, content: Bytes, compressed: Option<Bytes>) -> Page {
        let tag = format!("\"{:08x}-{:x}\"", crc32fast::hash(&content), content.len());
        let tag = HeaderValue::from_str(&tag).expect("digits and quotes make a header");
        Page { content, compressed, content_type: content_type(name), tag, policy: None }
    }

    /// The answer to a client with these headers.
    #[must_use]
    pub fn answer(&self, headers: &HeaderMap) -> Answer {
        let mut answer = if self.is_known_to(headers) {
            answer::empty(StatusCode::NOT_MODIFIED)
        } else {
            self.content_for(headers)
        };
        let described = answer.headers_mut();
        described.insert(ETAG, self.tag.clone());
        described.insert(CACHE_CONTROL, ASK_FIRST);
        if let Some(policy) = &self.policy {
            described.insert(CONTENT_SECURITY_POLICY, policy.clone());
        }
        answer
    }

    /// The content as this client wants it.
    fn content_for(&self, headers: &HeaderMap) -> Answer {
        let wanted = self.compressed.as_ref().filter(|_| representation::takes_gzip(headers));
        let content = wanted.unwrap_or(&self.content).clone();
        let mut answer = answer::typed(StatusCode::OK, self.content_type, content);
        if wanted.is_some() {
            answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if self.compressed.is_some() {
            answer.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        answer
    }

    /// Whether the client has this very content.
    fn is_known_to(&self, headers: &HeaderMap) -> bool {
        headers.get_all(IF_NONE_MATCH).iter().any(|tags| {
            tags.as_bytes()
                .split(|&byte| byte == b',')
                .map(<[u8]>::trim_ascii)
                .any(|tag| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == self.tag.as_bytes())
        })
    }
}

/// What browsers need to be told, as they may not guess. Everything that is not here is for download.
pub fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}
