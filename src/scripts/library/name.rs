//! Names of scripts: each is the name of its file, so that what a person copies into the folder has one as well.

use unicode_normalization::UnicodeNormalization as _;

/// Endings of the files that are scripts. A name without one is that of a funscript.
const ENDINGS: [&str; 2] = [".funscript", ".csv"];
/// Longest name with its ending, in bytes: what file systems take.
const NAME_BYTES: usize = 255;

/// The name without its ending; `None` if it has none of a script.
pub fn stem(name: &str) -> Option<&str> {
    let stem = |ending: &&str| {
        let at = name.len().checked_sub(ending.len())?;
        name.is_char_boundary(at)
            .then(|| name.split_at(at))
            .filter(|(_, end)| end.eq_ignore_ascii_case(ending))
    };
    ENDINGS.iter().find_map(stem).map(|(stem, _)| stem)
}

/// The name of the file for the name that somebody gave: with an ending, and its accents in composed form.
///
/// # Errors
/// The rule for names.
pub fn file_name(given: &str) -> Result<String, String> {
    let mut name: String = given.nfc().collect();
    if stem(&name).is_none() {
        name.push_str(ENDINGS[0]);
    }
    check(&name)?;
    Ok(name)
}

/// Checks the name of a file.
///
/// # Errors
/// The rule for names.
pub fn check(name: &str) -> Result<(), String> {
    let stem = stem(name).unwrap_or_default();
    let is_plain = !stem.is_empty() && stem.trim() == stem && !stem.starts_with('.');
    let has_separator = name.contains(|c: char| c.is_control() || matches!(c, '/' | '\\'));
    if is_plain && !has_separator && name.len() <= NAME_BYTES {
        return Ok(());
    }
    Err(format!(
        "a name has 1 to {NAME_BYTES} bytes with its ending, no slash, backslash or control character, no dot at its start, \
         and no space at its ends"
    ))
}

/// A name as it is compared with others: composed accents, lower case.
pub fn folded(name: &str) -> String {
    name.nfc().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_one_file_in_the_folder() {
        for (given, name) in [
            ("x", "x.funscript"),
            ("x.funscript", "x.funscript"),
            ("x.FunScript", "x.FunScript"),
            ("x.csv", "x.csv"),
            ("x.mp4", "x.mp4.funscript"),
            ("a & b (soft)", "a & b (soft).funscript"),
            ("u\u{308}", "\u{fc}.funscript"),
            ("50%", "50%.funscript"),
        ] {
            assert_eq!(file_name(given).as_deref(), Ok(name));
        }
        let long = "\u{fc}".repeat(123);
        for bad in [
            "",
            " ",
            ".",
            "..",
            "../x",
            "a/b",
            "a\\b",
            ".x",
            "x\0",
            "x\n.csv",
            " x",
            "x .csv",
            ".funscript",
            "/etc/passwd",
            &long,
        ] {
            let name = file_name(bad);
            assert!(name.is_err(), "{bad:?} is {name:?}");
        }
    }

    #[test]
    fn a_stem_is_what_stands_before_the_ending() {
        assert_eq!(stem("x.csv"), Some("x"));
        assert_eq!(stem("x.y.FUNSCRIPT"), Some("x.y"));
        assert_eq!((stem("x.mp4"), stem("csv"), stem("\u{fc}x")), (None, None, None));
    }
}
