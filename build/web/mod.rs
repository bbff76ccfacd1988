//! The built-in page: checks the files of src/web, and embeds them, compressed.
//!
//! The checks keep promises of the page: nothing comes from elsewhere, nothing is inline (the content security policy would not let
//! it run), and nothing freezes the page, STOP too.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::{fs, io};

use flate2::Compression;
use flate2::write::GzEncoder;

/// All files together, compressed. The aim is 64 KiB; until the page is there, this is what it may not grow beyond.
pub const BUDGET_BYTES: usize = 90 * 1024;

/// The only address of another origin that is no address: the name of a format.
const SVG_NAMESPACE: &str = "http://www.w3.org/2000/svg";

/// What no script may call, with the reason.
const FORBIDDEN_CALLS: [(&str, &str); 9] = [
    ("alert(", "it freezes the page, STOP too"),
    ("confirm(", "it freezes the page, STOP too"),
    ("prompt(", "it freezes the page, STOP too"),
    ("showModal", "it makes STOP inert"),
    ("eval(", "the content security policy forbids it"),
    ("new Function", "the content security policy forbids it"),
    ("innerHTML", "a name that somebody chose would become markup"),
    ("outerHTML", "a name that somebody chose would become markup"),
    ("insertAdjacentHTML", "a name that somebody chose would become markup"),
];

/// The content of each file below `folder`, by its name.
///
/// # Errors
/// What the system says.
pub fn read(folder: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    collect(folder, "", &mut files)?;
    Ok(files)
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
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

/// Every rule that a file breaks.
#[must_use]
pub fn check(name: &str, content: &[u8]) -> Vec<String> {
    let Ok(text) = str::from_utf8(content) else { return vec![format!("{name}: is not UTF-8")] };
    let mut broken = Vec::new();
    let foreign = text.replace(SVG_NAMESPACE, "");
    for scheme in ["http://", "https://", "url(//", "src=\"//", "href=\"//"] {
        if foreign.contains(scheme) {
            broken.push(format!("{name}: leads to another origin ({scheme})"));
        }
    }
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "js" => check_script(name, text, &mut broken),
        "html" => check_markup(name, text, &mut broken),
        "css" if text.contains("@import") => broken.push(format!("{name}: @import is a request more")),
        "css" | "svg" => {}
        other => broken.push(format!("{name}: a file of the kind {other:?} has no type")),
    }
    broken
}

fn check_script(name: &str, text: &str, broken: &mut Vec<String>) {
    for (call, why) in FORBIDDEN_CALLS {
        // `ask(` may end with the letters of a call that is not meant.
        let is_call = |at: usize| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if text.match_indices(call).any(|(at, _)| is_call(at)) {
            broken.push(format!("{name}: {call} is not allowed: {why}"));
        }
    }
    if text.lines().any(|line| line.matches('`').count() % 2 == 1) {
        broken.push(format!("{name}: a text that goes over several lines would lose its indentation"));
    }
    if text.contains("\"style\"") {
        broken
            .push(format!("{name}: a style attribute is inline, and the content security policy forbids it"));
    }
}

fn check_markup(name: &str, text: &str, broken: &mut Vec<String>) {
    let tags = text.split('<').skip(1).filter_map(|rest| rest.split_once('>'));
    for (tag, behind) in tags {
        let kind = tag.split_ascii_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        if kind == "script" && (!tag.contains(" src=") || !behind.trim().is_empty()) {
            broken.push(format!("{name}: an inline script"));
        }
        if kind == "style" || tag.contains(" style=") {
            broken.push(format!("{name}: an inline style"));
        }
        if tag.split_ascii_whitespace().any(|word| word.starts_with("on") && word.contains('=')) {
            broken.push(format!("{name}: an inline handler"));
        }
    }
}

/// A script or a style without its comments and its indentation: what a browser does not need is a third of it. Line by line, so
/// that nothing is to be parsed: a comment has its lines for itself, and no text goes over several of them.
#[must_use]
pub fn strip(name: &str, content: &[u8]) -> Vec<u8> {
    if !name.ends_with(".js") && !name.ends_with(".css") {
        return content.to_owned();
    }
    let mut stripped = String::new();
    let mut is_comment = false;
    for line in String::from_utf8_lossy(content).lines().map(str::trim) {
        is_comment |= line.starts_with("/*");
        if !is_comment && !line.is_empty() && !line.starts_with("//") {
            stripped += line;
            stripped.push('\n');
        }
        is_comment &= !line.ends_with("*/");
    }
    stripped.into_bytes()
}

/// The files, compressed, each with the best that gzip can do.
///
/// # Errors
/// They are larger than the budget.
pub fn compress(files: &BTreeMap<String, Vec<u8>>) -> Result<BTreeMap<&str, Vec<u8>>, String> {
    let mut compressed = BTreeMap::new();
    for (name, content) in files {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let written = encoder.write_all(content).and_then(|()| encoder.finish());
        compressed.insert(name.as_str(), written.map_err(|error| format!("{name}: {error}"))?);
    }
    let bytes: usize = compressed.values().map(Vec::len).sum();
    if bytes > BUDGET_BYTES {
        return Err(format!("{bytes} bytes, compressed; the page may have {BUDGET_BYTES}"));
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
    let files = files.iter().map(|(name, content)| (name.clone(), strip(name, content))).collect();
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
