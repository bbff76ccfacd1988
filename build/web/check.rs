//! What no file of the page may hold: nothing comes from elsewhere, nothing is inline (the content security policy would not let
//! it run), and nothing freezes the page, STOP too.

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
