//! The pages for browsers: the [`built_in`] one at `/`, and the static files of an app, if one is given: a [`folder`] that is read
//! once, at the start, and served from memory.
//!
//! A request only ever looks up a name among those that were found then, so no path leads out of the folder; what many
//! clients ask for at once is held once; and no request waits for the disk. A path without a file is the app's own
//! business: it gets index.html, unless its last segment names a file or its first one is the API's.
//!
//! An app that was built for `http://localhost` is served so that it works under every name of this server: the
//! [`addresses`] of the API in its scripts ([`literals`]), styles and [`html`] lead to the origin of the page. Such an app
//! says nothing of itself while somebody looks at it, so its index.html loads [`APP_PRESENCE_JS`], too.

mod addresses;
mod built_in;
mod folder;
mod html;
mod literals;
mod page;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use hyper::header::{ALLOW, CACHE_CONTROL, HeaderMap, HeaderValue, LOCATION};
use hyper::{Method, StatusCode};

use super::answer::{self, HandlerResult};
use super::problem::ProblemCode;
use super::query::decoded;
use crate::auth::Role;
use addresses::Syntax;
use built_in::BuiltIn;
pub use folder::PagesError;
use page::{Page, content_type};

/// Where the app is. Its files are at the root, too, where a build asks for them by default.
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
/// The pages of this server.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    built_in: BuiltIn,
    /// The files of an app; none at all when there is no app.
    app: Arc<BTreeMap<String, Page>>,
}

/// What a path leads to.
enum Found {
    /// The app.
    Index(Page),
    /// A file of an app, or of the built-in page.
    File(Page),
}

impl Pages {
    /// An app: all files below `folder`, but those with a name that begins with a dot. The files on the disk stay as they are. The
    /// folder of the built-in page itself takes its place.
    ///
    /// # Errors
    /// [`PagesError`].
    pub fn read(folder: &Path) -> Result<Pages, PagesError> {
        let mut files = folder::read(folder)?;
        if built_in::is_source(&files) {
            return Ok(Pages { built_in: BuiltIn::from_folder(folder), ..Pages::default() });
        }
        lead_to_the_origin(&mut files);
        let page = |(name, content): (String, _)| {
            let page = Page::new(&name, content, Some(NOT_IN_A_FRAME));
            (name, page)
        };
        Ok(Pages { app: Arc::new(files.into_iter().map(page).collect()), ..Pages::default() })
    }

    /// The answer to a request that no route knows. A guest who opens the app, with which he can do nothing, is led to the built-in
    /// page, which lets devices in.
    ///
    /// # Errors
    /// There is no such page, or the method is none for a page.
    pub fn answer(&self, method: &Method, path: &str, headers: &HeaderMap, role: Role) -> HandlerResult {
        let found = self.find(path).ok_or_else(answer::not_found)?;
        if !matches!(*method, Method::GET | Method::HEAD) {
            let refusal = answer::refuse(ProblemCode::MethodNotAllowed, "Method Not Allowed");
            return Err(refusal.with(ALLOW, HeaderValue::from_static("GET, HEAD")));
        }
        Ok(match found {
            Found::Index(_) if role == Role::Guest => {
                let mut answer = answer::empty(StatusCode::SEE_OTHER);
                answer.headers_mut().insert(LOCATION, HeaderValue::from_static("/"));
                answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                answer
            }
            Found::Index(page) | Found::File(page) => page.answer(headers),
        })
    }

    fn find(&self, path: &str) -> Option<Found> {
        if let Some(name) = built_in::name_of(path) {
            return self.built_in.find(name).map(Found::File);
        }
        let name = decoded(path.strip_prefix('/')?, false);
        let name = name.strip_suffix('/').unwrap_or(&name);
        let odd = |segment: &str| matches!(segment, "" | "." | "..") || segment.contains(['\\', '\0']);
        if !name.is_empty() && name.split('/').any(odd) {
            return None;
        }
        let last = name.rsplit('/').next().unwrap_or_default();
        let (name, page) = self
            .file(name)
            .or_else(|| self.file(name.strip_prefix(MOUNT)?.strip_prefix('/')?))
            .or_else(|| self.app.get_key_value(INDEX).filter(|_| !last.contains('.')))?;
        Some(if name == INDEX { Found::Index(page.clone()) } else { Found::File(page.clone()) })
    }

    /// The file of that name, or the index.html of the folder of that name.
    fn file(&self, name: &str) -> Option<(&String, &Page)> {
        self.app.get_key_value(name).or_else(|| self.app.get_key_value(&format!("{name}/{INDEX}")))
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
