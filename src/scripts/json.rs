//! Tolerant reading of JSON: a value of another type than expected is passed over, and only broken JSON is an error.
//!
//! A typed deserializer would refuse a whole script for a title that is a number; a tree of values takes fifty times the
//! file's size for lists of nothing. Here a [`JsonTaker`] sees each value as it comes, and what it does not take is skipped
//! by the parser, which needs no recursion for that.

use core::fmt;
use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

/// A value that is neither a list nor an object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum JsonScalar<'t> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number; an integer that is too large for 64 bits is one, too.
    Number(f64),
    /// A text.
    Text(&'t str),
}

/// Takes a value of any type. By default it takes nothing.
pub trait JsonTaker {
    /// A value without parts.
    fn scalar(&mut self, _value: JsonScalar<'_>) {}

    /// A list.
    fn list<'de, S: SeqAccess<'de>>(&mut self, mut list: S) -> Result<(), S::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    /// An object.
    fn object<'de, M: MapAccess<'de>>(&mut self, mut object: M) -> Result<(), M::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// Gives the next value to a taker.
pub struct Take<'a, T>(pub &'a mut T);

impl<'de, T: JsonTaker> DeserializeSeed<'de> for Take<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: JsonTaker> Visitor<'de> for Take<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.0.scalar(JsonScalar::Null);
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.0.scalar(JsonScalar::Bool(value));
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.visit_f64(value as f64)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        self.0.scalar(JsonScalar::Number(value));
        Ok(())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        self.0.scalar(JsonScalar::Text(value));
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'de>>(self, list: S) -> Result<(), S::Error> {
        self.0.list(list)
    }

    fn visit_map<M: MapAccess<'de>>(self, object: M) -> Result<(), M::Error> {
        self.0.object(object)
    }
}

/// A key of an object; copied only where it has escapes.
pub struct Key<'de>(pub Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key<'de>, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E: de::Error>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E: de::Error>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}
