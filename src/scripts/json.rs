//! Tolerant reading of JSON: a value of another type than expected is passed over, and only broken JSON is an error.
//!
//! A typed deserializer would refuse a whole script for a title that is a number; a tree of values takes fifty times the
//! file's size for lists of nothing. Here a [`JsonTaker`] sees each value as it comes, and what it does not take is skipped
//! by the parser, which needs no recursion for that.

use core::fmt;
use std::borrow::Cow;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, IgnoredAny, IntoDeserializer as _, MapAccess, SeqAccess, Visitor,
};
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

    fn visit_map<M: MapAccess<'de>>(self, mut object: M) -> Result<(), M::Error> {
        let first = object.next_key::<Key<'de>>()?;
        if first.as_ref().is_some_and(|key| key.0 == NUMBER) {
            let text: String = object.next_value()?;
            let number = text.parse().ok().filter(|number: &f64| number.is_finite());
            let number = number.ok_or_else(|| de::Error::custom("number out of range"))?;
            return self.visit_f64(number);
        }
        self.0.object(Object { first, rest: object })
    }
}

/// How a number that is no integer comes, as an object with this key and the text, while a library in the same program asks the
/// parser for numbers of any length.
const NUMBER: &str = "$serde_json::private::Number";

/// An object of which the first key was read already.
struct Object<'de, M> {
    first: Option<Key<'de>>,
    rest: M,
}

impl<'de, M: MapAccess<'de>> MapAccess<'de> for Object<'de, M> {
    type Error = M::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, M::Error> {
        match self.first.take() {
            Some(Key(Cow::Borrowed(key))) => seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some),
            Some(Key(Cow::Owned(key))) => seed.deserialize(key.into_deserializer()).map(Some),
            None => self.rest.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, M::Error> {
        self.rest.next_value_seed(seed)
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
