//! Static files of an app: a [`folder`] that is read once, at the start, and served from memory.
//!
//! A request only ever looks up a name among those that were found then, so no path leads out of the folder; what many
//! clients ask for at once is held once; and no request waits for the disk. A path without a file is the app's own
//! business: it gets index.html, unless its last segment names a file or its first one is the API's.
//!
//! An app that was built for `http://localhost` is served so that it works under every name of this server: the
//! [`addresses`] of the API in its scripts ([`literals`]), styles and [`html`] lead to the origin of the page. Such an app
//! says nothing of itself while somebody looks at it, so its index.html loads [`APP_PRESENCE_JS`], too.

mod addresses;
mod folder;
mod html;
mod literals;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, HeaderMap, HeaderValue,
    IF_NONE_MATCH, VARY,
};
use hyper::{Method, StatusCode};

use super::answer::{self, Answer, HandlerResult};
use super::problem::ProblemCode;
use super::query::decoded;
use super::representation;
use addresses::Syntax;
pub use folder::PagesError;

/// Where the app is, besides `/`: an address of its own, for the day on which another page takes `/`.
const MOUNT: &str = "app";
/// What answers a path that has no file.
const INDEX: &str = "index.html";
/// Script that sends a sign of life for an app that sends none itself.
pub const APP_PRESENCE_JS: &str = include_str!("app_presence.js");
/// Where that script is served.
const APP_PRESENCE_PATH: &str = "/api/v1/app-presence.js";
/// No other site may show the page in a frame, and so lead somebody to a button that they do not see. Nothing stricter: a
/// build of create-react-app has its first script and its styles inline, and what it loads is its own business.
const NOT_IN_A_FRAME: HeaderValue = HeaderValue::from_static("frame-ancestors 'none'");
/// A browser asks each time whether its copy is the newest: after an update nobody sees half of the old app.
const ASK_FIRST: HeaderValue = HeaderValue::from_static("no-cache");

/// The files of an app; none at all when there is no app.
#[derive(Debug, Clone, Default)]
pub struct Pages(Arc<BTreeMap<String, Page>>);

#[derive(Debug)]
struct Page {
    content: Bytes,
    /// The same, compressed once at the start, where that makes it smaller.
    compressed: Option<Bytes>,
    content_type: &'static str,
    /// Changes with the content.
    tag: HeaderValue,
}

impl Pages {
    /// All files below `folder`, but those with a name that begins with a dot. The files on the disk stay as they are.
    ///
    /// # Errors
    /// [`PagesError`].
    pub fn read(folder: &Path) -> Result<Pages, PagesError> {
        let mut files = folder::read(folder)?;
        lead_to_the_origin(&mut files);
        let page = |(name, content): (String, _)| {
            let page = Page::new(&name, content);
            (name, page)
        };
        Ok(Pages(Arc::new(files.into_iter().map(page).collect())))
    }

    /// The answer to a request that no route knows.
    ///
    /// # Errors
    /// There is no such page, or the method is none for a page.
    pub fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> HandlerResult {
        let page = self.find(path).ok_or_else(answer::not_found)?;
        if !matches!(*method, Method::GET | Method::HEAD) {
            let refusal = answer::refuse(ProblemCode::MethodNotAllowed, "Method Not Allowed");
            return Err(refusal.with(ALLOW, HeaderValue::from_static("GET, HEAD")));
        }
        let mut answer = if page.is_known_to(headers) {
            answer::empty(StatusCode::NOT_MODIFIED)
        } else {
            page.content_for(headers)
        };
        page.describe(&mut answer);
        Ok(answer)
    }

    fn find(&self, path: &str) -> Option<&Page> {
        let name = decoded(path.strip_prefix('/')?, false);
        let name = name.strip_suffix('/').unwrap_or(&name);
        let odd = |segment: &str| matches!(segment, "" | "." | "..") || segment.contains(['\\', '\0']);
        if !name.is_empty() && name.split('/').any(odd) {
            return None;
        }
        let last = name.rsplit('/').next().unwrap_or_default();
        self.file(name)
            .or_else(|| self.file(name.strip_prefix(MOUNT)?.strip_prefix('/')?))
            .or_else(|| self.0.get(INDEX).filter(|_| !last.contains('.')))
    }

    /// The file of that name, or the index.html of the folder of that name.
    fn file(&self, name: &str) -> Option<&Page> {
        self.0.get(name).or_else(|| self.0.get(&format!("{name}/{INDEX}")))
    }
}

/// Rewrites the addresses of the API in these files, and says so in the log.
fn lead_to_the_origin(files: &mut BTreeMap<String, Vec<u8>>) {
    let mut rewritten = 0;
    for (name, content) in files.iter_mut() {
        let Some(syntax) = Syntax::of(content_type(name)) else { continue };
        let Some((changed, addresses)) = addresses::rewrite(content, syntax) else { continue };
        tracing::info!(
            file = name,
            addresses,
            "the app's addresses of the API lead to the origin of its page"
        );
        *content = changed;
        rewritten += addresses;
    }
    if rewritten == 0 {
        return;
    }
    if let Some(index) = files.get_mut(INDEX) {
        *index = html::with_script(index, APP_PRESENCE_PATH);
    }
    let pages = files.iter().filter(|(name, _)| Syntax::of(content_type(name)) == Some(Syntax::Html));
    for (name, _) in pages.filter(|(_, content)| html::has_integrity(content)) {
        tracing::warn!(
            file = name,
            "the page has hashes of its files (integrity), and some files were changed: build the app without them"
        );
    }
}

impl Page {
    fn new(name: &str, content: Vec<u8>) -> Page {
        let tag = format!("\"{:08x}-{:x}\"", crc32fast::hash(&content), content.len());
        let tag = HeaderValue::from_str(&tag).expect("digits and quotes make a header");
        let content_type = content_type(name);
        let compressed = representation::is_worth_compressing(content_type)
            .then(|| representation::gzip(&content))
            .flatten()
            .filter(|compressed| compressed.len() < content.len())
            .map(Bytes::from);
        Page { content: content.into(), compressed, content_type, tag }
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

    fn describe(&self, answer: &mut Answer) {
        let headers = answer.headers_mut();
        headers.insert(ETAG, self.tag.clone());
        headers.insert(CACHE_CONTROL, ASK_FIRST);
        headers.insert(CONTENT_SECURITY_POLICY, NOT_IN_A_FRAME);
    }
}

/// What browsers need to be told, as they may not guess. Everything that is not here is for download.
fn content_type(name: &str) -> &'static str {
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
