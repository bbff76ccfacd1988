//! Scripts of a video, by its name.
//!
//! A player says a path, an address or only a name; the folder of the video is on another computer. So the last part counts:
//! `Videos/x.mp4` has the script `x.funscript`, and behind it the variants `x (soft).funscript`.

use super::name::{folded, stem};

/// The scripts of a video among these file names: the exact ones first, then the variants, each in the order of the names.
pub fn matching<'a>(media: &str, names: &[&'a str]) -> Vec<&'a str> {
    for base in bases(media) {
        let mut found: Vec<(bool, &str)> = names
            .iter()
            .filter_map(|name| is_variant(&folded(stem(name)?), &base).map(|is_variant| (is_variant, *name)))
            .collect();
        if !found.is_empty() {
            found.sort_unstable();
            return found.into_iter().map(|(_, name)| name).collect();
        }
    }
    Vec::new()
}

/// Whether the script of that stem is a variant for the video `base`; `None` if it is of another video.
fn is_variant(stem: &str, base: &str) -> Option<bool> {
    let behind = stem.strip_prefix(base)?;
    match behind.trim_start() {
        "" if behind.is_empty() => Some(false),
        variant if variant.starts_with('(') && variant.ends_with(')') => Some(true),
        _ => None,
    }
}

/// Names that the scripts of a video may have, the most likely first: without the ending, with it, and the same of an
/// address, whose characters may be written as `%20`.
fn bases(media: &str) -> Vec<String> {
    let path =
        media.split_once("://").map_or(media, |(_, rest)| rest.split(['?', '#']).next().unwrap_or(rest));
    let mut bases = Vec::new();
    for path in [path.to_owned(), percent_decoded(path)] {
        let name = folded(path.rsplit(['/', '\\']).next().unwrap_or_default().trim());
        let without_ending = name.rsplit_once('.').map(|(base, _)| base.to_owned());
        bases.extend(without_ending.into_iter().chain([name]).filter(|base| !base.trim().is_empty()));
    }
    bases.dedup();
    bases
}

/// The text with `%20` as the byte 0x20. What is no such escape stays.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits =
            behind.get(..2).filter(|digits| *first == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let decoded = digits.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(decoded.unwrap_or(*first));
        rest = if decoded.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 9] = [
        "Film (soft).funscript",
        "Film.csv",
        "Film.funscript",
        "Film.roll.funscript",
        "Film(hard).funscript",
        "Filmed.funscript",
        "My \u{fc}ber & Co.v1.2.funscript",
        "clip.mp4.funscript",
        "50%25.funscript",
    ];

    #[test]
    fn a_video_has_its_scripts_by_its_base_name() {
        let film = ["Film.csv", "Film.funscript", "Film (soft).funscript", "Film(hard).funscript"];
        for media in [
            "Folder/Film.mp4",
            "film.MKV",
            r"D:\Videos\FILM.mp4",
            "/x.y/Film",
            "http://host:81/a/Film.mp4?t=1#2",
        ] {
            assert_eq!(matching(media, &NAMES), film, "{media}");
        }
        let accents = ["My \u{fc}ber & Co.v1.2.funscript"];
        for media in [
            "My \u{fc}ber & Co.v1.2.mp4",
            "my u\u{308}ber & co.v1.2.mp4",
            "http://h/My%20%C3%BCber%20&%20Co.v1.2.mp4",
        ] {
            assert_eq!(matching(media, &NAMES), accents, "{media}");
        }
        assert_eq!(matching("clip.mp4", &NAMES), ["clip.mp4.funscript"]);
        assert_eq!(matching("50%25.mp4", &NAMES), ["50%25.funscript"]);
        for media in ["", "/", "Fil.mp4", "Film (soft", "roll.mp4", "..", "%", ".mp4", "http://"] {
            assert_eq!(matching(media, &NAMES), [""; 0], "{media}");
        }
    }
}
