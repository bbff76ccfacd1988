//! Files of an app, read from the disk.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::INDEX;
use crate::layout;

/// Folders in folders; a built app has two or three.
const MOST_DEPTH: usize = 16;

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

/// The content of each file below `folder`, but of those with a name that begins with a dot.
///
/// # Errors
/// [`PagesError`].
pub fn read(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, PagesError> {
    let mut found = BTreeMap::new();
    let mut left = layout::APP_BYTES;
    collect(folder, "", &mut left, &mut found).map_err(|error| match error {
        PagesError::TooLarge(_) => PagesError::TooLarge(folder.to_owned()),
        other => other,
    })?;
    if !found.contains_key(INDEX) {
        return Err(PagesError::NoIndex(folder.to_owned()));
    }
    Ok(found)
}

/// Adds what is in `folder` to `found`, with `prefix` before each name; `left` is how many bytes still may come.
fn collect(
    folder: &Path,
    prefix: &str,
    left: &mut usize,
    found: &mut BTreeMap<String, Vec<u8>>,
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
            found.insert(name, content);
        } else {
            return Err(PagesError::NotPlain(path));
        }
    }
    Ok(())
}
