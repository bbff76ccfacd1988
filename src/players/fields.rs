//! Typed reading of the fields of a player's message.
//!
//! Null counts as not there. Numbers may be texts, as mpv and older players send them; JSON has no NaN, but a text has.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::error::PlayerError;
use super::update::bounded_media;

/// Positions of a playback (s): two weeks, which is more than any recording, and far less than what loses precision.
const POSITIONS_S: RangeInclusive<f64> = 0.0..=1_209_600.0;
/// Rates of a playback, as multiples of the normal one; those that mpv allows, the widest of all.
const RATES: RangeInclusive<f64> = 0.01..=100.0;
/// A player shows a frame of before its beginning, so small negative positions occur; they are the beginning (s).
const BEFORE_BEGINNING_S: f64 = -60.0;

/// Fields of one message.
#[derive(Clone, Copy)]
pub struct PlayerFields<'a>(&'a Map<String, Value>);

impl<'a> PlayerFields<'a> {
    /// The fields of an object.
    pub fn of(value: &'a Value) -> Result<PlayerFields<'a>, PlayerError> {
        value.as_object().map(PlayerFields).ok_or(PlayerError::NotAnObject)
    }

    /// Value of a field.
    pub fn get(&self, field: &str) -> Option<&'a Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    /// True if the field is there, though it may be null.
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// A text.
    pub fn text(&self, field: &str) -> Option<&'a str> {
        self.get(field)?.as_str()
    }

    /// A finite number.
    pub fn number(&self, field: &'static str) -> Result<Option<f64>, PlayerError> {
        self.get(field).map(|value| number(field, value)).transpose()
    }

    /// A position (s).
    pub fn position_s(&self, field: &'static str) -> Result<Option<f64>, PlayerError> {
        self.get(field).map(|value| position_s(field, value)).transpose()
    }

    /// A duration (s); `None` also for 0, which players say of streams.
    pub fn duration_s(&self, field: &'static str) -> Result<Option<f64>, PlayerError> {
        Ok(self.position_s(field)?.filter(|duration_s| *duration_s > 0.0))
    }

    /// A rate.
    pub fn rate(&self, field: &'static str) -> Result<Option<f64>, PlayerError> {
        self.get(field).map(|value| rate(field, value)).transpose()
    }

    /// Name or path of a media file; `None` if it is empty.
    pub fn media(&self, field: &str) -> Option<String> {
        bounded_media(self.text(field)?)
    }
}

fn number(field: &'static str, value: &Value) -> Result<f64, PlayerError> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number
        .filter(|number: &f64| number.is_finite())
        .ok_or(PlayerError::WrongType { field, wanted: "a number" })
}

/// A position (s), or an error that names the field.
pub fn position_s(field: &'static str, value: &Value) -> Result<f64, PlayerError> {
    let value = number(field, value)?;
    let position_s = if (BEFORE_BEGINNING_S..0.0).contains(&value) { 0.0 } else { value };
    if POSITIONS_S.contains(&position_s) {
        Ok(position_s)
    } else {
        Err(PlayerError::OutOfRange { field, value })
    }
}

/// A rate, or an error that names the field.
pub fn rate(field: &'static str, value: &Value) -> Result<f64, PlayerError> {
    let value = number(field, value)?;
    if RATES.contains(&value) { Ok(value) } else { Err(PlayerError::OutOfRange { field, value }) }
}
