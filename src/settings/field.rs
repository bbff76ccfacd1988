//! Schema of a setting: one row of the table of settings, with name, unit, allowed values, default and meaning.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// One setting. The table is in `definition.rs`.
#[derive(Debug, Clone, Copy)]
pub struct SettingField {
    /// Its name in the API.
    pub name: &'static str,
    /// The unit of its numbers; empty where there is none.
    pub unit: &'static str,
    /// The values that it takes.
    pub allowed: Allowed,
    /// Makes its default, as JSON.
    pub default: fn() -> Value,
    /// Its key in a backup. None: a backup does not have it among the settings.
    pub stored_as: Option<&'static str>,
    /// First version of the stored settings that has it.
    pub since: u8,
    /// Its meaning, in sentences.
    pub doc: &'static str,
}

impl SettingField {
    /// Its meaning, its unit and the values that it takes, in sentences.
    pub fn description(&self) -> String {
        let SettingField { doc, allowed, .. } = self;
        let unit = if self.unit.is_empty() { String::new() } else { format!(" In {}.", self.unit) };
        format!("{doc}{unit} Allowed: {allowed}.")
    }
}

/// The values that a setting takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Allowed {
    /// A text of at most so many characters, without control characters.
    Text(usize),
    /// `true`, and nothing else.
    True,
    /// A whole number: least, most.
    Whole(Bound<i64>, Bound<i64>),
    /// So many whole numbers, each with the same least and most.
    List(usize, i64, i64),
    /// A whole number that a calibration finds: least, most. `null` before.
    Measured(i64, i64),
    /// A number: least, most.
    Number(Bound<f64>, Bound<f64>),
}

/// The end of a range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound<T> {
    /// Always this value.
    Fixed(T),
    /// The value that another setting has.
    Setting(&'static str),
    /// Less than half of the value that another setting has.
    BelowHalfOf(&'static str),
}

/// In words, with the names of settings as code.
impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Allowed::Text(most) => write!(f, "up to {most} characters"),
            Allowed::True => write!(f, "`true`"),
            Allowed::Whole(least, most) => write!(f, "{least} to {most}"),
            Allowed::List(length, least, most) => write!(f, "{length} values of {least} to {most}"),
            Allowed::Measured(least, most) => write!(f, "{least} to {most}, or `null`"),
            Allowed::Number(least, most) => write!(f, "{least} to {most}"),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Bound<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::Fixed(value) => write!(f, "{value}"),
            Bound::Setting(name) => write!(f, "`{name}`"),
            Bound::BelowHalfOf(name) => write!(f, "less than half of `{name}`"),
        }
    }
}

/// The default of a row as JSON.
pub(super) fn json<T: Serialize>(default: T) -> Value {
    // These types have no key that JSON cannot have.
    serde_json::to_value(default).unwrap_or_default()
}
