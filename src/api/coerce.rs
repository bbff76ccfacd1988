//! Reads JSON values as leniently as the clients' first server did.
//!
//! The app sends what is in a text field while a person types: `"2."` must be 2.0, `""` is an error that says
//! so. The rules and the texts of the errors are those of pydantic 1; where Python would let NaN or an
//! infinity through, the types behind this refuse it.

use serde_json::Value;

use super::python;

/// What is wrong with a single value.
pub type CoercionError = (&'static str, &'static str);

/// A value is not there and must be.
pub const MISSING: CoercionError = ("field required", "value_error.missing");
/// A value is null and must not be.
pub const NONE: CoercionError = ("none is not an allowed value", "type_error.none.not_allowed");
const NOT_FLOAT: CoercionError = ("value is not a valid float", "type_error.float");
const NOT_INTEGER: CoercionError = ("value is not a valid integer", "type_error.integer");
const NOT_STRING: CoercionError = ("str type expected", "type_error.str");
/// Not a list.
pub const NOT_LIST: CoercionError = ("value is not a valid list", "type_error.list");
/// Not an object.
pub const NOT_DICT: CoercionError = ("value is not a valid dict", "type_error.dict");
/// Not one of the words for yes and no.
pub const NOT_BOOL: CoercionError = ("value could not be parsed to a boolean", "type_error.bool");

/// How a value is read: as the clients' first server read it, or as API v1 does.
#[derive(Debug)]
pub struct Coercion<T> {
    lenient: fn(&Value) -> Result<T, CoercionError>,
    strict: fn(&Value) -> Result<T, CoercionError>,
}

/// Which of the two readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// Texts that look like a number are numbers, and `null` is a field that is not there.
    Lenient,
    /// Each value has the type that the document of the API says.
    Strict,
}

impl Strictness {
    /// The reading of the bodies that come to this path.
    #[must_use]
    pub fn of(path: &str) -> Strictness {
        if path.starts_with(super::paths::V1) { Strictness::Strict } else { Strictness::Lenient }
    }
}

impl<T> Clone for Coercion<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Coercion<T> {}

impl<T> Coercion<T> {
    /// Reads the value.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(self, strictness: Strictness, value: &Value) -> Result<T, CoercionError> {
        match strictness {
            Strictness::Lenient => (self.lenient)(value),
            Strictness::Strict => (self.strict)(value),
        }
    }
}

/// A number.
pub const FLOAT: Coercion<f64> = Coercion {
    lenient: float,
    strict: |value| value.as_f64().ok_or(("must be a number", "type_error.float")),
};
/// A whole number.
pub const INTEGER: Coercion<i64> = Coercion {
    lenient: integer,
    strict: |value| match value {
        // 2.0 is a whole number, as JSON Schema sees it.
        Value::Number(number) if number.as_f64().is_some_and(|float| float.fract() == 0.0) => integer(value),
        _ => Err(("must be a whole number", "type_error.integer")),
    },
};
/// A text.
pub const STRING: Coercion<String> = Coercion {
    lenient: string,
    strict: |value| value.as_str().map(str::to_owned).ok_or(("must be a text", "type_error.str")),
};
/// True or false.
pub const BOOLEAN: Coercion<bool> = Coercion {
    lenient: boolean,
    strict: |value| value.as_bool().ok_or(("must be true or false", "type_error.bool")),
};

/// A number: numbers, and strings that Python's `float()` reads. The first server also took `true` for 1: nobody means that.
///
/// # Errors
/// What is wrong with it.
fn float(value: &Value) -> Result<f64, CoercionError> {
    match value {
        Value::Number(number) => number.as_f64().ok_or(NOT_FLOAT),
        Value::String(text) => without_underscores(text).and_then(|t| t.parse().ok()).ok_or(NOT_FLOAT),
        Value::Null => Err(NONE),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(NOT_FLOAT),
    }
}

/// An integer: a float loses its fraction, a string must be an integer.
///
/// # Errors
/// What is wrong with it.
fn integer(value: &Value) -> Result<i64, CoercionError> {
    match value {
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Ok(integer),
            // Strictly inside: 2^63 itself does not fit, and rounding makes the bounds exact.
            (None, Some(float)) if float.abs() < i64::MAX as f64 => Ok(float as i64),
            _ => Err(NOT_INTEGER),
        },
        Value::String(text) => without_underscores(text).and_then(|t| t.parse().ok()).ok_or(NOT_INTEGER),
        Value::Null => Err(NONE),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(NOT_INTEGER),
    }
}

