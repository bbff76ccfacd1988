//! Reads JSON in which every key of an object is there once.
//!
//! The usual readers take the last one of two. Whoever writes `amplitude` twice has said two things, and either of them may be
//! what they believe that the machine does.

use std::collections::HashSet;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// The value that the text stands for.
///
/// # Errors
/// It is no JSON, or a key is there twice; that is an error of the data.
pub fn read(text: &[u8]) -> Result<Value, serde_json::Error> {
    let value = serde_json::from_slice(text)?;
    Once.deserialize(&mut serde_json::Deserializer::from_slice(text))?;
    Ok(value)
}

/// Looks at the keys only.
#[derive(Clone, Copy)]
struct Once;

impl<'de> DeserializeSeed<'de> for Once {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once {
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
        while elements.next_element_seed(Once)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut keys = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            let shown: String = key.chars().take(64).collect();
            if !keys.insert(key) {
                return Err(A::Error::custom(format!("the key {shown:?} is there twice")));
            }
            entries.next_value_seed(Once)?;
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
        assert!(read(br#"{"a": {"a": 1}, "b": {"a": 1}}"#).is_ok());
    }
}
