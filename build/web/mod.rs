//! The built-in page: checks the files of src/web, joins what is loaded together, and embeds it, compressed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use zopfli::{Format, Options};

mod check;
mod join;
pub mod strip;

pub use check::check;
pub use join::{Files, join};

/// The page, compressed, in bytes: on a Wi-Fi of one megabit it is there within half a second.
pub const BUDGET_BYTES: usize = 64_000;
/// What is loaded for itself, when it is opened: the first run, and what else than a wave moves the axis. Each with what it may have.
const APART: [(&str, &str, usize); 6] = [
    ("the first run", "screens/first/", 8_000),
    ("the screen of the programs", "screens/programs/", 6_500),
    ("the screen of the patterns", "screens/patterns/", 9_500),
    ("the screen of the scripts", "screens/scripts/", 10_500),
    ("the screen of the name, the log and the support file", "screens/support/", 4_000),
    ("the screen of the updates", "screens/update/", 5_000),
];

/// The content of each file below `folder`, by its name.
///
/// # Errors
/// What the system says.
pub fn read(folder: &Path) -> io::Result<Files> {
    let mut files = BTreeMap::new();
    collect(folder, "", &mut files)?;
    Ok(files)
}

fn collect(folder: &Path, prefix: &str, files: &mut Files) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.insert(name, fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// The files, compressed, each with the best that gzip can do.
///
/// # Errors
/// They are larger than their budget.
pub fn compress(files: &Files) -> Result<BTreeMap<&str, Vec<u8>>, String> {
    let mut compressed = BTreeMap::new();
    for (name, content) in files {
        let mut packed = Vec::new();
        zopfli::compress(Options::default(), Format::Gzip, &**content, &mut packed)
            .map_err(|error| format!("{name}: {error}"))?;
        compressed.insert(name.as_str(), packed);
    }
    let size = |belongs: &dyn Fn(&str) -> bool| -> usize {
        compressed.iter().filter(|(name, _)| belongs(name)).map(|(_, content)| content.len()).sum()
    };
    let is_apart = |name: &str| APART.iter().any(|(_, folder, _)| name.starts_with(folder));
    let page = ("the page", size(&|name| !is_apart(name)), BUDGET_BYTES);
    let apart = APART.map(|(what, folder, most)| (what, size(&|name| name.starts_with(folder)), most));
    for (what, bytes, most) in [page].into_iter().chain(apart) {
        if bytes > most {
            return Err(format!("{bytes} bytes, compressed; {what} may have {most}"));
        }
    }
    Ok(compressed)
}

/// Writes the files, stripped and compressed, to `out`; the text of a table of all of them.
///
/// # Errors
/// Every rule that they break, a size above the budget, and what the system says.
pub fn embed(folder: &Path, out: &Path) -> Result<String, Vec<String>> {
    let failed = |error: io::Error| vec![format!("{}: {error}", folder.display())];
    let files = read(folder).map_err(failed)?;
    let mut broken: Vec<String> = files.iter().flat_map(|(name, content)| check(name, content)).collect();
    let files = join(&files).unwrap_or_else(|why| {
        broken.push(why);
        Files::new()
    });
    let compressed = compress(&files).map_err(|over| broken.push(over));
    if !broken.is_empty() {
        return Err(broken);
    }
    let mut table = String::from("&[\n");
    for (index, (name, compressed)) in compressed.into_iter().flatten().enumerate() {
        let (plain, packed) = (out.join(format!("web-{index}")), out.join(format!("web-{index}.gz")));
        fs::write(&plain, &files[name]).map_err(failed)?;
        fs::write(&packed, compressed).map_err(failed)?;
        // Writing to a text cannot fail.
        let _ = writeln!(table, "(\n{name:?},\ninclude_bytes!({plain:?}),\ninclude_bytes!({packed:?}),\n),");
    }
    Ok(table + "]")
}