/// A string: numbers and booleans become what Python's `str()` makes of them.
///
/// # Errors
/// What is wrong with it.
fn string(value: &Value) -> Result<String, CoercionError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(true) => Ok("True".into()),
        Value::Bool(false) => Ok("False".into()),
        Value::Number(number) => Ok(number_text(number)),
        Value::Null => Err(NONE),
        Value::Array(_) | Value::Object(_) => Err(NOT_STRING),
    }
}

/// What Python's `str()` makes of a number.
#[must_use]
pub fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => python::float(float),
        _ => number.to_string(),
    }
}

/// A boolean: the words and numbers for yes and no.
///
/// # Errors
/// What is wrong with it.
fn boolean(value: &Value) -> Result<bool, CoercionError> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::Number(number) => match number.as_f64() {
            Some(0.0) => Ok(false),
            Some(1.0) => Ok(true),
            _ => Err(NOT_BOOL),
        },
        Value::String(text) => word(text),
        Value::Null => Err(NONE),
        Value::Array(_) | Value::Object(_) => Err(NOT_BOOL),
    }
}

/// A boolean as a word, as in a query.
///
/// # Errors
/// [`NOT_BOOL`].
pub fn word(text: &str) -> Result<bool, CoercionError> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "on" | "t" | "true" | "y" | "yes" => Ok(true),
        "0" | "off" | "f" | "false" | "n" | "no" => Ok(false),
        _ => Err(NOT_BOOL),
    }
}

/// Python allows spaces around a number and single underscores between digits.
fn without_underscores(text: &str) -> Option<String> {
    let text = text.trim();
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let misplaced = |at: usize| bytes[at] == b'_' && !(digit(at.checked_sub(1)) && digit(Some(at + 1)));
    (!(0..bytes.len()).any(misplaced)).then(|| text.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_come_in_all_the_spellings_that_clients_send() {
        for (value, number) in [
            (json!(2), 2.0),
            (json!("2."), 2.0),
            (json!("2e-1"), 0.2),
            (json!(" .5 "), 0.5),
            (json!("1_000.5"), 1000.5),
        ] {
            assert_eq!(float(&value), Ok(number), "{value}");
        }
        for value in [
            json!(""),
            json!("."),
            json!("abc"),
            json!("1__0"),
            json!("_1"),
            json!("0x1"),
            json!([]),
            json!(true),
        ] {
            assert_eq!(float(&value), Err(NOT_FLOAT), "{value}");
        }
        assert_eq!(float(&Value::Null), Err(NONE));
    }

    #[test]
    fn integers_lose_their_fraction_but_strings_must_be_whole() {
        for (value, number) in [
            (json!(801.9), 801),
            (json!(-0.9), 0),
            (json!("802"), 802),
            (json!("-1_0"), -10),
            (json!(i64::MAX), i64::MAX),
        ] {
            assert_eq!(integer(&value), Ok(number), "{value}");
        }
        for value in [
            json!("802.5"),
            json!("2."),
            json!(1e300),
            json!(u64::MAX),
            json!("9223372036854775808"),
            json!(false),
        ] {
            assert_eq!(integer(&value), Err(NOT_INTEGER), "{value}");
        }
    }

    #[test]
    fn strings_are_what_python_prints() {
        for (value, text) in [
            (json!(5), "5"),
            (json!(5.0), "5.0"),
            (json!(1e-5), "1e-05"),
            (json!(true), "True"),
            (json!(false), "False"),
            (json!(""), ""),
        ] {
            assert_eq!(string(&value), Ok(text.into()), "{value}");
        }
        assert_eq!(string(&json!({})), Err(NOT_STRING));
    }

    #[test]
    fn yes_and_no_have_many_words() {
        for value in [json!(true), json!(1), json!(1.0), json!("ON"), json!("yes"), json!("t")] {
            assert_eq!(boolean(&value), Ok(true), "{value}");
        }
        for value in [json!(false), json!(0), json!("n"), json!("Off"), json!("false")] {
            assert_eq!(boolean(&value), Ok(false), "{value}");
        }
        for value in [json!(2), json!(""), json!("foo"), json!([])] {
            assert_eq!(boolean(&value), Err(NOT_BOOL), "{value}");
        }
    }
}
