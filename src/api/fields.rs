//! Reads the fields of a JSON body, and collects everything that is wrong with them.
//!
//! A client is told all of it at once, each with the path to the value, as the first server did.

use serde_json::{Map, Value};

use super::coerce::{Coercion, CoercionError, MISSING, NONE, NOT_DICT, NOT_LIST, Strictness};
use super::suggestions;

/// As many fields as most bodies have.
const FEW_FIELDS: usize = 8;
/// Whoever has so many things to put right needs no more of them at once.
const MOST_COMPLAINTS: usize = 100;

/// One thing that is wrong with a request: where, what, and a stable word for it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Complaint {
    /// The path to the value: `body`, then the name of the argument, then the field, then an index.
    pub loc: Vec<Value>,
    /// For a person.
    pub msg: String,
    /// For a program.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The least and the largest value that would be taken, where the field has a range. The clients' first server did not say it.
    #[serde(skip)]
    pub range: Option<(f64, f64)>,
}

impl Complaint {
    /// A complaint about a field without a range.
    #[must_use]
    pub fn new(loc: Vec<Value>, msg: impl Into<String>, kind: &'static str) -> Complaint {
        Complaint { loc, msg: msg.into(), kind, range: None }
    }
}

/// Collects the fields of one JSON object, and everything that is wrong with them.
#[derive(Debug)]
pub struct FieldReader<'a> {
    argument: &'static str,
    strictness: Strictness,
    map: &'a Map<String, Value>,
    /// What was wrong so far.
    pub complaints: Vec<Complaint>,
}

/// What stands for an empty object: the original took an empty list for one.
static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

impl<'a> FieldReader<'a> {
    /// The fields of `body`, which the handler calls `argument`; no body and `null` are the same.
    ///
    /// # Errors
    /// The body is missing or no object.
    pub fn of(argument: &'static str, body: Option<&'a Value>) -> Result<FieldReader<'a>, Complaint> {
        FieldReader::with(Strictness::Lenient, argument, body)
    }

    /// The fields of `body`, read so.
    ///
    /// # Errors
    /// The body is missing or no object.
    pub fn with(
        strictness: Strictness,
        argument: &'static str,
        body: Option<&'a Value>,
    ) -> Result<FieldReader<'a>, Complaint> {
        let wrong = |(msg, kind): CoercionError| Complaint::new(loc(argument, &[]), msg, kind);
        let map = match body {
            None | Some(Value::Null) => return Err(wrong(MISSING)),
            Some(Value::Object(map)) => map,
            Some(Value::Array(list)) if list.is_empty() && strictness == Strictness::Lenient => &EMPTY,
            Some(_) => return Err(wrong(NOT_DICT)),
        };
        Ok(FieldReader { argument, strictness, map, complaints: Vec::new() })
    }

    /// Notes each field that is none of `known`: it is misspelt, or meant for something else, and to pass over it would be to
    /// do half of what was asked for (promise S21).
    pub fn nothing_but(&mut self, known: &[&str]) {
        self.unknown(known, |_| true);
    }

    /// Notes each field that is none of `known` but looks like one of them. The first server passed over every field that it
    /// did not know; what means nothing to anybody may stay.
    pub fn no_slips(&mut self, known: &[&str]) {
        self.unknown(known, |meant| meant.is_some());
    }

    fn unknown(&mut self, known: &[&str], is_wrong: fn(Option<&str>) -> bool) {
        for name in self.map.keys().filter(|name| !known.contains(&name.as_str())) {
            let meant = suggestions::meant(name, known);
            if is_wrong(meant) {
                let hint = meant.map_or(String::new(), |field| format!("did you mean {field}? "));
                let why = format!("there is no field of this name; {hint}known: {}", known.join(", "));
                self.complain(&[name.as_str().into()], (why, "value_error.extra"));
            }
        }
    }

    /// The value of a field. Of few fields each is looked at, which is cheaper than a hash of the name.
    fn value(&self, name: &str) -> Option<&'a Value> {
        if self.map.len() > FEW_FIELDS {
            return self.map.get(name);
        }
        self.map.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// A field as it is, when it is there; of a lenient reading also not null.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&'a Value> {
        self.value(name).filter(|value| self.strictness == Strictness::Strict || !value.is_null())
    }

    /// True if each value must have the type that the document of the API says.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.strictness == Strictness::Strict
    }

    /// Reads one value.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read<T>(&self, read: Coercion<T>, value: &Value) -> Result<T, CoercionError> {
        read.read(self.strictness, value)
    }

    /// Notes that something is wrong with a field, or with an element of it.
    pub fn complain(&mut self, path: &[Value], (msg, kind): (impl Into<String>, &'static str)) {
        if self.complaints.len() < MOST_COMPLAINTS {
            self.complaints.push(Complaint::new(loc(self.argument, path), msg, kind));
        }
    }

    /// A field that must be there. None when it is wrong, which is noted.
    pub fn required<T>(&mut self, name: &str, read: Coercion<T>) -> Option<T> {
        match self.value(name).ok_or(MISSING).and_then(|value| read.read(self.strictness, value)) {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.complain(&[name.into()], wrong);
                None
            }
        }
    }

    /// A field that may be missing or null. None then, and when it is wrong, which is noted.
    pub fn optional<T>(&mut self, name: &str, read: Coercion<T>) -> Option<T> {
        match self.value(name) {
            None => None,
            Some(Value::Null) if self.strictness == Strictness::Lenient => None,
            Some(_) => self.required(name, read),
        }
    }

    /// A list, each element read alike. None when anything in it is wrong, which is noted.
    pub fn required_list<T>(&mut self, name: &str, read: Coercion<T>) -> Option<Vec<T>> {
        let list = match self.value(name) {
            Some(Value::Array(list)) => list,
            other => {
                let wrong = match other {
                    None => MISSING,
                    Some(Value::Null) => NONE,
                    Some(_) => NOT_LIST,
                };
                self.complain(&[name.into()], wrong);
                return None;
            }
        };
        let mut read_values = Vec::with_capacity(list.len());
        for (i, element) in list.iter().enumerate() {
            match read.read(self.strictness, element) {
                Ok(value) => read_values.push(value),
                Err(wrong) => self.complain(&[name.into(), i.into()], wrong),
            }
        }
        (read_values.len() == list.len()).then_some(read_values)
    }

    /// A list that may be missing or null.
    pub fn optional_list<T>(&mut self, name: &str, read: Coercion<T>) -> Option<Vec<T>> {
        match self.value(name) {
            None => None,
            Some(Value::Null) if self.strictness == Strictness::Lenient => None,
            Some(_) => self.required_list(name, read),
        }
    }
}

