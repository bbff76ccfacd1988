//! JSON in which each key of an object is there once.
//!
//! The usual readers take the last one of two. A client that writes `amplitude` twice has said two things, and may believe that the
//! machine does either.

use std::collections::HashSet;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// The value that the text stands for. It is parsed once; only a text with a doubled key is read again, to name that.
///
/// # Errors
/// It is no JSON, or a key is there twice; that is an error of the data.
pub fn read(text: &[u8]) -> Result<Value, serde_json::Error> {
    let value = serde_json::from_slice(text)?;
    if members_of_text(text) != members_of_value(&value) {
        UniqueKeys.deserialize(&mut serde_json::Deserializer::from_slice(text))?;
    }
    Ok(value)
}

/// Number of the members of all objects in a text that is JSON: each has a colon, and there are no others outside of strings.
fn members_of_text(text: &[u8]) -> usize {
    let (mut members, mut in_string, mut is_escaped) = (0, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => in_string = !in_string,
            b':' if !in_string => members += 1,
            _ => {}
        }
    }
    members
}

/// Number of the members of all objects in a value, in which a doubled key counts once.
fn members_of_value(value: &Value) -> usize {
    match value {
        Value::Array(list) => list.iter().map(members_of_value).sum(),
        Value::Object(map) => map.len() + map.values().map(members_of_value).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Visitor that checks the keys only, and fails at the first doubled one.
#[derive(Clone, Copy)]
struct UniqueKeys;

impl<'de> DeserializeSeed<'de> for UniqueKeys {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueKeys {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(UniqueKeys)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut keys = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            let shown: String = key.chars().take(64).collect();
            if !keys.insert(key) {
                return Err(A::Error::custom(format!("the key {shown:?} is there twice")));
            }
            entries.next_value_seed(UniqueKeys)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_the_usual_reader_reads() {
        for text in [
            "null",
            " {} ",
            r#"{"a": [1, -2, 3.5, 1e300, "x\n\u017e", true, null, {"b": {}}], "c": ""}"#,
            "18446744073709551615",
            "-9223372036854775808",
            "123456789012345678901234567890",
            "0.1",
        ] {
            let usual: Value = serde_json::from_str(text).unwrap();
            assert_eq!(read(text.as_bytes()).unwrap(), usual, "{text}");
        }
        for text in ["", "{", "[1,]", "{} {}", "NaN", "\u{feff}{}", "{\"a\" 1}", &"[".repeat(1_000)] {
            assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
            assert!(!read(text.as_bytes()).unwrap_err().is_data(), "{text}");
        }
    }

    #[test]
    fn a_doubled_key_is_an_error_that_names_it_however_it_is_written() {
        for text in [r#"{"a": 1, "a": 1}"#, r#"[{"b": {"a": 1, "c": 2, "\u0061": 3}}]"#] {
            let error = read(text.as_bytes()).unwrap_err();
            assert!(
                error.is_data() && error.to_string().starts_with("the key \"a\" is there twice"),
                "{error}"
            );
        }
        for text in [r#"{"a": {"a": 1}, "b": {"a": 1}}"#, r#"{"a:\\": ":", "\":": [{"a": "\\\":"}]}"#] {
            assert!(read(text.as_bytes()).is_ok(), "{text}");
        }
        // The doubled key hides the members of its first value.
        assert!(read(br#"{"a": {"b": 1}, "a": 1}"#).unwrap_err().is_data());
    }
}
