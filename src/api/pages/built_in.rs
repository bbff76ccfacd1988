//! The built-in page: the files of src/web, which build.rs checks, compresses and embeds. `/` is its index.html, and `/web/…` are
//! its other files, so that none of them is in the way of an app's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use bytes::Bytes;

use super::INDEX;
use super::folder;
use super::page::Page;

/// Name, content, and the same compressed, of each file.
const FILES: &[(&str, &[u8], &[u8])] = include!(concat!(env!("OUT_DIR"), "/web.rs"));

/// Where its files are, besides index.html.
const PREFIX: &str = "/web/";

/// By this the folder of the page is told from that of an app.
const MARK: &str = "<meta name=\"generator\" content=\"yep\">";

static EMBEDDED: LazyLock<BTreeMap<&'static str, Page>> = LazyLock::new(|| {
    let page = |&(name, content, compressed): &(&'static str, &'static [u8], &'static [u8])| {
        let compressed = (compressed.len() < content.len()).then(|| Bytes::from_static(compressed));
        (name, Page::of(name, Bytes::from_static(content), compressed))
    };
    FILES.iter().map(page).collect()
});

/// Where the files of the built-in page come from.
#[derive(Debug, Clone, Default)]
pub enum BuiltIn {
    /// From the program.
    #[default]
    Embedded,
    /// From the disk, each time anew, for whoever works on the page.
    Folder(Arc<PathBuf>),
}

impl BuiltIn {
    /// The page as it is in that folder.
    pub fn from_folder(folder: &Path) -> BuiltIn {
        BuiltIn::Folder(Arc::new(folder.to_owned()))
    }

    /// The file of that name.
    pub fn find(&self, name: &str) -> Option<Page> {
        match self {
            BuiltIn::Embedded => EMBEDDED.get(name).cloned(),
            BuiltIn::Folder(path) => {
                let content = folder::read(path).ok()?.remove(name)?;
                Some(Page::new(name, content, None))
            }
        }
    }
}

/// The name of the file of the built-in page that this path leads to.
pub fn name_of(path: &str) -> Option<&str> {
    if path == "/" { Some(INDEX) } else { path.strip_prefix(PREFIX) }
}

/// Whether these are the files of the built-in page itself.
pub fn is_source(files: &BTreeMap<String, Vec<u8>>) -> bool {
    files.get(INDEX).is_some_and(|index| String::from_utf8_lossy(index).contains(MARK))
}
