//! An app's own files: a folder that is read once, at the start, and served from memory.
//!
//! A request only ever looks up a name among those that were found then, so no path leads out of the folder; what many
//! clients ask for at once is held once; and no request waits for the disk. A path without a file is the app's own
//! business: it gets index.html, unless its last segment names a file or its first one is the API's.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
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
use crate::layout;

/// What answers a path that has no file.
const INDEX: &str = "index.html";
/// Folders in folders; a built app has two or three.
const MOST_DEPTH: usize = 16;
/// No other site may show the page in a frame, and so lead somebody to a button that they do not see.
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

/// Why a folder cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum PagesError {
    /// The system does not let it be read.
    #[error("cannot read {}: {error}", .path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A link could lead anywhere, and the rest is nothing to be sent.
    #[error("{} is neither a file nor a folder; an app is served from plain files only", .0.display())]
    NotPlain(PathBuf),
    /// A name that no URL can have.
    #[error("{}: the name is not UTF-8, or too deep", .0.display())]
    Name(PathBuf),
    /// It would take too much memory.
    #[error("{} has more than {} MiB; that much is served at most", .0.display(), layout::APP_BYTES >> 20)]
    TooLarge(PathBuf),
    /// A folder of something else.
    #[error("{} has no {INDEX}; give the folder of a built app", .0.display())]
    NoIndex(PathBuf),
}

impl Pages {
    /// All files below `folder`, but those with a name that begins with a dot.
    ///
    /// # Errors
    /// [`PagesError`].
    pub fn read(folder: &Path) -> Result<Pages, PagesError> {
        let mut found = BTreeMap::new();
        let mut left = layout::APP_BYTES;
        collect(folder, "", &mut left, &mut found).map_err(|error| match error {
            PagesError::TooLarge(_) => PagesError::TooLarge(folder.to_owned()),
            other => other,
        })?;
        if !found.contains_key(INDEX) {
            return Err(PagesError::NoIndex(folder.to_owned()));
        }
        Ok(Pages(Arc::new(found)))
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
        let mut segments = name.split('/');
        let first = segments.next().unwrap_or_default();
        let odd = |segment: &str| matches!(segment, "" | "." | "..") || segment.contains(['\\', '\0']);
        if !name.is_empty() && name.split('/').any(odd) {
            return None;
        }
        let last = segments.next_back().unwrap_or(first);
        self.0
            .get(name)
            .or_else(|| self.0.get(&format!("{name}/{INDEX}")))
            .or_else(|| self.0.get(INDEX).filter(|_| !last.contains('.')))
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

/// Adds what is in `folder` to `found`, with `prefix` before each name; `left` is how many bytes still may come.
fn collect(
    folder: &Path,
    prefix: &str,
    left: &mut usize,
    found: &mut BTreeMap<String, Page>,
) -> Result<(), PagesError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| PagesError::Read { path, error }
    };
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let entry = entry.map_err(failed(folder))?;
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_str().ok_or_else(|| PagesError::Name(path.clone()))?;
        if name.starts_with('.') {
            continue;
        }
        let name = format!("{prefix}{name}");
        // Of the entry itself, not of what a link leads to.
        let kind = entry.file_type().map_err(failed(&path))?;
        if kind.is_dir() {
            if name.split('/').count() > MOST_DEPTH {
                return Err(PagesError::Name(path));
            }
            collect(&path, &format!("{name}/"), left, found)?;
        } else if kind.is_file() {
            let mut content = Vec::new();
            let file = File::open(&path).map_err(failed(&path))?;
            file.take(*left as u64 + 1).read_to_end(&mut content).map_err(failed(&path))?;
            *left = left.checked_sub(content.len()).ok_or(PagesError::TooLarge(path))?;
            found.insert(name.clone(), Page::new(&name, content));
        } else {
            return Err(PagesError::NotPlain(path));
        }
    }
    Ok(())
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
