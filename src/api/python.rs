//! Text as Python writes it.
//!
//! The frames of the streams were made by Python's `json.dumps` and the values in them by `str()`; a client
//! that compares or parses them finds the same characters here.

/// A number as Python's `repr` writes it: the shortest digits that read back, an exponent only below 1e-4
/// and from 1e16.
#[must_use]
pub fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.into();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{value}");
    if plain.contains('.') { plain } else { plain + ".0" }
}

/// An array of numbers as `json.dumps` writes it.
#[must_use]
pub fn float_list(values: impl IntoIterator<Item = f64>) -> String {
    let mut text = String::from("[");
    for (i, value) in values.into_iter().enumerate() {
        if i > 0 {
            text.push_str(", ");
        }
        text.push_str(&float(value));
    }
    text.push(']');
    text
}

/// Appends a string as `json.dumps` writes it: quoted, ASCII only.
pub fn push_string(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='~' => text.push(character),
            _ => {
                // Outside the basic plane Python writes a surrogate pair, which is what UTF-16 is.
                for unit in character.encode_utf16(&mut [0; 2]) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    text.push('"');
}

/// One object of strings as `json.dumps` writes it, inside the array in which the streams send it.
#[must_use]
pub fn frame<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::from("[{");
    for (i, (name, value)) in fields.into_iter().enumerate() {
        if i > 0 {
            text.push_str(", ");
        }
        push_string(&mut text, name);
        text.push_str(": ");
        push_string(&mut text, value);
    }
    text.push_str("}]");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_look_as_python_prints_them() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-1.5, "-1.5"),
            (1795452668.471309, "1795452668.471309"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (2.7415317243928428e-05, "2.7415317243928428e-05"),
            (-1.2246467991473532e-16, "-1.2246467991473532e-16"),
            (1e15, "1000000000000000.0"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (1e16, "1e+16"),
            (1e300, "1e+300"),
            (5e-324, "5e-324"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(float(value), text);
        }
    }

    #[test]
    fn strings_are_ascii_only() {
        let mut text = String::new();
        push_string(&mut text, "žluť \"\\/\n\r\t\u{8}\u{c}\u{1}\u{7f}😀");
        assert_eq!(text, r#""\u017elu\u0165 \"\\/\n\r\t\b\f\u0001\u007f\ud83d\ude00""#);
    }

    #[test]
    fn a_frame_is_an_array_of_one_object() {
        assert_eq!(frame([("type", "stop"), ("n", "5")]), r#"[{"type": "stop", "n": "5"}]"#);
        assert_eq!(float_list([0.0, 0.5]), "[0.0, 0.5]");
    }
}