/// The path of a value in the body.
#[must_use]
pub fn loc(argument: &'static str, path: &[Value]) -> Vec<Value> {
    ["body", argument].into_iter().map(Value::from).chain(path.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::coerce::{FLOAT, INTEGER};

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let body = json!({"a": "x", "list": [1, null, "y"]});
        let mut fields = FieldReader::of("data", Some(&body)).unwrap();
        assert_eq!(fields.required("a", FLOAT), None);
        assert_eq!(fields.required("b", FLOAT), None);
        assert_eq!(fields.optional("c", FLOAT), None);
        assert_eq!(fields.required_list("list", INTEGER), None);
        let said = serde_json::to_value(&fields.complaints).unwrap();
        assert_eq!(
            said,
            json!([
                {"loc": ["body", "data", "a"], "msg": "value is not a valid float", "type": "type_error.float"},
                {"loc": ["body", "data", "b"], "msg": MISSING.0, "type": MISSING.1},
                {"loc": ["body", "data", "list", 1], "msg": NONE.0, "type": NONE.1},
                {"loc": ["body", "data", "list", 2], "msg": "value is not a valid integer", "type": "type_error.integer"},
            ])
        );
    }

    #[test]
    fn only_an_object_or_an_empty_list_is_a_body() {
        for body in [None, Some(Value::Null)] {
            let complaint = FieldReader::of("spec", body.as_ref()).unwrap_err();
            assert_eq!((complaint.kind, complaint.loc.len()), (MISSING.1, 2));
        }
        for body in [json!(1), json!("x"), json!([1]), json!(true)] {
            assert_eq!(FieldReader::of("spec", Some(&body)).unwrap_err().kind, NOT_DICT.1, "{body}");
        }
        assert!(FieldReader::of("spec", Some(&json!([]))).is_ok());
    }
}
