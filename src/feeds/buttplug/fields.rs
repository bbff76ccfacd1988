//! Typed reading of the fields of one message.
//!
//! A field that is missing or of another type makes the message unreadable (code 3); a value outside its range is
//! refused by the device (code 4). JSON has no NaN and no infinity, so every number here is finite.

use serde_json::{Map, Value};

use super::refusal::ButtplugRefusal;

/// Longest piece of a client's text that an error quotes.
const QUOTED_CHARACTERS: usize = 40;

/// The fields of an object, with the path that errors name.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    /// Message or sub-command that the fields belong to.
    pub name: &'a str,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// The fields of `map`, which belongs to the message `name`.
    pub const fn new(name: &'a str, map: &'a Map<String, Value>) -> Fields<'a> {
        Fields { name, map }
    }

    /// Value of a field that need not be there; null counts as not there.
    pub fn optional(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// A text.
    pub fn text(&self, key: &str) -> Result<&'a str, ButtplugRefusal> {
        self.required(key)?.as_str().ok_or_else(|| self.wrong_type(key, "a text"))
    }

    /// An array.
    pub fn list(&self, key: &str) -> Result<&'a [Value], ButtplugRefusal> {
        self.required(key)?.as_array().map(Vec::as_slice).ok_or_else(|| self.wrong_type(key, "an array"))
    }

    /// The objects of an array.
    pub fn objects(
        &self,
        key: &'a str,
    ) -> Result<impl Iterator<Item = Result<Fields<'a>, ButtplugRefusal>>, ButtplugRefusal> {
        let not_an_object = self.wrong_type(key, "an array of objects");
        Ok(self.list(key)?.iter().map(move |value| match value.as_object() {
            Some(map) => Ok(Fields::new(key, map)),
            None => Err(not_an_object.clone()),
        }))
    }

    /// An object with exactly one entry: its key and the fields of its value.
    pub fn one_of(&self, key: &str) -> Result<Fields<'a>, ButtplugRefusal> {
        let map = self.required(key)?.as_object().ok_or_else(|| self.wrong_type(key, "an object"))?;
        let mut entries = map.iter();
        match (entries.next(), entries.next()) {
            (Some((kind, Value::Object(fields))), None) => Ok(Fields::new(kind, fields)),
            _ => Err(self.wrong_type(key, "an object with one entry that is an object")),
        }
    }

    /// A finite number.
    pub fn number(&self, key: &str) -> Result<f64, ButtplugRefusal> {
        self.required(key)?.as_f64().ok_or_else(|| self.wrong_type(key, "a number"))
    }

    /// A number of `[min, max]`.
    pub fn within(&self, key: &str, min: f64, max: f64) -> Result<f64, ButtplugRefusal> {
        let value = self.number(key)?;
        if (min..=max).contains(&value) {
            Ok(value)
        } else {
            Err(self.outside(key, &format!("it must be {min} to {max}")))
        }
    }

    /// A number that is not negative.
    pub fn amount(&self, key: &str) -> Result<f64, ButtplugRefusal> {
        let value = self.number(key)?;
        if value >= 0.0 { Ok(value) } else { Err(self.outside(key, "it must not be negative")) }
    }

    /// A whole number from 0 to `max`, as a share of `max`.
    pub fn steps(&self, key: &str, max: u32) -> Result<f64, ButtplugRefusal> {
        let value = self.within(key, 0.0, f64::from(max))?;
        if value.fract() == 0.0 {
            Ok(value / f64::from(max))
        } else {
            Err(self.outside(key, "it must be a whole number"))
        }
    }

    /// An index that has to be `expected`; `rule` says so to the user.
    pub fn index_is(&self, key: &str, expected: u32, rule: &str) -> Result<(), ButtplugRefusal> {
        let value = self.number(key)?;
        if value == f64::from(expected) { Ok(()) } else { Err(self.outside(key, rule)) }
    }

    fn outside(&self, key: &str, rule: &str) -> ButtplugRefusal {
        let value = self.optional(key).map(Value::to_string).unwrap_or_default();
        let (name, value) = (quoted(self.name), quoted(&value));
        ButtplugRefusal::device(format!("{key} of {name} is {value}; {rule}"))
    }

    fn required(&self, key: &str) -> Result<&'a Value, ButtplugRefusal> {
        let name = quoted(self.name);
        self.map.get(key).ok_or_else(|| ButtplugRefusal::message(format!("{name} has no {key}")))
    }

    fn wrong_type(&self, key: &str, wanted: &str) -> ButtplugRefusal {
        ButtplugRefusal::message(format!("{key} of {} must be {wanted}", quoted(self.name)))
    }
}

/// A client's text as far as an error may quote it: short, and without control characters.
pub fn quoted(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(QUOTED_CHARACTERS).collect()
}
