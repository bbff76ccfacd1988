//! Comments and indentation, which no browser needs.

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
