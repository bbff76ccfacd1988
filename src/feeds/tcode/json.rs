//! JSON string writer, for the two short messages of T-Code that are JSON.

use std::fmt::Write;

/// `text` as a JSON string, with its quotation marks.
pub fn json_string(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            '\n' => json.push_str("\\n"),
            '\0'..='\u{1f}' => {
                // Writing to a String does not fail.
                let _ = write!(json, "\\u{:04x}", u32::from(character));
            }
            _ => json.push(character),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotation_marks_and_control_characters_are_escaped() {
        assert_eq!(json_string("a\"b\\c\nd\r\u{1}é"), r#""a\"b\\c\nd\u000d\u0001é""#);
        assert_eq!(json_string(""), r#""""#);
    }
}
