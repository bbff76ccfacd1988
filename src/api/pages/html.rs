//! HTML scanner: parts an HTML file into scripts, comments and markup, and adds a script to it.

/// A part of an HTML file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HtmlPart<'a> {
    /// Its kind.
    pub kind: PartKind,
    /// Its bytes.
    pub text: &'a [u8],
}

/// The kind of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartKind {
    /// JavaScript between the tags of a script.
    Script,
    /// A comment.
    Comment,
    /// Everything else: tags, text, styles, and scripts that are data.
    Markup,
}

/// The parts of a file, which are all of it.
pub fn parts(html: &[u8]) -> Vec<HtmlPart<'_>> {
    let mut parts = Vec::new();
    let (mut from, mut at) = (0, 0);
    while at < html.len() {
        let rest = &html[at..];
        let (kind, begin, end) = if rest.starts_with(b"<!--") {
            // The shortest one is `<!-->`.
            let length = rest.windows(3).skip(2).position(|end| end == b"-->").map(|length| length + 5);
            (PartKind::Comment, at, at + length.unwrap_or(rest.len()))
        } else if is_tag(rest, b"<script") {
            let begin = at + tag_length(rest);
            let inside = &html[begin..];
            let length = (0..inside.len()).find(|&at| is_tag(&inside[at..], b"</script"));
            let kind = if is_code(&html[at..begin]) { PartKind::Script } else { PartKind::Markup };
            (kind, begin, begin + length.unwrap_or(inside.len()))
        } else {
            at += 1;
            continue;
        };
        parts.push(HtmlPart { kind: PartKind::Markup, text: &html[from..begin] });
        parts.push(HtmlPart { kind, text: &html[begin..end] });
        (from, at) = (end, end.max(at + 1));
    }
    parts.push(HtmlPart { kind: PartKind::Markup, text: &html[from..] });
    parts.retain(|part| !part.text.is_empty());
    parts
}

/// The file with a script of that path at the end of its head. Without a head it comes first, but behind the doctype, without
/// which browsers lay the page out as in the nineties.
pub fn with_script(html: &[u8], path: &str) -> Vec<u8> {
    let mut position = None;
    let mut start = 0;
    for part in parts(html) {
        if part.kind == PartKind::Markup && position.is_none() {
            let found = (0..part.text.len()).find(|&at| is_tag(&part.text[at..], b"</head"));
            position = found.map(|at| start + at);
        }
        start += part.text.len();
    }
    let position = position.unwrap_or_else(|| doctype_length(html));
    let script = format!("<script src=\"{path}\" defer></script>");
    [&html[..position], script.as_bytes(), &html[position..]].concat()
}

/// True if a tag names the hash of what it loads. Such a file may not be changed.
pub fn has_integrity(html: &[u8]) -> bool {
    let mut markup = parts(html).into_iter().filter(|part| part.kind == PartKind::Markup);
    markup.any(|part| part.text.windows(11).any(|text| text.eq_ignore_ascii_case(b" integrity=")))
}

/// True if the text begins with that tag.
fn is_tag(text: &[u8], tag: &[u8]) -> bool {
    let Some((begin, rest)) = text.split_at_checked(tag.len()) else { return false };
    begin.eq_ignore_ascii_case(tag)
        && rest.first().is_some_and(|&byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'))
}

/// The length of the tag that the text begins with; a bracket in quotes does not end it.
fn tag_length(text: &[u8]) -> usize {
    let mut quote = None;
    for (at, &byte) in text.iter().enumerate() {
        match quote {
            Some(open) if open == byte => quote = None,
            Some(_) => {}
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            None if byte == b'>' => return at + 1,
            None => {}
        }
    }
    text.len()
}

/// True if the script of that tag is code: it has no type, or one of JavaScript. Another type makes it data.
fn is_code(tag: &[u8]) -> bool {
    let tag = String::from_utf8_lossy(tag).to_ascii_lowercase();
    let attribute = tag.split_ascii_whitespace().find_map(|attribute| attribute.strip_prefix("type="));
    let kind = attribute.unwrap_or_default().trim_matches(['"', '\'', '>', '/']);
    matches!(kind, "" | "module") || kind.ends_with("javascript")
}

/// The length of the doctype that a file begins with.
fn doctype_length(html: &[u8]) -> usize {
    let blank = html.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let rest = &html[blank..];
    if is_tag(rest, b"<!doctype") { blank + tag_length(rest) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scripts(html: &str) -> Vec<&str> {
        let parts = parts(html.as_bytes());
        let whole: Vec<u8> = parts.iter().flat_map(|part| part.text.to_vec()).collect();
        assert_eq!(whole, html.as_bytes());
        let scripts = parts.into_iter().filter(|part| part.kind == PartKind::Script);
        scripts.map(|part| std::str::from_utf8(part.text).unwrap()).collect()
    }

    #[test]
    fn code_is_told_from_data_and_from_comments() {
        for (html, expected) in [
            ("<script>a</script>", vec!["a"]),
            ("<SCRIPT type=module >a</SCRIPT ><script>b</script>", vec!["a", "b"]),
            ("<script type=\"text/javascript\" x='>'>a</script>", vec!["a"]),
            ("<script src=a></script>b", vec![]),
            ("<script type=\"application/json\">{}</script>", vec![]),
            ("<script type=importmap>{}</script>", vec![]),
            ("<script data-type=\"x\">a</script>", vec!["a"]),
            ("<!-- <script>a</script> --><script>b</script>", vec!["b"]),
            ("<scripts>a</scripts>", vec![]),
            ("<script>a", vec!["a"]),
            ("<script", vec![]),
            ("<script ", vec![]),
            ("<!-- <script>a</script>", vec![]),
            ("<!--><script>a</script>", vec!["a"]),
            ("", vec![]),
        ] {
            assert_eq!(scripts(html), expected, "{html}");
        }
    }

    #[test]
    fn a_script_comes_at_the_end_of_the_head() {
        let script = "<script src=\"/a.js\" defer></script>";
        for (before, behind) in [
            ("<!doctype html><html><head><title>a</title>", "</head><body></body></html>"),
            ("<head><!-- </head> --><script>'</head>'</script>", "</HEAD >"),
            ("<!DOCTYPE html>", "<title>a</title><header>b</header>"),
            ("\n<!doctype html>", "\n"),
            ("", "<title>a</title>"),
            ("", ""),
        ] {
            let html = with_script(format!("{before}{behind}").as_bytes(), "/a.js");
            assert_eq!(String::from_utf8(html).unwrap(), format!("{before}{script}{behind}"));
        }
    }

    #[test]
    fn hashes_are_seen_in_tags() {
        assert!(has_integrity(b"<script src=a integrity=\"sha384-x\"></script>"));
        assert!(!has_integrity(b"<script>a integrity=1</script><!-- integrity=1 -->"));
    }
}
